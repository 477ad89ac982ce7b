// SPDX-License-Identifier: Apache-2.0
import type { KeyUpdate } from '@vnfpool/core/replication';
import { FakeClocks } from '@vnfpool/platform/fakes';

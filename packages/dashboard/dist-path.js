// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';

export const distPath = fileURLToPath(new URL('./dist', import.meta.url));

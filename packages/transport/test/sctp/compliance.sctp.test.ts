// SPDX-License-Identifier: Apache-2.0
import {
  messageCases,
  complianceRule as rule,
  type TransportFactory,
  transportCases,
} from '@vnfpool/testkit/compliance';
import { SctpTransport, sctpMissing } from '@vnfpool/transport/sctp';
import { describe, test } from 'vitest';

const factory: TransportFactory = (limits) => ({
  server: new SctpTransport({ rule, limits }),
  client: new SctpTransport({ rule, limits }),
});

const missing = sctpMissing();
if (missing !== null) console.warn(`skipped: ${missing}`);

describe.skipIf(missing !== null)('sctp transport', () => {
  test.each([...transportCases, ...messageCases])('$name', (each) => each.run(factory));
});

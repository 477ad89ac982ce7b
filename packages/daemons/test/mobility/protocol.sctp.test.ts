// SPDX-License-Identifier: Apache-2.0
import { SctpTransport, sctpMissing } from '@vnfpool/transport/sctp';
import { MESSAGE_BYTES_MAX } from '@vnfpool/wire/mobility';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mobilityRule as rule } from '../../src/mobility-frames.ts';
import { plainMobilityTransport } from '../../src/mobility-transports.ts';
import { protocolCases, unframeableCase, type Way } from './protocol-cases.ts';

const way: Way = {
  transport: 'sctp',
  security: { kind: 'plain' },
  node: () => plainMobilityTransport('sctp', { rule }),
};

const tooLong = unframeableCase(
  'a user message longer than Length can tell: ERROR, then the association is closed',
  new Uint8Array(MESSAGE_BYTES_MAX + 1),
);

const missing = sctpMissing();
if (missing !== null) console.warn(`skipped: ${missing}`);

describe.skipIf(missing !== null)('service mobility over SCTP', () => {
  test.each([...protocolCases, tooLong])('$name', (each) => each.run(way));

  test('a message is one user message of payload protocol 0', async () => {
    const taken: [length: number, protocol: number][] = [];
    const listener = await new SctpTransport({ rule }).listen({
      host: '127.0.0.1',
      port: 0,
      onConnection: (connection) =>
        connection.onFrame((frame, protocol) => void taken.push([frame.length, protocol])),
    });
    onTestFinished(() => listener.close());
    const connection = await way.node(10).connect({ host: '127.0.0.1', port: listener.address.port });
    onTestFinished(() => connection.close());
    for (const length of [16, MESSAGE_BYTES_MAX, 8]) connection.send(new Uint8Array(length));
    await expect
      .poll(() => taken, { timeout: 30_000 })
      .toEqual([
        [16, 0],
        [MESSAGE_BYTES_MAX, 0],
        [8, 0],
      ]);
  });
});

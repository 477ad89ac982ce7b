// SPDX-License-Identifier: Apache-2.0
import { encodeReplica, encodeSealedHead, type ReplicaMessage } from '@vnfpool/wire/replication';

const history = [
  { epoch: 1, sequence: 0 },
  { epoch: 4, sequence: 300 },
];
const updates = [
  { sequence: 301, key: 'call-1', value: Uint8Array.of(1, 2, 3) },
  { sequence: 305, key: '\u0001\u00ff', value: null },
  { sequence: 306, key: 'empty', value: new Uint8Array() },
];
const mark = { sequence: 306, keys: 2, digest: 0x0123456789abcdefn, clockUs: 2_000_000 };

const messages: readonly ReplicaMessage[] = [
  { type: 'open', slot: '00000000000000a1', epoch: 4, history, everyMs: 100 },
  { type: 'at', epoch: 1, sequence: 299, windowBytes: 1_048_576 },
  { type: 'refuse', reason: 'old-epoch', epoch: 5, text: 'epoch 5 was accepted here' },
  { type: 'resume', from: 299 },
  { type: 'resume', from: 'whole' },
  { type: 'updates', updates, mark: null },
  { type: 'updates', updates, mark },
  { type: 'updates', updates: [], mark },
  {
    type: 'updates',
    updates: [
      { sequence: 1, key: 'key', value: Uint8Array.of(7), secret: 'value' },
      { sequence: 2, key: 'name', value: new Uint8Array(), secret: 'name' },
    ],
    mark,
  },
  { type: 'ack', sequence: 306, bytes: 70_000, clockUs: 2_000_000 },
  { type: 'differs', sequence: 306, keys: 3, digest: 1n },
  { type: 'end', sequence: 306 },
];

/** Frames of replication, one of every type at least. */
export const REPLICA_FRAMES: readonly Uint8Array[] = messages.map(encodeReplica);

const keyOf = (octet: number): Parameters<typeof encodeSealedHead>[0]['keys'][number] => ({
  receiver: new Uint8Array(8).fill(octet),
  encapsulated: new Uint8Array(32).fill(octet),
  sealed: new Uint8Array(48).fill(octet),
});

/** Values of secrets as agents keep them: sealed to one node, and to three. */
export const SEALED_VALUES: readonly Uint8Array[] = [[1], [1, 2, 3]].map((receivers) =>
  Uint8Array.from([
    ...encodeSealedHead({ epoch: 300, number: 7, keys: receivers.map(keyOf) }),
    ...new Uint8Array(20),
  ]),
);

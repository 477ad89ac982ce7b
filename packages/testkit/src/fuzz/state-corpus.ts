// SPDX-License-Identifier: Apache-2.0
import { encodeState, type StateMessage } from '@vnfpool/wire/state-channel';

const pair = { token: new Uint8Array(16).fill(0x5a), source: 10, destination: 11, functionId: 101 };
const total = { totalBytes: 9, totalCrc: 0xe3069283 };

const messages: readonly StateMessage[] = [
  {
    type: 'hello',
    ...pair,
    targetFunctionId: 102,
    mode: 'sessions',
    selection: [
      { type: 'ratio', ratio: 0.3 },
      { type: 'sip-uri', uri: 'sip:alice@example.com' },
      { type: 'all', subType: 4 },
    ],
  },
  { type: 'hello', ...pair, targetFunctionId: 101, mode: 'move', selection: [] },
  { type: 'welcome', windowBytes: 1_048_576 },
  { type: 'welcome', windowBytes: 1_048_576, forward: { address: '2001:db8::11', port: 40_100 } },
  { type: 'refuse', errorNumber: 3, text: 'token not valid here' },
  { type: 'begin', part: 1, kind: 'delta', bytesExpected: null },
  { type: 'chunk', octets: Uint8Array.of(1, 2, 3) },
  { type: 'mark', part: 1, bytes: 9, crc: 1, ...total, sessions: 300 },
  { type: 'marked', part: 1, ...total },
  { type: 'credit', untilBytes: 65_536 },
  { type: 'commit', ...total },
  { type: 'committed', sessions: null },
  { type: 'cancel', reason: 'integrity', text: 'part 1 is not what was sent' },
  { type: 'ask', ...pair },
  { type: 'outcome', outcome: 'undecided', sessions: 0 },
  { type: 'alive' },
];

/** One frame of each type of the state channel. */
export const STATE_FRAMES: readonly Uint8Array[] = messages.map(encodeState);

// SPDX-License-Identifier: Apache-2.0
import { fromHex } from '@vnfpool/wire/bytes';
import type { StateMessage } from '@vnfpool/wire/state-channel';

const token = fromHex('00112233445566778899aabbccddeeff');
const pair = { token, source: 10, destination: 11, functionId: 101 };
const pairHex = '5653 01 00112233445566778899aabbccddeeff 0000000a 0000000b 00000065';

/** Written by hand from docs/state-transfer.md: name, message, octets. */
export const VECTORS: readonly (readonly [string, StateMessage, string])[] = [
  [
    'hello of a MOVE',
    { type: 'hello', ...pair, targetFunctionId: 101, mode: 'move', selection: [] },
    `00000025 01 ${pairHex} 00000065 01`,
  ],
  [
    'hello of a COPY with a number of its own',
    { type: 'hello', ...pair, targetFunctionId: 102, mode: 'copy', selection: [] },
    `00000025 01 ${pairHex} 00000066 02`,
  ],
  [
    'hello of a MOVE_SESSION: 0.3 of them and one by contact',
    {
      type: 'hello',
      ...pair,
      targetFunctionId: 102,
      mode: 'sessions',
      selection: [
        { type: 'ratio', ratio: 0.3 },
        { type: 'contact', contact: Uint8Array.of(192, 0, 2, 7) },
      ],
    },
    `00000034 01 ${pairHex} 00000066 03 08 03 0003 302e33 08 02 0004 c0000207`,
  ],
  ['welcome', { type: 'welcome', windowBytes: 1_048_576 }, '00000005 02 00100000'],
  [
    'welcome of sessions, whose packets are taken at 192.0.2.11 port 40100',
    { type: 'welcome', windowBytes: 1_048_576, forward: { address: '192.0.2.11', port: 40_100 } },
    '0000000b 02 00100000 9ca4 c000020b',
  ],
  [
    'welcome of sessions, over IPv6',
    { type: 'welcome', windowBytes: 1, forward: { address: '2001:db8::11', port: 1 } },
    '00000017 02 00000001 0001 20010db8000000000000000000000011',
  ],
  ['refuse', { type: 'refuse', errorNumber: 3, text: 'used' }, '00000007 03 0003 75736564'],
  [
    'begin of a snapshot of unknown size',
    { type: 'begin', part: 0, kind: 'snapshot', bytesExpected: null },
    '0000000c 04 0000 01 ffffffffffffffff',
  ],
  [
    'begin of the last delta',
    { type: 'begin', part: 3, kind: 'last', bytesExpected: 4096 },
    '0000000c 04 0003 03 0000000000001000',
  ],
  ['chunk', { type: 'chunk', octets: Uint8Array.of(0x68, 0x69) }, '00000003 05 6869'],
  [
    'mark',
    {
      type: 'mark',
      part: 1,
      bytes: 9,
      crc: 0xe3069283,
      totalBytes: 4_294_967_305,
      totalCrc: 1,
      sessions: 300,
    },
    '00000023 06 0001 0000000000000009 e3069283 0000000100000009 00000001 000000000000012c',
  ],
  [
    'marked',
    { type: 'marked', part: 1, totalBytes: 9, totalCrc: 0xe3069283 },
    '0000000f 07 0001 0000000000000009 e3069283',
  ],
  ['credit', { type: 'credit', untilBytes: 65_536 }, '00000009 08 0000000000010000'],
  [
    'commit',
    { type: 'commit', totalBytes: 9, totalCrc: 0xe3069283 },
    '0000000d 09 0000000000000009 e3069283',
  ],
  ['committed', { type: 'committed', sessions: null }, '00000009 0a ffffffffffffffff'],
  ['cancel', { type: 'cancel', reason: 'would-not-converge', text: 'no' }, '00000004 0b 02 6e6f'],
  ['ask', { type: 'ask', ...pair }, `00000020 0c ${pairHex}`],
  ['outcome', { type: 'outcome', outcome: 'aborted', sessions: 0 }, '0000000a 0d 03 0000000000000000'],
  ['alive', { type: 'alive' }, '00000001 0e'],
];

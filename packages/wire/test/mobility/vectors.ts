// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8, fromHex } from '@vnfpool/wire/bytes';
import type { MobilityMessage } from '@vnfpool/wire/mobility';

/*
 * Worked by hand from the layout of draft-yokota-opsawg-virtnw-service-management-02 §6 and from our choices
 * where it leaves them open. First line: Type, Sub-Type, Length; second: Code, Sequence Number; then an option a
 * line: OP-Type, Sub-OP-Type, Length, two blanks, Value.
 */
export interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly message: MobilityMessage;
}

export const VECTORS: readonly Vector[] = [
  {
    name: `E1 REGISTRATION, EN 10 to manager: seq 1; address 192.0.2.10, 2.4 GHz, 8 GiB, boot time 2026-01-01T00:00:00.5Z`,
    hex: `
      01 00 00 35
      00 00 00 01
      04 00 00 04  00 00 00 0a
      01 00 00 04  c0 00 02 0a
      06 01 00 03  32 2e 34
      06 0a 00 0a  38 35 38 39 39 33 34 35 39 32
      06 28 00 08  ed 00 37 80 80 00 00 00`,
    message: {
      type: 'registration',
      sequence: 1,
      nodes: [
        {
          id: 10,
          addresses: ['192.0.2.10'],
          information: { capacityGhz: 2.4, memoryBytes: 8589934592n, bootTime: 0xed00378080000000n },
        },
      ],
    },
  },
  {
    name: `E2 ACK to E1: Sub-Type 0, Code 0, seq 1 copied, Node ID 10`,
    hex: `
      06 00 00 0c
      00 00 00 01
      04 00 00 04  00 00 00 0a`,
    message: { type: 'ack', subType: 0, code: 0, sequence: 1, nodes: [{ id: 10 }] },
  },
  {
    name: `E3 KEEP-ALIVE, manager to EN 10: manager seq 1; asks for current load (6/2) and for the running status (7/50) of function 100`,
    hex: `
      02 00 00 1c
      00 00 00 01
      04 00 00 04  00 00 00 0a
      06 02 00 00
      05 00 00 04  00 00 00 64
      07 32 00 00`,
    message: {
      type: 'keep-alive',
      sequence: 1,
      nodes: [
        {
          id: 10,
          wanted: [{ opType: 6, subType: 2 }],
          functions: [{ id: 100, wanted: [{ opType: 7, subType: 50 }] }],
        },
      ],
    },
  },
  {
    name: `E4 ACK to E3: load 3, function 100 Running`,
    hex: `
      06 00 00 24
      00 00 00 01
      04 00 00 04  00 00 00 0a
      06 02 00 01  33
      05 00 00 04  00 00 00 64
      07 32 00 07  52 75 6e 6e 69 6e 67`,
    message: {
      type: 'ack',
      subType: 0,
      code: 0,
      sequence: 1,
      nodes: [
        { id: 10, information: { load: 3 }, functions: [{ id: 100, information: { status: 'Running' } }] },
      ],
    },
  },
  {
    name: `E5 OPERATION GET, seq 2: function 100, name (7/1), current load (7/2), running status (7/50)`,
    hex: `
      03 01 00 20
      00 00 00 02
      04 00 00 04  00 00 00 0a
      05 00 00 04  00 00 00 64
      07 01 00 00
      07 02 00 00
      07 32 00 00`,
    message: {
      type: 'operation',
      command: 'get',
      sequence: 2,
      nodes: [
        {
          id: 10,
          functions: [
            {
              id: 100,
              wanted: [
                { opType: 7, subType: 1 },
                { opType: 7, subType: 2 },
                { opType: 7, subType: 50 },
              ],
            },
          ],
        },
      ],
    },
  },
  {
    name: `E6 ACK to E5: Sub-Type 1 copied; "P-CSCF", load 0.75, Running`,
    hex: `
      06 01 00 31
      00 00 00 02
      04 00 00 04  00 00 00 0a
      05 00 00 04  00 00 00 64
      07 01 00 06  50 2d 43 53 43 46
      07 02 00 04  30 2e 37 35
      07 32 00 07  52 75 6e 6e 69 6e 67`,
    message: {
      type: 'ack',
      subType: 1,
      code: 0,
      sequence: 2,
      nodes: [
        { id: 10, functions: [{ id: 100, information: { name: 'P-CSCF', load: 0.75, status: 'Running' } }] },
      ],
    },
  },
  {
    name: `E7 OPERATION ADD, seq 3: function 101, name "HSS", required memory 268435456`,
    hex: `
      03 02 00 28
      00 00 00 03
      04 00 00 04  00 00 00 0a
      05 00 00 04  00 00 00 65
      07 01 00 03  48 53 53
      07 0a 00 09  32 36 38 34 33 35 34 35 36`,
    message: {
      type: 'operation',
      command: 'add',
      sequence: 3,
      nodes: [{ id: 10, functions: [{ id: 101, information: { name: 'HSS', memoryBytes: 268435456n } }] }],
    },
  },
  {
    name: `E8 ACK to E7: accepted, status Starting`,
    hex: `
      06 02 00 20
      00 00 00 03
      04 00 00 04  00 00 00 0a
      05 00 00 04  00 00 00 65
      07 32 00 08  53 74 61 72 74 69 6e 67`,
    message: {
      type: 'ack',
      subType: 2,
      code: 0,
      sequence: 3,
      nodes: [{ id: 10, functions: [{ id: 101, information: { status: 'Starting' } }] }],
    },
  },
  {
    name: `E9 STATUS-UPDATE, EN seq 2: function 101 now Running`,
    hex: `
      04 00 00 1f
      00 00 00 02
      04 00 00 04  00 00 00 0a
      05 00 00 04  00 00 00 65
      07 32 00 07  52 75 6e 6e 69 6e 67`,
    message: {
      type: 'status-update',
      sequence: 2,
      nodes: [{ id: 10, functions: [{ id: 101, information: { status: 'Running' } }] }],
    },
  },
  {
    name: `E10 OPERATION MOVE, seq 4, to the source: node 10 to node 11 at [2001:db8::11]:51000, function 101`,
    hex: `
      03 04 00 36
      00 00 00 04
      04 00 00 04  00 00 00 0a
      04 00 00 04  00 00 00 0b
      02 00 00 10  20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 11
      03 00 00 02  c7 38
      05 00 00 04  00 00 00 65`,
    message: {
      type: 'operation',
      command: 'move',
      sequence: 4,
      nodes: [{ id: 10 }, { id: 11, addresses: ['2001:db8::11'], ports: [51000], functions: [{ id: 101 }] }],
    },
  },
  {
    name: `E11 ACK to E10: accepted, both Node IDs in order, status at the source still Running`,
    hex: `
      06 04 00 27
      00 00 00 04
      04 00 00 04  00 00 00 0a
      04 00 00 04  00 00 00 0b
      05 00 00 04  00 00 00 65
      07 32 00 07  52 75 6e 6e 69 6e 67`,
    message: {
      type: 'ack',
      subType: 4,
      code: 0,
      sequence: 4,
      nodes: [{ id: 10 }, { id: 11, functions: [{ id: 101, information: { status: 'Running' } }] }],
    },
  },
  {
    name: `E12 OPERATION COPY, seq 5: node 10 to node 12, function 100`,
    hex: `
      03 05 00 1c
      00 00 00 05
      04 00 00 04  00 00 00 0a
      04 00 00 04  00 00 00 0c
      05 00 00 04  00 00 00 64`,
    message: {
      type: 'operation',
      command: 'copy',
      sequence: 5,
      nodes: [{ id: 10 }, { id: 12, functions: [{ id: 100 }] }],
    },
  },
  {
    name: `E13 ACK to E12: refused, Code 129 (0x81), reason text`,
    hex: `
      06 05 00 3a
      81 00 00 05
      04 00 00 04  00 00 00 0a
      04 00 00 04  00 00 00 0c
      05 00 00 04  00 00 00 64
      07 32 00 07  52 75 6e 6e 69 6e 67
      09 01 00 0f  6e 6f 20 6d 65 6d 6f 72 79 20 6f 6e 20 31 32`,
    message: {
      type: 'ack',
      subType: 5,
      code: 129,
      sequence: 5,
      nodes: [
        { id: 10 },
        { id: 12, functions: [{ id: 100, information: { status: 'Running' }, text: 'no memory on 12' }] },
      ],
    },
  },
  {
    name: `E14 OPERATION MOVE_SESSION, seq 6: node 10 to node 11, ratio 0.3 of the sessions of function 100`,
    hex: `
      03 06 00 23
      00 00 00 06
      04 00 00 04  00 00 00 0a
      04 00 00 04  00 00 00 0b
      08 03 00 03  30 2e 33
      05 00 00 04  00 00 00 64`,
    message: {
      type: 'operation',
      command: 'move-session',
      sequence: 6,
      nodes: [{ id: 10 }, { id: 11, sessions: [{ type: 'ratio', ratio: 0.3 }], functions: [{ id: 100 }] }],
    },
  },
  {
    name: `E15 ACK to E14: 300 sessions moved (8/4), status Running`,
    hex: `
      06 06 00 2e
      00 00 00 06
      04 00 00 04  00 00 00 0a
      04 00 00 04  00 00 00 0b
      08 04 00 03  33 30 30
      05 00 00 04  00 00 00 64
      07 32 00 07  52 75 6e 6e 69 6e 67`,
    message: {
      type: 'ack',
      subType: 6,
      code: 0,
      sequence: 6,
      nodes: [
        { id: 10 },
        {
          id: 11,
          sessions: [{ type: 'count', count: 300n }],
          functions: [{ id: 100, information: { status: 'Running' } }],
        },
      ],
    },
  },
  {
    name: `E16 OPERATION DELETE, seq 7: function 100`,
    hex: `
      03 03 00 14
      00 00 00 07
      04 00 00 04  00 00 00 0a
      05 00 00 04  00 00 00 64`,
    message: {
      type: 'operation',
      command: 'delete',
      sequence: 7,
      nodes: [{ id: 10, functions: [{ id: 100 }] }],
    },
  },
  {
    name: `E17 DE-REGISTRATION, EN seq 3`,
    hex: `
      05 00 00 0c
      00 00 00 03
      04 00 00 04  00 00 00 0a`,
    message: { type: 'deregistration', sequence: 3, nodes: [{ id: 10 }] },
  },
  {
    name: `E18 ERROR (Type 7, our assignment), manager seq 8, text "manager overload"`,
    hex: `
      07 00 00 20
      00 00 00 08
      04 00 00 04  00 00 00 0a
      09 01 00 10  6d 61 6e 61 67 65 72 20 6f 76 65 72 6c 6f 61 64`,
    message: { type: 'error', sequence: 8, nodes: [{ id: 10, text: 'manager overload' }] },
  },
  {
    name: `E19 OPERATION GET at node scope, sequence number at its maximum 16777215: Function ID 0, total memory (6/10)`,
    hex: `
      03 01 00 18
      00 ff ff ff
      04 00 00 04  00 00 00 0a
      05 00 00 04  00 00 00 00
      06 0a 00 00`,
    message: {
      type: 'operation',
      command: 'get',
      sequence: 16777215,
      nodes: [{ id: 10, functions: [{ id: 0, wanted: [{ opType: 6, subType: 10 }] }] }],
    },
  },
  {
    name: `E20 REGISTRATION that asks for a Node ID (0) and announces our extensions: 9/255 with number 32473, extension 0, version 1, instance 0102030405060708`,
    hex: `
      01 00 00 1f
      00 00 00 01
      04 00 00 04  00 00 00 00
      09 ff 00 0f  00 00 7e d9 00 00 01 01 02 03 04 05 06 07 08`,
    message: {
      type: 'registration',
      sequence: 1,
      nodes: [{ id: 0, extensions: { hello: { version: 1, instance: 0x0102030405060708n } } }],
    },
  },
  {
    name: `E21 OPERATION ADD with our extension 5 (function specification) for function 101: seq 9; JSON \`{"v":1,"kind":"process","command":["/bin/hss"]}\``,
    hex: `
      03 02 00 54
      00 00 00 09
      04 00 00 04  00 00 00 0a
      05 00 00 04  00 00 00 65
      07 01 00 03  48 53 53
      09 ff 00 35  00 00 7e d9 00 05 7b 22 76 22 3a 31 2c 22 6b 69 6e 64 22 3a 22 70 72 6f 63 65 73 73 22 2c 22 63 6f 6d 6d 61 6e 64 22 3a 5b 22 2f 62 69 6e 2f 68 73 73 22 5d 7d`,
    message: {
      type: 'operation',
      command: 'add',
      sequence: 9,
      nodes: [
        {
          id: 10,
          functions: [
            {
              id: 101,
              information: { name: 'HSS' },
              extensions: { specification: encodeUtf8('{"v":1,"kind":"process","command":["/bin/hss"]}') },
            },
          ],
        },
      ],
    },
  },
  {
    name: `E22 OPERATION ADD that only changes the assignment of live function 101 (extension 6): seq 10; JSON \`{"v":1,"pool":"hss","slot":0,"role":"standby","epoch":"8"}\``,
    hex: `
      03 02 00 58
      00 00 00 0a
      04 00 00 04  00 00 00 0a
      05 00 00 04  00 00 00 65
      09 ff 00 40  00 00 7e d9 00 06 7b 22 76 22 3a 31 2c 22 70 6f 6f 6c 22 3a 22 68 73 73 22 2c 22 73 6c 6f 74 22 3a 30 2c 22 72 6f 6c 65 22 3a 22 73 74 61 6e 64 62 79 22 2c 22 65 70 6f 63 68 22 3a 22 38 22 7d`,
    message: {
      type: 'operation',
      command: 'add',
      sequence: 10,
      nodes: [
        {
          id: 10,
          functions: [
            {
              id: 101,
              extensions: {
                assignment: encodeUtf8('{"v":1,"pool":"hss","slot":0,"role":"standby","epoch":"8"}'),
              },
            },
          ],
        },
      ],
    },
  },
  {
    name: `E23 OPERATION ADD that prepares a MOVE at the destination (extension 1, role 2): seq 11; function 101, token 00112233445566778899aabbccddeeff`,
    hex: `
      03 02 00 2f
      00 00 00 0b
      04 00 00 04  00 00 00 0b
      05 00 00 04  00 00 00 65
      09 ff 00 17  00 00 7e d9 00 01 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff 02`,
    message: {
      type: 'operation',
      command: 'add',
      sequence: 11,
      nodes: [
        {
          id: 11,
          functions: [
            {
              id: 101,
              extensions: {
                transfer: { token: fromHex('00112233445566778899aabbccddeeff'), role: 'destination' },
              },
            },
          ],
        },
      ],
    },
  },
  {
    name: `E24 ACK refused with our error number (extension 4): Sub-Type 2, Code 130, seq 11; number 3`,
    hex: `
      06 02 00 2b
      82 00 00 0b
      04 00 00 04  00 00 00 0b
      05 00 00 04  00 00 00 65
      07 32 00 07  55 6e 6b 6e 6f 77 6e
      09 ff 00 08  00 00 7e d9 00 04 00 03`,
    message: {
      type: 'ack',
      subType: 2,
      code: 130,
      sequence: 11,
      nodes: [
        { id: 11, functions: [{ id: 101, information: { status: 'Unknown' }, extensions: { error: 3 } }] },
      ],
    },
  },
];

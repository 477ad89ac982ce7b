// SPDX-License-Identifier: Apache-2.0
import {
  encodeStateAnswer,
  encodeStateOrder,
  type StateAnswer,
  type StateOrder,
} from '@vnfpool/wire/mobility';

const order = { v: 1, id: '00000000000000a1', slot: '00000000000000b1', from: 0, stop: false } as const;
const orders: readonly StateOrder[] = [
  { ...order, task: 'checkpoint', isFull: true },
  { ...order, task: 'list', from: 32 },
  { ...order, task: 'restore', epoch: 1_099_511_627_783, number: 4 },
  { ...order, task: 'slots' },
  { ...order, task: 'slots', source: '00000000000000c1', format: 'kv/1', from: 12 },
  { ...order, task: 'list-from', source: '00000000000000c1' },
  { ...order, task: 'restore-from', source: '00000000000000c1', epoch: 7, number: 4, format: 'kv/1' },
  { ...order, task: 'record', forMs: 60_000, octetsMax: 16_777_216, stop: true },
  { ...order, task: 'forget', method: 'checkpoint', store: 'file:///mnt/shared' },
  { ...order, task: 'forget', method: 'shared', store: 'rediss://kv@store:6380/0?ca=/etc/ca.pem' },
];

const answer = { v: 1, id: '00000000000000a1', isOver: true, fault: '' } as const;
const found = { epoch: 7, first: 1, number: 2, kind: 'full', wallMs: 1_790_000_000_000, node: 2 } as const;
const answers: readonly StateAnswer[] = [
  { ...answer, isOver: false },
  { ...answer, fault: 'the store does not take it: disk full' },
  {
    ...answer,
    made: { kind: 'none', epoch: 7, number: 2, sequence: 40, keys: 5, octets: 0, tookMs: 0.5 },
  },
  {
    ...answer,
    found: [{ ...found, sequence: 40, octets: 900, damage: '', isRestorable: true, keys: 5 }],
    hasMore: false,
  },
  {
    ...answer,
    slots: [
      {
        slot: '00000000000000c1',
        set: 'shop',
        pool: 'kv',
        index: 1,
        format: 'kv/1',
        full: 2,
        epoch: 7,
        number: 2,
        wallMs: 1_790_000_000_000,
        keys: 5,
        damage: '',
        misfit: 'it is of the format kv/1, and this slot of kv/2',
      },
    ],
    hasMore: true,
  },
  {
    ...answer,
    recording: {
      updates: [
        [0.5, 1, 64],
        [12, 1, -1],
      ],
      elapsedMs: 60_000.25,
      end: 'time',
    },
  },
];

/** Orders about the state of a slot and what nodes answer, one of every kind at least. */
export const STATE_ORDERS: readonly Uint8Array[] = [
  ...orders.map(encodeStateOrder),
  ...answers.map(encodeStateAnswer),
];

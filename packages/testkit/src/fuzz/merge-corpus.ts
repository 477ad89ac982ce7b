// SPDX-License-Identifier: Apache-2.0
import { encodeMerge, type MergeMessage } from '@vnfpool/wire/merge-link';

const [key, other, long] = [Uint8Array.of(97), Uint8Array.of(98, 0, 255), new Uint8Array(1_024).fill(7)];

const messages: readonly MergeMessage[] = [
  {
    type: 'requests',
    first: 1,
    requests: [
      { type: 'count', key, by: -3 },
      { type: 'count', key: other, by: Number.MAX_SAFE_INTEGER },
      { type: 'write', key, value: long },
      { type: 'add', key: long, element: other },
      { type: 'discard', key: other, element: new Uint8Array(0) },
      { type: 'remove', key },
      { type: 'read', key: other },
    ],
  },
  { type: 'requests', first: 2 ** 40, requests: [{ type: 'read', key }] },
  {
    type: 'keys',
    keys: [
      { key, isFirst: true, isLast: false, counter: -5, register: long, elements: [key, other] },
      { key, isFirst: false, isLast: true, counter: null, register: null, elements: [long] },
      { key: other, isFirst: true, isLast: true, counter: null, register: null, elements: [] },
    ],
  },
  { type: 'done', number: 0 },
  { type: 'done', number: Number.MAX_SAFE_INTEGER },
  { type: 'refused', number: 4, reason: 'cells' },
  { type: 'refused', number: 5, reason: 'closed' },
];

/** Frames of mergeable state between a function and its agent, one of every type at least. */
export const MERGE_FRAMES: readonly Uint8Array[] = messages.map(encodeMerge);

// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { MessageQueue } from '../src/message-queue.ts';

function queue({ bytesMax = 1024, holds = true } = {}) {
  const told: string[] = [];
  const made = new MessageQueue({
    bytesMax,
    onFull: () => {
      told.push('full');
      return holds;
    },
    onRoom: () => void told.push('room'),
    onOverflow: () => void told.push('overflow'),
  });
  const reader = made[Symbol.asyncIterator]();
  return { made, told, read: async () => (await reader.next()).value };
}

test('gives messages in order, however many wait', async () => {
  const { made, read } = queue({ bytesMax: Number.POSITIVE_INFINITY });
  let next = 0;
  let pushed = 0;
  // Grows, and is read in between: places that were read are given up on the way.
  for (let round = 0; round < 60; round += 1) {
    for (let each = 0; each < 100; each += 1) made.push(Uint8Array.of(pushed >> 8, pushed++ & 0xff));
    for (let each = 0; each < 80; each += 1, next += 1)
      expect(await read()).toEqual(Uint8Array.of(next >> 8, next & 0xff));
  }
  made.end(null);
  for (; next < pushed; next += 1) expect(await read()).toEqual(Uint8Array.of(next >> 8, next & 0xff));
  expect(await read()).toBeUndefined();
});

test.each([
  ['of 256 octets', 256, 4],
  ['empty', 0, 16],
])(
  'holds the sender back at the bound, and lets it go on at half of it: messages %s',
  async (_, bytes, most) => {
    const { made, told, read } = queue();
    for (let each = 1; each < most; each += 1) made.push(new Uint8Array(bytes));
    expect(told).toEqual([]);
    made.push(new Uint8Array(bytes));
    expect(told).toEqual(['full']);
    for (let each = 1; each < most / 2; each += 1) await read();
    expect(told).toEqual(['full']);
    await read();
    expect(told).toEqual(['full', 'room']);
  },
);

test('gives up on a sender of empty messages that cannot be held back', () => {
  const { made, told } = queue({ holds: false });
  for (let each = 1; each < 64; each += 1) made.push(new Uint8Array(0));
  expect(told).not.toContain('overflow');
  made.push(new Uint8Array(0));
  expect(told.at(-1)).toBe('overflow');
});

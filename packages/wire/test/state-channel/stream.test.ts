// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import {
  chunkHeader,
  encodeState,
  STATE_CHUNK_BYTES_MAX,
  type StateMessage,
  StateStreamReader,
} from '@vnfpool/wire/state-channel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VECTORS } from './vectors.ts';

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Chunks that follow each other as one: how they are cut says nothing. */
function joined(messages: readonly StateMessage[]): StateMessage[] {
  const all: StateMessage[] = [];
  for (const message of messages) {
    const last = all.at(-1);
    if (message.type === 'chunk' && last?.type === 'chunk')
      all[all.length - 1] = { type: 'chunk', octets: join([last.octets, message.octets]) };
    else all.push(message);
  }
  return all;
}

test('any cutting of a stream gives the same messages, and the same state', () => {
  const messages = fc.array(
    fc.oneof(
      fc.constantFrom(...VECTORS.map(([, message]) => message)),
      fc
        .uint8Array({ minLength: 1, maxLength: 600 })
        .map((octets): StateMessage => ({ type: 'chunk', octets })),
    ),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (sent, sizes) => {
      const stream = join(sent.map(encodeState));
      const reader = new StateStreamReader();
      const read: StateMessage[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        read.push(...reader.push(stream.subarray(at, at + size)));
        at += size;
      }
      expect(joined(read)).toEqual(joined(sent));
    }),
  );
});

test('a chunk is given as it comes, before all of it is there', () => {
  const reader = new StateStreamReader();
  expect([...reader.push(Uint8Array.of(0, 0, 0))]).toEqual([]);
  expect([...reader.push(Uint8Array.of(4, 5, 7))]).toEqual([{ type: 'chunk', octets: Uint8Array.of(7) }]);
  expect([...reader.push(Uint8Array.of(8, 9, 0))]).toEqual([{ type: 'chunk', octets: Uint8Array.of(8, 9) }]);
});

test.each([
  ['a length that no frame has', Uint8Array.of(0, 0, 0, 0, 5)],
  ['a length beyond the longest frame', Uint8Array.of(0, 4, 0, 2, 5)],
  ['a chunk without octets', Uint8Array.of(0, 0, 0, 1, 5)],
  ['a type that nobody knows', Uint8Array.of(0, 0, 0, 1, 15)],
])('refused: %s', (_name, octets) => {
  expect(() => [...new StateStreamReader().push(octets)]).toThrow(WireError);
});

test('a header with octets behind it is a chunk', () => {
  const octets = Uint8Array.of(1, 2, 3);
  expect(join([chunkHeader(3), octets])).toEqual(encodeState({ type: 'chunk', octets }));
  const most = new Uint8Array(STATE_CHUNK_BYTES_MAX);
  expect(join([chunkHeader(most.length), most])).toEqual(encodeState({ type: 'chunk', octets: most }));
  expect(() => chunkHeader(0)).toThrow(WireError);
  expect(() => chunkHeader(STATE_CHUNK_BYTES_MAX + 1)).toThrow(WireError);
});

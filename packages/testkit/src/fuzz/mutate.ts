// SPDX-License-Identifier: Apache-2.0
import type { SeededRandom } from '../lease-world/seeded-random.ts';

/** Values at which length and count fields go wrong. */
const EDGES = [0, 1, 3, 4, 5, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xfffc, 0xffff];

/** How many octets arbitrary input has: mostly few, now and then more than any message may. */
const SIZES = [8, 32, 128, 2048, 70_000];

type Mutation = (bytes: Uint8Array, random: SeededRandom, corpus: readonly Uint8Array[]) => Uint8Array;

const changeOctets: Mutation = (bytes, random) => {
  const changed = bytes.slice();
  const count = 1 + random.below(4);
  for (let i = 0; i < count && changed.length > 0; i++)
    changed[random.below(changed.length)] = random.below(256);
  return changed;
};

const flipBit: Mutation = (bytes, random) => {
  const changed = bytes.slice();
  const at = random.below(Math.max(1, changed.length));
  changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
  return changed;
};

/** A 16-bit field, where parameters start mostly: at a multiple of 2. */
const edgeValue: Mutation = (bytes, random) => {
  const changed = bytes.slice();
  const at = 2 * random.below(Math.max(1, changed.length >> 1));
  const value = random.pick(EDGES);
  if (at + 1 < changed.length) changed.set([value >> 8, value & 0xff], at);
  return changed;
};

const cut: Mutation = (bytes, random) => bytes.slice(0, random.below(bytes.length + 1));

const remove: Mutation = (bytes, random) => {
  const from = random.below(bytes.length + 1);
  const to = from + random.below(Math.min(64, bytes.length - from) + 1);
  return joined(bytes.subarray(0, from), bytes.subarray(to));
};

/** A piece of this or another message, put in somewhere. */
const insert: Mutation = (bytes, random, corpus) => {
  const source = random.chance(0.5) ? bytes : random.pick(corpus);
  const from = 4 * random.below((source.length >> 2) + 1);
  const piece = source.subarray(from, from + 4 * random.below(33));
  const at = 4 * random.below((bytes.length >> 2) + 1);
  return joined(bytes.subarray(0, at), piece, bytes.subarray(at));
};

/** One piece again and again: many parameters, deep ones, large counts. */
const repeat: Mutation = (bytes, random) => {
  const from = 4 * random.below((bytes.length >> 2) + 1);
  const piece = bytes.subarray(from, from + 4 * (1 + random.below(16)));
  const times = 2 + random.below(200);
  const copies = Array.from({ length: times }, () => piece);
  return joined(bytes.subarray(0, from), ...copies, bytes.subarray(from + piece.length));
};

const MUTATIONS: readonly Mutation[] = [changeOctets, flipBit, edgeValue, cut, remove, insert, repeat];

/** Arbitrary octets, or a message of the corpus after one to three mutations. Equal states of `random` give equal input. */
export function fuzzInput(random: SeededRandom, corpus: readonly Uint8Array[]): Uint8Array {
  if (corpus.length === 0 || random.chance(0.1)) {
    return Uint8Array.from({ length: random.below(random.pick(SIZES)) }, () => random.below(256));
  }
  let bytes = random.pick(corpus);
  const count = 1 + random.below(3);
  for (let i = 0; i < count; i++) bytes = random.pick(MUTATIONS)(bytes, random, corpus);
  return bytes;
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

// SPDX-License-Identifier: Apache-2.0

declare const brand: unique symbol;

/** 32-bit number of an execution node, given by the manager; survives a change of address. 0 is none. */
export type NodeId = number & { readonly [brand]: 'NodeId' };
/** 32-bit number of an instance: Function ID of the mobility protocol and PE identifier of RSerPool. */
export type FunctionId = number & { readonly [brand]: 'FunctionId' };
/** 64-bit number of a slot as 16 hexadecimal digits; drawn by the manager's store, never used twice. */
export type SlotId = string & { readonly [brand]: 'SlotId' };

export function nodeId(value: number): NodeId {
  return uint32(value, 'node id') as NodeId;
}

export function functionId(value: number): FunctionId {
  return uint32(value, 'function id') as FunctionId;
}

export function slotId(value: string): SlotId {
  if (!/^[0-9a-f]{16}$/.test(value))
    throw new RangeError(`slot id must be 16 hexadecimal digits, got ${value}`);
  return value as SlotId;
}

function uint32(value: number, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new RangeError(`${what} must be an unsigned 32-bit integer, got ${value}`);
  }
  return value;
}

/**
 * A slot's epoch as one integer: the council's generation above the round, so that epochs compare as
 * numbers and stay exact (generation < 2^13, round < 2^40).
 */
export function epochOf(generation: number, round: number): number {
  return generation * ROUNDS + round;
}

/** Rounds in one generation: a round at or above this is refused. */
export const ROUNDS: number = 2 ** 40;

/** No slot ever gets there: whoever claims it in a store is followed by nobody. */
export const LAST_EPOCH: number = Number.MAX_SAFE_INTEGER;

/** An epoch for people: `generation.round`. They compare `1.7` and `1.8` more easily than the whole number. */
export function formatEpoch(epoch: number): string {
  const generation = Math.floor(epoch / ROUNDS);
  return generation === 0 ? String(epoch) : `${generation}.${epoch % ROUNDS}`;
}

// SPDX-License-Identifier: Apache-2.0
import { InvalidArgumentError } from 'commander';

export interface SlotName {
  readonly pool: string;
  readonly slot: number;
}

/** All slots of a pool, or one. */
export interface ChosenSlots {
  readonly pool: string;
  readonly slot?: number;
}

/** @throws InvalidArgumentError for what is not POOL/SLOT */
export function slotName(text: string): SlotName {
  const match = /^([^/]+)\/(\d{1,5})$/.exec(text);
  if (match?.[1] === undefined) throw new InvalidArgumentError('It is POOL/SLOT, for instance web/0.');
  return { pool: match[1], slot: Number(match[2]) };
}

/** @throws InvalidArgumentError for what is neither POOL nor POOL/SLOT */
export function chosenSlots(text: string): ChosenSlots {
  if (text.includes('/')) return slotName(text);
  if (text === '') throw new InvalidArgumentError('It is POOL or POOL/SLOT, for instance kv or kv/0.');
  return { pool: text };
}

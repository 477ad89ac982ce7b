// SPDX-License-Identifier: Apache-2.0
import { InvalidArgumentError } from 'commander';

export interface SlotName {
  readonly pool: string;
  readonly slot: number;
}

/** @throws InvalidArgumentError for what is not POOL/SLOT */
export function slotName(text: string): SlotName {
  const match = /^([^/]+)\/(\d{1,5})$/.exec(text);
  if (match?.[1] === undefined) throw new InvalidArgumentError('It is POOL/SLOT, for instance web/0.');
  return { pool: match[1], slot: Number(match[2]) };
}

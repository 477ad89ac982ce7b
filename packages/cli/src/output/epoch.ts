// SPDX-License-Identifier: Apache-2.0
import { ROUNDS } from '@vnfpool/core';

/** An epoch is the council's generation above a round: people compare `1.7` and `1.8` more easily than the whole number. */
export function showEpoch(epoch: number): string {
  const generation = Math.floor(epoch / ROUNDS);
  return generation === 0 ? String(epoch) : `${generation}.${epoch % ROUNDS}`;
}

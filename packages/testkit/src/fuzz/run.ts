// SPDX-License-Identifier: Apache-2.0
import { toHex } from '@vnfpool/wire/bytes';
import { SeededRandom } from '../lease-world/seeded-random.ts';
import { fuzzInput } from './mutate.ts';
import type { FuzzTarget } from './targets.ts';

export interface FuzzOptions {
  /** Seed of the first input; the next ones count up. */
  readonly from: number;
  readonly inputs: number;
  /** Good input to start from, instead of the target's own. */
  readonly corpus?: readonly Uint8Array[];
  /** Called now and then, so that others get their turn; true ends the run. */
  readonly pause?: (done: number) => Promise<boolean>;
}

export interface FuzzResult {
  /** Inputs tried. */
  readonly done: number;
  /** Of them, those that were messages. */
  readonly accepted: number;
  /** What went wrong, and with which input. */
  readonly finding?: { readonly seed: number; readonly hex: string; readonly error: unknown };
}

/** Inputs between two pauses. */
const PAUSE_EVERY = 256;

/** Feeds one input for each seed to a decoder, up to the first finding. Equal seeds and corpus give equal inputs. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzResult> {
  const corpus = options.corpus ?? target.corpus;
  let accepted = 0;
  for (let done = 0; done < options.inputs; done++) {
    if (done % PAUSE_EVERY === 0 && (await options.pause?.(done)) === true) return { done, accepted };
    const seed = options.from + done;
    const random = new SeededRandom(seed);
    // The corpus itself is not to be written to.
    const bytes = fuzzInput(random, corpus).slice();
    if (random.chance(0.7)) target.fixLength?.(bytes);
    try {
      if (target.check(bytes, random)) accepted += 1;
    } catch (error) {
      return { done: done + 1, accepted, finding: { seed, hex: toHex(bytes), error } };
    }
  }
  return { done: options.inputs, accepted };
}

// SPDX-License-Identifier: Apache-2.0
import { TOKEN_REFUSED } from './admission.ts';
import type { AbortReason, TransferEnd } from './types.ts';

/** Numbers of extension 4 of the mobility protocol. */
const ERROR_NUMBERS: Readonly<Partial<Record<AbortReason, number>>> = {
  protocol: 1,
  refused: TOKEN_REFUSED,
  'would-not-converge': 7,
  cancelled: 8,
};

/** An end without success, as it is told to the manager. */
export function aborted(reason: AbortReason, text: string): TransferEnd {
  return { outcome: 'aborted', reason, errorNumber: ERROR_NUMBERS[reason] ?? null, text };
}

// SPDX-License-Identifier: Apache-2.0

/**
 * Why a change was not made, or a value cannot be told.
 *
 * - `invalid`: a key or value that cannot be told to a standby: nothing of the change is taken, and others are as if it had not been
 * - `full`: the state is as large as it may be · `overload`: too many changes wait
 * - `damaged`: the value is not what was given; other keys are as they were
 * - `closed`: this is not the holder any more; whether a standby has the change is not known
 */
export type StateErrorCode = 'invalid' | 'full' | 'overload' | 'damaged' | 'closed';

export class StateError extends Error {
  override readonly name: string = 'StateError';
  readonly code: StateErrorCode;
  /** How many of several changes were made, in their order; null: that is not known. */
  readonly taken: number | null;

  constructor(code: StateErrorCode, message: string, taken: number | null = null) {
    super(message);
    this.code = code;
    this.taken = taken;
  }
}

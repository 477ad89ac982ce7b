// SPDX-License-Identifier: Apache-2.0

/**
 * - `malformed`: it cannot be a sealed value · `not-for-us`: sealed to other keys than ours
 * - `forged`: it is not what was sealed, or not for this slot and key
 * - `unusable-key`: what is to be a receiver's key is none
 */
export type SealErrorCode = 'malformed' | 'not-for-us' | 'forged' | 'unusable-key';

/** Never has anything of what is sealed in its words. */
export class SealError extends Error {
  override readonly name: string = 'SealError';
  readonly code: SealErrorCode;

  constructor(code: SealErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
  }
}

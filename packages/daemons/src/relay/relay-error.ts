// SPDX-License-Identifier: Apache-2.0

/**
 * - `overloaded`: there is no room for more sessions, or transfers
 * - `refused`: it cannot be moved
 */
export type RelayErrorCode = 'overloaded' | 'refused';

/** What a relay tells its agent instead of doing it. */
export class RelayError extends Error {
  override readonly name: string = 'RelayError';
  readonly code: RelayErrorCode;

  constructor(code: RelayErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

// SPDX-License-Identifier: Apache-2.0

/**
 * Why a cookie is not believed.
 *
 * - `malformed`: it cannot be one of ours · `unknown-key`: sealed by a secret that we do not have
 * - `forged`: changed, made by somebody else, for another pool, or held by another user than it was given to
 * - `expired`, `future`: its time is not now
 * - `stale`: we know of a later state of this session, or cannot rule it out any more
 */
export type CookieErrorCode = 'malformed' | 'unknown-key' | 'forged' | 'expired' | 'future' | 'stale';

export class CookieError extends Error {
  override readonly name: string = 'CookieError';
  readonly code: CookieErrorCode;

  constructor(code: CookieErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

// SPDX-License-Identifier: Apache-2.0

/** What a PlatformError names besides its message. */
export interface PlatformErrorDetail {
  /** The system call or the step that failed, for instance `bind` or `nft`. */
  readonly call: string;
  /** The errno behind it, positive; 0 when there is none. */
  readonly errno?: number;
  readonly cause?: unknown;
}

/**
 * The host refused, or lacks, something. `code` is the name of the errno (`EPERM`, `ENODEV`) when a call failed, else
 * a word of this package: `UNSUPPORTED`, `LOCKED`, `TIMEOUT`, `JOURNAL_CORRUPT`, `JOURNAL_FAILED`, `BAD_ARGUMENT`, `NFT`.
 */
export class PlatformError extends Error {
  override readonly name = 'PlatformError';
  readonly code: string;
  readonly call: string;
  readonly errno: number;

  constructor(code: string, message: string, detail: PlatformErrorDetail) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.call = detail.call;
    this.errno = detail.errno ?? 0;
  }
}

/** Whether `error` is a PlatformError with one of `codes`. */
export function isPlatformError(error: unknown, ...codes: readonly string[]): error is PlatformError {
  return error instanceof PlatformError && (codes.length === 0 || codes.includes(error.code));
}

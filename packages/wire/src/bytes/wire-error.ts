// SPDX-License-Identifier: Apache-2.0

/**
 * What is wrong with the bytes, or with the value that should become bytes.
 *
 * - `short`: the input ends, or the enclosing field ends, before the value does
 * - `length`: a length field contradicts its contents (too small, beyond its space, wrong for a fixed size)
 * - `value`: a field has a value that the format does not allow
 * - `missing`: a mandatory part is absent
 * - `duplicate`: a part occurs more often than allowed
 * - `unknown`: a type, version or code that this decoder does not know
 * - `utf8`: text is not well-formed UTF-8, or cannot be written as such
 * - `limit`: larger or deeper than we accept
 * - `trailing`: bytes are left over
 */
export type WireErrorCode =
  | 'short'
  | 'length'
  | 'value'
  | 'missing'
  | 'duplicate'
  | 'unknown'
  | 'utf8'
  | 'limit'
  | 'trailing';

/** The one error of this package: a peer's bytes, or a value handed to an encoder, do not fit the format. */
export class WireError extends Error {
  override readonly name: string = 'WireError';
  readonly code: WireErrorCode;
  /** Octets from the start of the outermost input (decoding) or output (encoding). */
  readonly offset: number;

  constructor(code: WireErrorCode, offset: number, message: string) {
    super(`${message} (${code} at offset ${offset})`);
    this.code = code;
    this.offset = offset;
  }
}

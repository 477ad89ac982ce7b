// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../bytes/index.ts';

/*
 * Numbers as the octet strings of options 6, 7 and 8: ASCII digits without sign, exponent, space or leading
 * zero, where a fraction is allowed one of one to six digits. Never guessed to be binary: the four octets
 * "1000" would be valid both ways.
 */

const UINT64_MAX = 0xffff_ffff_ffff_ffffn;
const INTEGER = /^(?:0|[1-9][0-9]{0,19})$/;
const FRACTION = /^(0|[1-9][0-9]{0,19})(?:\.[0-9]{1,6})?$/;

/** An unsigned 64-bit integer. */
export function parseInteger(text: string, offset: number): bigint {
  if (!INTEGER.test(text))
    throw new WireError('value', offset, `not a decimal integer: ${text.slice(0, 24)}`);
  const value = BigInt(text);
  if (value > UINT64_MAX) throw new WireError('value', offset, `${text} does not fit 64 bits`);
  return value;
}

/** A number with up to six decimals; exact as far as a double goes. */
export function parseFraction(text: string, offset: number): number {
  const match = FRACTION.exec(text);
  if (match === null) throw new WireError('value', offset, `not a decimal number: ${text.slice(0, 24)}`);
  if (BigInt(match[1] ?? '0') > UINT64_MAX) {
    throw new WireError('value', offset, `${text} does not fit 64 bits`);
  }
  return Number(text);
}

export function formatInteger(value: bigint, offset: number): string {
  if (value < 0n || value > UINT64_MAX) {
    throw new WireError('value', offset, `${value} is not an unsigned 64-bit integer`);
  }
  return value.toString();
}

/** Rounded to six decimals, without trailing zeros. */
export function formatFraction(value: number, offset: number): string {
  if (!(value >= 0 && value < Number(UINT64_MAX))) {
    throw new WireError('value', offset, `${value} is not a number from 0 below 2^64`);
  }
  const [whole = '0', decimals = ''] = value.toFixed(6).split('.');
  const kept = decimals.replace(/0+$/, '');
  return kept === '' ? whole : `${whole}.${kept}`;
}

// SPDX-License-Identifier: Apache-2.0
import type { JsonValue } from './kv-lines.ts';

/** How values of a `SharedMap` are octets. */
export interface SharedValues<Value> {
  /** At most 65,536 octets. */
  encode(value: Value): Uint8Array;
  /** Throws for what is none: the function does not take the slot then. */
  decode(octets: Uint8Array): Value;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Values as JSON. Set them anew rather than change them in place. */
export function jsonValues<Value extends JsonValue = JsonValue>(
  isValue?: (value: JsonValue) => value is Value,
): SharedValues<Value> {
  return {
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (octets) => {
      const value = JSON.parse(utf8.decode(octets)) as JsonValue;
      if (isValue?.(value) === false) throw new TypeError('a value of the state is not one of ours');
      return value as Value;
    },
  };
}

/** Values that are octets. */
export function octetValues(): SharedValues<Uint8Array> {
  return { encode: (value) => value, decode: (octets) => octets };
}

/** A key as the characters U+0000 to U+00FF of its UTF-8. */
export function keyToOctets(key: string): string {
  if (!/[\u0080-\uffff]/.test(key)) return key;
  return Buffer.from(key, 'utf8').toString('latin1');
}

/** @throws TypeError for octets that are no UTF-8 */
export function keyFromOctets(octets: string): string {
  if (!/[\u0080-\u00ff]/.test(octets)) return octets;
  return utf8.decode(Buffer.from(octets, 'latin1'));
}

// SPDX-License-Identifier: Apache-2.0
import { decodeUtf8, encodeUtf8, fromHex, toHex, WireError } from '../bytes/index.ts';
import { formatIp, type IpText, parseIp } from '../parameters/ip-text.ts';
import { type Field, FieldError, type Json, properties } from './field.ts';

export const flag: Field<boolean> = {
  toJson: (value) => value,
  fromJson: (value, path) => {
    if (typeof value !== 'boolean') throw new FieldError(path, 'must be true or false');
    return value;
  },
};

export const text: Field<string> = {
  toJson: (value) => value,
  fromJson: (value, path) => {
    if (typeof value !== 'string') throw new FieldError(path, 'must be a string');
    return value;
  },
};

export function integer(min: number, max: number): Field<number> {
  return {
    toJson: (value) => value,
    fromJson: (value, path) => {
      if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
        throw new FieldError(path, `must be an integer from ${min} to ${max}`);
      return value;
    },
  };
}

export const u8: Field<number> = integer(0, 0xff);
export const u16: Field<number> = integer(0, 0xffff);
export const u32: Field<number> = integer(0, 0xffff_ffff);
export const i32: Field<number> = integer(-0x8000_0000, 0x7fff_ffff);

/** A number with a fraction. */
export function fraction(max: number): Field<number> {
  return {
    toJson: (value) => value,
    fromJson: (value, path) => {
      if (typeof value !== 'number' || !(value >= 0 && value <= max))
        throw new FieldError(
          path,
          max === Number.MAX_VALUE ? 'must be a number from 0' : `must be a number from 0 to ${max}`,
        );
      return value;
    },
  };
}

/** An unsigned integer of more bits than a JSON number holds: decimal digits in a string. */
export function bigInteger(bits: number): Field<bigint> {
  const max = (1n << BigInt(bits)) - 1n;
  return {
    toJson: (value) => value.toString(),
    fromJson: (value, path) => {
      const digits = typeof value === 'string' && /^(?:0|[1-9][0-9]{0,19})$/.test(value);
      if (!digits || BigInt(value) > max)
        throw new FieldError(path, `must be a string of decimal digits, at most ${max}`);
      return BigInt(value);
    },
  };
}

export const u64: Field<bigint> = bigInteger(64);

export function oneOf<const T extends string>(...values: readonly T[]): Field<T> {
  return {
    toJson: (value) => value,
    fromJson: (value, path) => {
      const found = values.find((candidate) => candidate === value);
      if (found === undefined) throw new FieldError(path, `must be ${values.join(' or ')}`);
      return found;
    },
  };
}

/** Octets as hexadecimal digits. */
export const octets: Field<Uint8Array> = {
  toJson: (value) => toHex(value),
  fromJson: (value, path) => {
    if (typeof value !== 'string') throw new FieldError(path, 'must be hexadecimal digits in a string');
    try {
      return fromHex(value);
    } catch (error) {
      throw asFieldError(error, path, 'must be an even number of hexadecimal digits');
    }
  },
};

/**
 * Octets that are often text, as `{ hex, text }`; `text` is left out when they are not printable. Back, one of
 * the two is enough, and both must agree.
 */
export const readable: Field<Uint8Array> = {
  toJson: (value): Json => {
    const hex = toHex(value);
    const shown = printable(value);
    return shown === undefined ? { hex } : { hex, text: shown };
  },
  fromJson: (value, path) => {
    const { hex, text: shown, ...others } = properties(value, path);
    const [stranger] = Object.keys(others);
    if (stranger !== undefined) throw new FieldError(`${path}.${stranger.slice(0, 64)}`, 'is not known');
    if (hex === undefined && shown === undefined) throw new FieldError(path, 'must have hex or text');
    const ofText = shown === undefined ? undefined : utf8(shown, `${path}.text`);
    if (hex === undefined && ofText !== undefined) return ofText;
    const ofHex = octets.fromJson(hex, `${path}.hex`);
    if (ofText !== undefined && toHex(ofText) !== toHex(ofHex))
      throw new FieldError(`${path}.text`, 'must be what hex says; leave one of the two out');
    return ofHex;
  },
};

/** An IPv4 or IPv6 address, made canonical. */
export const address: Field<IpText> = {
  toJson: (value) => value,
  fromJson: (value, path) => {
    if (typeof value !== 'string') throw new FieldError(path, 'must be an IP address');
    try {
      return formatIp(parseIp(value));
    } catch (error) {
      throw asFieldError(error, path, 'must be an IP address');
    }
  },
};

function utf8(value: unknown, path: string): Uint8Array {
  if (typeof value !== 'string') throw new FieldError(path, 'must be a string');
  try {
    return encodeUtf8(value);
  } catch (error) {
    throw asFieldError(error, path, 'must not have lone surrogates');
  }
}

/** The text of these octets; undefined when they are not UTF-8 or hold characters that are not seen. */
function printable(value: Uint8Array): string | undefined {
  try {
    const shown = decodeUtf8(value);
    return /^\P{C}*$/u.test(shown) ? shown : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function asFieldError(error: unknown, path: string, expected: string): unknown {
  return error instanceof WireError ? new FieldError(path, expected) : error;
}

// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../bytes/index.ts';
import { MobilityError } from './extensions.ts';

/** A JSON document of an extension that is not what it must be. */
export class DocumentError extends WireError {
  override readonly name: string = 'DocumentError';
  /** Number for extension 4: 1 malformed, 4 version not understood, 6 specification refused. */
  readonly errorNumber: number;
  /** Place in the document, keys with dots between them. */
  readonly path: string;
  readonly expected: string;

  constructor(errorNumber: number, path: string, expected: string) {
    super('value', 0, '');
    this.errorNumber = errorNumber;
    this.path = path;
    this.expected = expected;
    this.message = `${path} ${expected}`;
  }
}

/** Checks one value at `path` and returns it in its type; throws `DocumentError`. */
export type Shape<Value> = (value: unknown, path: string) => Value;

export function fail(path: string, expected: string): never {
  throw new DocumentError(MobilityError.malformed, path, expected);
}

export const text: Shape<string> = (value, path) =>
  typeof value === 'string' ? value : fail(path, 'must be a string');

export const flag: Shape<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : fail(path, 'must be true or false');

/** A finite number from 0. */
export const milliseconds: Shape<number> = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? value
    : fail(path, 'must be a number from 0');

export function integer(min: number, max: number): Shape<number> {
  return (value, path) =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
      ? value
      : fail(path, `must be an integer from ${min} to ${max}`);
}

export const uint32: Shape<number> = integer(0, 0xffff_ffff);
export const port: Shape<number> = integer(0, 0xffff);

export function matching(pattern: RegExp, expected: string): Shape<string> {
  return (value, path) => (typeof value === 'string' && pattern.test(value) ? value : fail(path, expected));
}

export const hex64: Shape<string> = matching(/^[0-9a-f]{16}$/, 'must be 16 hexadecimal digits');
/** An integer from 0 as a decimal string, at most 20 digits. */
export const decimal: Shape<string> = matching(/^(?:0|[1-9][0-9]{0,19})$/, 'must be a decimal string');

/** Name and version of what the values of a state are, `kv/1`; empty: not known. */
export const stateFormat: Shape<string> = matching(
  /^[\x21-\x7e]{0,100}$/,
  'must be 100 printable ASCII characters at most',
);

export function oneOf<const Values extends readonly (string | number)[]>(
  ...values: Values
): Shape<Values[number]> {
  return (value, path) =>
    values.find((candidate) => candidate === value) ?? fail(path, `must be one of ${values.join(', ')}`);
}

export function list<Value>(item: Shape<Value>): Shape<readonly Value[]> {
  return (value, path) =>
    Array.isArray(value)
      ? value.map((entry, i) => item(entry, `${path}[${i}]`))
      : fail(path, 'must be a list');
}

/** An object used as a map; keys in sorted order, so that equal maps are written equal. */
export function record<Value>(item: Shape<Value>): Shape<Readonly<Record<string, Value>>> {
  return (value, path) => {
    const source = asObject(value, path);
    const entries = Object.keys(source)
      .toSorted()
      .map((key) => [key, item(source[key], `${path}.${key}`)] as const);
    return Object.fromEntries(entries);
  };
}

export function nullable<Value>(shape: Shape<Value>): Shape<Value | null> {
  return (value, path) => (value === null ? null : shape(value, path));
}

type Fields = Readonly<Record<string, Shape<unknown>>>;
type Read<Required extends Fields, Optional extends Fields> = {
  readonly [Key in keyof Required]: ReturnType<Required[Key]>;
} & { readonly [Key in keyof Optional]?: ReturnType<Optional[Key]> };

/** An object; fields come out in the order given here, unknown ones are left out. */
export function object<Required extends Fields, Optional extends Fields = Record<never, never>>(
  required: Required,
  optional?: Optional,
): Shape<Read<Required, Optional>> {
  const mandatory = Object.entries(required);
  const possible = Object.entries(optional ?? {});
  return (value, path) => {
    const source = asObject(value, path);
    const result: Record<string, unknown> = {};
    for (const [key, shape] of mandatory) {
      if (!Object.hasOwn(source, key)) fail(`${path}.${key}`, 'is missing');
      result[key] = shape(source[key], `${path}.${key}`);
    }
    for (const [key, shape] of possible) {
      if (Object.hasOwn(source, key) && source[key] !== undefined) {
        result[key] = shape(source[key], `${path}.${key}`);
      }
    }
    return result as Read<Required, Optional>;
  };
}

/** A document with version 1: another version is error 4, whatever else it says. */
export function versioned<Value>(shape: Shape<Value>): Shape<Value> {
  return (value, path) => {
    const { v } = asObject(value, path) as { v?: unknown };
    if (v === undefined) fail(`${path}.v`, 'is missing');
    if (v !== 1) throw new DocumentError(MobilityError.versionNotUnderstood, `${path}.v`, 'must be 1');
    return shape(value, path);
  };
}

function asObject(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(path, 'must be an object');
  return value as Readonly<Record<string, unknown>>;
}

/** One of several forms, by the value at `key`. */
export function byKey<const Forms extends Readonly<Record<string, Shape<unknown>>>>(
  key: string,
  forms: Forms,
): Shape<ReturnType<Forms[keyof Forms]>> {
  const names = object({ [key]: oneOf(...Object.keys(forms)) });
  return (value, path) => {
    const name = names(value, path)[key] as keyof Forms;
    return (forms[name] as Shape<ReturnType<Forms[keyof Forms]>>)(value, path);
  };
}

// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../bytes/index.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** How a value of a message looks in JSON. `fromJson` throws `FieldError`; `path` is where the value stands. */
export interface Field<T> {
  toJson(value: T): Json;
  fromJson(value: unknown, path: string): T;
}

/** A field that may be absent. */
export interface OptionalField<T> extends Field<T> {
  readonly optional: true;
}

/** JSON that is not what it must be: `message.poolHandle.hex must be hexadecimal digits`. */
export class FieldError extends WireError {
  override readonly name: string = 'FieldError';
  readonly path: string;

  constructor(path: string, expected: string) {
    super('value', 0, '');
    this.path = path;
    this.message = `${path} ${expected}`;
  }
}

export function optional<T>(field: Field<T>): OptionalField<T> {
  return {
    optional: true,
    toJson: (value) => field.toJson(value),
    fromJson: (value, path) => field.fromJson(value, path),
  };
}

export function list<T>(item: Field<T>): Field<readonly T[]> {
  return {
    toJson: (values) => values.map((value) => item.toJson(value)),
    fromJson: (value, path) => {
      if (!Array.isArray(value)) throw new FieldError(path, 'must be a list');
      return value.map((entry, i) => item.fromJson(entry, `${path}[${i}]`));
    },
  };
}

export function nullable<T>(field: Field<T>): Field<T | null> {
  return {
    toJson: (value) => (value === null ? null : field.toJson(value)),
    fromJson: (value, path) => (value === null ? null : field.fromJson(value, path)),
  };
}

/** A field for each property of `T`: `optional` ones where the property is. */
export type Fields<T> = {
  readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K>
    ? OptionalField<Exclude<T[K], undefined>>
    : Field<T[K]>;
};

/** An object with exactly these properties, told in this order. */
export function object<T extends object>(fields: Fields<T>): Field<T> {
  const entries = Object.entries(fields) as [string, Field<unknown> & { readonly optional?: true }][];
  const known = new Set(entries.map(([key]) => key));
  return {
    toJson: (value) => {
      const result: Record<string, Json> = {};
      for (const [key, field] of entries) {
        const part = (value as Readonly<Record<string, unknown>>)[key];
        if (part !== undefined) result[key] = field.toJson(part);
      }
      return result;
    },
    fromJson: (value, path) => {
      const source = properties(value, path);
      const stranger = Object.keys(source).find((key) => !known.has(key));
      if (stranger !== undefined) throw new FieldError(`${path}.${stranger.slice(0, 64)}`, 'is not known');
      const result: Record<string, unknown> = {};
      for (const [key, field] of entries) {
        if (Object.hasOwn(source, key)) result[key] = field.fromJson(source[key], `${path}.${key}`);
        else if (field.optional !== true) throw new FieldError(`${path}.${key}`, 'is missing');
      }
      return result as T;
    },
  };
}

type Tagged = { readonly type: string };
type Member<T extends Tagged, K> = T extends { readonly type: infer U } ? (K extends U ? T : never) : never;

/** A union told apart by `type`. */
export function tagged<T extends Tagged>(
  members: { readonly [K in T['type']]: Field<Member<T, K>> },
): Field<T> {
  // The table pairs each type with its own field; the compiler cannot follow that through an index.
  const byType = new Map(Object.entries(members) as [string, Field<T>][]);
  const names = [...byType.keys()].join(', ');
  return {
    toJson: (value) => {
      const member = byType.get(value.type);
      if (member === undefined) throw new FieldError('type', `must be one of ${names}`);
      return member.toJson(value);
    },
    fromJson: (value, path) => {
      const { type } = properties(value, path);
      const member = typeof type === 'string' ? byType.get(type) : undefined;
      if (member === undefined) throw new FieldError(`${path}.type`, `must be one of ${names}`);
      return member.fromJson(value, path);
    },
  };
}

/** The properties of a JSON object. */
export function properties(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FieldError(path, 'must be an object');
  return value as Readonly<Record<string, unknown>>;
}

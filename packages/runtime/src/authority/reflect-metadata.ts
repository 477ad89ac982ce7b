// SPDX-License-Identifier: Apache-2.0

/*
 * @peculiar/x509 registers its parts by decorators over `Reflect.defineMetadata` and friends, which no engine
 * has; it wants a polyfill loaded before it. These are the three functions it uses, and nothing is replaced
 * where somebody brought the real thing.
 */
type Metadata = {
  defineMetadata?: (key: unknown, value: unknown, target: object) => void;
  getOwnMetadata?: (key: unknown, target: object) => unknown;
  getMetadata?: (key: unknown, target: object) => unknown;
};

const tables = new WeakMap<object, Map<unknown, unknown>>();
const reflect = Reflect as Metadata;

reflect.defineMetadata ??= (key, value, target) => {
  const table = tables.get(target) ?? new Map<unknown, unknown>();
  tables.set(target, table.set(key, value));
};
reflect.getOwnMetadata ??= (key, target) => tables.get(target)?.get(key);
reflect.getMetadata ??= (key, target) => {
  for (let each: object | null = target; each !== null; each = Object.getPrototypeOf(each) as object | null) {
    const table = tables.get(each);
    if (table?.has(key) === true) return table.get(key);
  }
  return undefined;
};

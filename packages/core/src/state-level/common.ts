// SPDX-License-Identifier: Apache-2.0
import type { OfferedLevel } from '@vnfpool/wire/mobility';
import { RECOVERY_MS } from './level.ts';

/*
 * What several instances can do alike. Offers that differ in amounts only are of one kind: who can do the one can do
 * with less, so the instances have the lesser amounts in common. Whatever else differs makes another kind.
 */

type Value = string | number | boolean;
type Lesser = (a: Value, b: Value) => Value;

const smaller: Lesser = (a, b) => (a < b ? a : b);
const larger: Lesser = (a, b) => (a > b ? a : b);
const slower: Lesser = (a, b) => (slowness(a) > slowness(b) ? a : b);

/** Amounts by their path in an offer, each with the lesser promise of two. */
const AMOUNTS: ReadonlyMap<string, Lesser> = new Map([
  ['updatesPerSecond', smaller],
  ['windowOctets', smaller],
  ['acknowledged', smaller],
  ['lossUpdates', larger],
  ['intervalMs', larger],
  ['lagMs', larger],
  ['lag.ms', larger],
  ['lag.updates', larger],
  ['recovery', slower],
]);

function slowness(recovery: Value): number {
  return RECOVERY_MS[recovery as keyof typeof RECOVERY_MS];
}

/** Fields of an offer in the order of their paths, those below one behind a dot. */
function fieldsOf(level: object, at = ''): readonly (readonly [path: string, value: Value])[] {
  return Object.entries(level)
    .flatMap(([name, value]: [string, Value | object]) =>
      typeof value === 'object' ? fieldsOf(value, `${at}${name}.`) : [[`${at}${name}`, value] as const],
    )
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function traitsOf(level: OfferedLevel): readonly (readonly [path: string, trait: string])[] {
  return fieldsOf(level).map(([path, value]) => [path, AMOUNTS.has(path) ? path : `${path} ${value}`]);
}

/** A name that offers of one kind share. */
export function kindOf(level: OfferedLevel): string {
  return traitsOf(level)
    .map(([, trait]) => trait)
    .join(', ');
}

/** What makes two offers differ in kind, by the paths. */
export function differences(a: OfferedLevel, b: OfferedLevel): readonly string[] {
  const [ofA, ofB] = [new Map(traitsOf(a)), new Map(traitsOf(b))];
  return [...new Set([...ofA.keys(), ...ofB.keys()])]
    .filter((path) => ofA.get(path) !== ofB.get(path))
    .sort();
}

/** What all of these offers, which are of one kind, can do. */
export function leastOf(first: OfferedLevel, ...others: readonly OfferedLevel[]): OfferedLevel {
  return others.reduce((least, other) => lesser(least, other), first);
}

function lesser<Part extends object>(a: Part, b: Part, at = ''): Part {
  const entries = Object.entries(a).map(([name, value]: [string, Value | object]) => {
    const other = b[name as keyof Part] as Value & object;
    const path = `${at}${name}`;
    return [
      name,
      typeof value === 'object'
        ? lesser(value, other, `${path}.`)
        : (AMOUNTS.get(path)?.(value, other) ?? value),
    ];
  });
  return Object.fromEntries(entries) as Part;
}

// SPDX-License-Identifier: Apache-2.0
import type { OfferedLevel, SharingMethod } from '@vnfpool/wire/mobility';
import type { Ask } from './ask.ts';
import { type Candidate, candidatesOf, type InstanceOffers } from './candidates.ts';
import { kindOf, leastOf } from './common.ts';
import type { PossibleLevel, StateLevel } from './level.ts';
import { refusalOf } from './rules.ts';
import { type LevelVerdict, refusalReason, verdictsOf } from './verdicts.ts';

export interface Settlement {
  /** Null: refused. */
  readonly level: StateLevel | null;
  /** Why this one; of a refusal what could not be met, method by method. */
  readonly reason: string;
  /** Levels that were considered and are not used, each with the rule that says so. */
  readonly notTaken: readonly LevelVerdict[];
}

/**
 * The level that a pool uses, or why there is none: the first of its methods by which all instances can do what it asks,
 * and of several kinds the one that they like best. The order of the instances makes no difference.
 *
 * @param count How many instances there are, where those that offer the same are named together
 */
export function settle(
  ask: Ask,
  offers: readonly InstanceOffers[],
  count: number = offers.length,
): Settlement {
  const instances = candidatesOf(ask, offers);
  const { methods } = ask.sharing;
  const [taken = null] = methods.flatMap((method) => levelBy(method, ask, instances) ?? []);
  const notTaken = verdictsOf(ask, instances, taken);
  return taken === null
    ? { level: null, reason: refusalReason(methods, notTaken), notTaken }
    : { level: withStore(taken, ask), reason: reasonOf(taken, methods, count), notTaken };
}

/** What all instances can do by the method; null: nothing. */
function levelBy(method: SharingMethod, ask: Ask, instances: readonly Candidate[]): PossibleLevel | null {
  if (method === 'none')
    return instances.length > 0 && refusalOf({ method }, ask) === null ? { method } : null;
  const [first, ...others] = instances.map(({ possible }) => kindsOf(possible, method));
  const common = [...(first?.keys() ?? [])].filter((kind) => others.every((kinds) => kinds.has(kind)));
  const all = first === undefined ? [] : [first, ...others];
  const [preferred] = common
    .map((kind) => ({ kind, places: all.reduce((sum, kinds) => sum + placeIn(kinds, kind, common), 0) }))
    .sort((a, b) => a.places - b.places || (a.kind < b.kind ? -1 : 1));
  const [one, ...more] = all.flatMap((kinds) => kinds.get(preferred?.kind ?? '') ?? []);
  return one === undefined ? null : leastOf(one, ...more);
}

/** By kind the offer that the instance likes best, in its order. */
function kindsOf(
  possible: readonly OfferedLevel[],
  method: SharingMethod,
): ReadonlyMap<string, OfferedLevel> {
  const kinds = new Map<string, OfferedLevel>();
  for (const level of possible.filter((each) => each.method === method))
    kinds.set(kindOf(level), kinds.get(kindOf(level)) ?? level);
  return kinds;
}

/** Place of a kind in the order in which an instance likes those that all have. */
function placeIn(kinds: ReadonlyMap<string, OfferedLevel>, kind: string, common: readonly string[]): number {
  return [...kinds.keys()].filter((each) => common.includes(each)).indexOf(kind);
}

function withStore(level: PossibleLevel, { sharing: { store = '' } }: Ask): StateLevel {
  return level.method === 'shared' ? { ...level, store } : level;
}

function reasonOf({ method }: PossibleLevel, methods: readonly SharingMethod[], instances: number): string {
  const before = methods.slice(0, methods.indexOf(method));
  const choice =
    before.length === 0 ? 'the pool prefers it' : `${before.join(', ')} cannot be had, and it is next`;
  if (method === 'none') return `${choice}; every session is lost at a failover`;
  return `${choice}; ${instances === 1 ? 'its instance offers' : `all ${instances} instances offer`} it`;
}

// SPDX-License-Identifier: Apache-2.0
import type { OfferedLevel, SharingMethod } from '@vnfpool/wire/mobility';
import type { Ask } from './ask.ts';
import type { Candidate } from './candidates.ts';
import { differences, kindOf } from './common.ts';
import type { PossibleLevel } from './level.ts';
import { type LevelRule, refusalOf } from './rules.ts';
import { levelWords } from './words.ts';

/**
 * Why a level is not used: a rule that it breaks by itself, or
 * - `instances`: nobody is there who could offer one
 * - `offered`: the instance offers nothing by this method
 * - `common`: another instance cannot do it
 * - `order`: it could be used, and another one is preferred
 */
export type SettleRule = LevelRule | 'instances' | 'offered' | 'common' | 'order';

/** Of a level that was considered and is not used. */
export interface LevelVerdict {
  /** Null: it concerns the pool. */
  readonly instance: string | null;
  readonly method: SharingMethod;
  /** The level in words. */
  readonly level: string;
  readonly rule: SettleRule;
  readonly verdict: string;
}

/** In the pool's order of methods, of one method by instance; methods that the pool does not ask for come last. */
export function verdictsOf(
  ask: Ask,
  instances: readonly Candidate[],
  taken: PossibleLevel | null,
): readonly LevelVerdict[] {
  const { methods } = ask.sharing;
  const others = instances.flatMap(({ levels }) => levels.map(({ method }) => method));
  const all: readonly SharingMethod[] = [
    ...methods,
    ...[...new Set(others)].filter((method) => !methods.includes(method)).sort(),
  ];
  return all.flatMap((method) => {
    const whole = ofPool(method, ask, instances, taken);
    return whole ? [whole] : instances.flatMap((each) => ofInstance(method, each, ask, instances, taken));
  });
}

/** What concerns no single instance. */
function ofPool(
  method: SharingMethod,
  ask: Ask,
  instances: readonly Candidate[],
  taken: PossibleLevel | null,
): LevelVerdict | null {
  const pool = { instance: null, method, level: method };
  if (instances.length === 0)
    return { ...pool, rule: 'instances', verdict: 'no instance has told yet what it offers' };
  if (method !== 'none' || taken?.method === 'none') return null;
  const refusal = refusalOf({ method }, ask);
  return { ...pool, ...(refusal ?? ordered({ method }, taken)) };
}

function ofInstance(
  method: SharingMethod,
  { instance, levels }: Candidate,
  ask: Ask,
  instances: readonly Candidate[],
  taken: PossibleLevel | null,
): readonly LevelVerdict[] {
  const { methods } = ask.sharing;
  const offered = levels.filter((level) => level.method === method);
  // What comes behind the method that is taken, or was not asked for, nobody misses.
  const missed = methods.slice(0, taken === null ? methods.length : methods.indexOf(taken.method));
  if (offered.length === 0 && missed.includes(method) && method !== 'none')
    return [{ instance, method, level: method, rule: 'offered', verdict: `it offers no ${method}` }];
  const used = offered.findIndex((level) => isOfKind(level, taken) && refusalOf(level, ask) === null);
  return offered.flatMap((level, index) => {
    if (index === used) return [];
    const why = refusalOf(level, ask) ?? notCommon(level, instances) ?? ordered(level, taken);
    return [{ instance, method, level: levelWords(level), ...why }];
  });
}

function isOfKind(level: OfferedLevel, taken: PossibleLevel | null): boolean {
  return taken !== null && taken.method !== 'none' && kindOf(level) === kindOf(taken);
}

function ordered(level: PossibleLevel, taken: PossibleLevel | null): Pick<LevelVerdict, 'rule' | 'verdict'> {
  const isSame = level.method !== 'none' && isOfKind(level, taken);
  const method = taken?.method ?? 'none';
  const verdict =
    level.method === method
      ? `the instances prefer ${taken && levelWords(taken)}`
      : `the pool prefers ${method}`;
  return {
    rule: 'order',
    verdict: isSame ? 'the instance names another one of this kind before it' : verdict,
  };
}

/** The first instance that cannot do it as well, and why. */
function notCommon(
  level: OfferedLevel,
  instances: readonly Candidate[],
): Pick<LevelVerdict, 'rule' | 'verdict'> | null {
  const lacking = instances.filter(({ possible }) =>
    possible.every((each) => kindOf(each) !== kindOf(level)),
  );
  const [first, ...more] = lacking;
  if (first === undefined) return null;
  const others = more.length === 0 ? '' : `, and ${more.length} more cannot either`;
  return { rule: 'common', verdict: `${first.instance} ${lackOf(first, level)}${others}` };
}

function lackOf({ levels, possible }: Candidate, level: OfferedLevel): string {
  const isLike = ({ method }: OfferedLevel): boolean => method === level.method;
  const [nearest] = possible
    .filter(isLike)
    .map((each) => differences(level, each))
    .sort((a, b) => a.length - b.length);
  if (nearest !== undefined) return `offers it with another ${nearest.join(', ')}`;
  return levels.some(isLike)
    ? `offers no ${level.method} that meets what is asked`
    : `offers no ${level.method}`;
}

/** Of each method what stood in the way of it: an instance that cannot at all, else that they cannot together. */
export function refusalReason(methods: readonly SharingMethod[], notTaken: readonly LevelVerdict[]): string {
  return methods
    .map((method) => {
      const verdicts = notTaken.filter((each) => each.method === method);
      const together = verdicts.filter(({ rule }) => rule === 'common');
      const isAble = (name: string | null): boolean => together.some(({ instance }) => instance === name);
      const first = verdicts.find(({ instance }) => !isAble(instance)) ?? together[0];
      const who = first?.instance ? ` of ${first.instance}` : '';
      return `${method}${who}: ${first?.verdict}`;
    })
    .join('; ');
}

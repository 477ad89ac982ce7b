// SPDX-License-Identifier: Apache-2.0
import type { LossBound, OfferedLevel, RecoveryClass } from '@vnfpool/wire/mobility';
import type { DeclaredPool } from '../declared/set.ts';
import type { DeclaredSharing } from '../declared/sharing.ts';
import { servesAlone } from './carried.ts';
import { acknowledgedBy, formatOf, granularityOf, type Loss, lossOf, type PossibleLevel } from './level.ts';

export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

export function boundWords(bound: LossBound): string {
  return 'ms' in bound ? `${bound.ms} ms` : counted(bound.updates, 'update');
}

/** What a failover loses, as the end of a sentence. */
export function lossWords(loss: Loss): string {
  if (loss === 0) return 'nothing that was acknowledged outside';
  if (loss === 'everything') return 'every session';
  return loss === 'unbounded' ? 'what had not spread yet, without a bound' : `up to ${boundWords(loss)}`;
}

/** The same of a level that a pool goes by: where a holder without standbys serves on, what it says then is nowhere else. */
export function poolLossWords(
  level: PossibleLevel,
  sharing: Pick<DeclaredSharing, 'acknowledged'> | undefined,
): string {
  const words = lossWords(lossOf(level));
  return sharing !== undefined && servesAlone(level, sharing) ? `${words} while a standby is there` : words;
}

/**
 * The same, as the pool's slots are held. The kernel waits for nobody: a holder of connections that is cut off goes on until its lease is over,
 * and what it does meanwhile no standby hears of.
 */
export function slotLossWords(
  level: PossibleLevel,
  { sharing, failover: { leaseMs } }: Pick<DeclaredPool, 'sharing' | 'failover'>,
): string {
  const words = poolLossWords(level, sharing);
  return isLeaseLonger(level, leaseMs)
    ? `${words}, and of a holder that is cut off up to its lease of ${leaseMs} ms, as the kernel waits for nobody`
    : words;
}

/** Whether more may be lost in a lease than the level says. */
export function isLeaseLonger(level: PossibleLevel, leaseMs: number): boolean {
  return level.method === 'conntrack' && leaseMs > level.lagMs;
}

const WITHIN: Readonly<Record<RecoveryClass, string>> = {
  'real-time': 'less than 50 ms',
  near: 'less than 1 s',
  relaxed: 'less than 10 s',
  cold: 'no time that it says',
};

export function recoveryWords(recovery: RecoveryClass): string {
  return `${recovery} (${WITHIN[recovery]})`;
}

/** `replicate per session, json kv/2, held by 1 standby`. */
export function levelWords(level: PossibleLevel): string {
  if (level.method === 'none') return 'none';
  return [`${level.method} per ${granularityOf(level)}`, formatOf(level), ...traitsOf(level)].join(', ');
}

function traitsOf(level: OfferedLevel): readonly string[] {
  switch (level.method) {
    case 'cookie':
      return level.lossUpdates === 0 ? ['before each answer'] : [behind({ updates: level.lossUpdates })];
    case 'checkpoint':
      return [`every ${level.intervalMs} ms`];
    case 'replicate': {
      const by = counted(acknowledgedBy(level), 'standby');
      if (level.consistency === 'held') return [`held by ${by}`];
      return level.consistency === 'bounded'
        ? [behind(level.lag)]
        : [`acknowledged by ${by}`, behind(level.lag)];
    }
    case 'gossip':
      return [];
    case 'shared':
      return level.writes === 'through' ? ['written through'] : [behind(level.lag)];
    case 'conntrack':
      return [behind({ ms: level.lagMs }), ...(level.defer ? ['first packets deferred'] : [])];
  }
}

function behind(bound: LossBound): string {
  return `at most ${boundWords(bound)} behind`;
}

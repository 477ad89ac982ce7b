// SPDX-License-Identifier: Apache-2.0
import type { LossBound, RecoveryClass } from '@vnfpool/wire/mobility';
import {
  acknowledgedBy,
  consistencyOf,
  formatOf,
  granularityOf,
  type Loss,
  type PossibleLevel,
} from './level.ts';

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
  const head = `${level.method} per ${granularityOf(level)}, ${formatOf(level)}`;
  switch (level.method) {
    case 'checkpoint':
      return `${head}, every ${level.intervalMs} ms`;
    case 'replicate': {
      const by = acknowledgedBy(level) === 0 ? '' : ` by ${counted(acknowledgedBy(level), 'standby')}`;
      return `${head}, ${consistencyOf(level)}${by}`;
    }
    case 'shared':
      return `${head}, written ${level.writes}`;
    case 'conntrack':
      return level.defer ? `${head}, first packets deferred` : head;
    case 'cookie':
    case 'gossip':
      return head;
  }
}

// SPDX-License-Identifier: Apache-2.0
import type {
  LossBound,
  NoLevel,
  OfferedLevel,
  RecoveryClass,
  SecurityState,
  SharedLevel,
} from '@vnfpool/wire/mobility';

/** A level as an instance offers it, or none, which takes no offer. */
export type PossibleLevel = NoLevel | OfferedLevel;

/** A level that is settled. */
export type StateLevel =
  | NoLevel
  | Exclude<OfferedLevel, SharedLevel>
  | (SharedLevel & { readonly store: string });

/** What a failover may lose at most: of what was acknowledged outside nothing (0), up to a bound, without one, or all. */
export type Loss = 0 | LossBound | 'unbounded' | 'everything';

/** Ranked: each promises what those before it do. */
export type Consistency = 'none' | 'eventual' | 'bounded' | 'acknowledged' | 'held';

/** Who has the state when its holder is gone. */
export type StatePlace = 'nobody' | 'client' | 'store' | 'standbys' | 'instances';

/** From the fastest; each within so many milliseconds. */
export const RECOVERY_MS: Readonly<Record<RecoveryClass, number>> = {
  'real-time': 50,
  near: 1_000,
  relaxed: 10_000,
  cold: Number.POSITIVE_INFINITY,
};

export function lossOf(level: PossibleLevel): Loss {
  switch (level.method) {
    case 'none':
      return 'everything';
    case 'cookie':
      return level.lossUpdates === 0 ? 0 : { updates: level.lossUpdates };
    case 'checkpoint':
      return { ms: level.intervalMs };
    case 'replicate':
      return level.consistency === 'held' ? 0 : level.lag;
    case 'gossip':
      return 'unbounded';
    case 'shared':
      return level.writes === 'through' ? 0 : level.lag;
    case 'conntrack':
      return { ms: level.lagMs };
  }
}

export function consistencyOf(level: PossibleLevel): Consistency {
  if (level.method === 'none') return 'none';
  if (level.method === 'gossip') return 'eventual';
  if (level.method === 'replicate') return level.consistency;
  return lossOf(level) === 0 ? 'held' : 'bounded';
}

export function placeOf({ method }: PossibleLevel): StatePlace {
  return PLACES[method];
}

const PLACES: Readonly<Record<PossibleLevel['method'], StatePlace>> = {
  none: 'nobody',
  cookie: 'client',
  checkpoint: 'store',
  replicate: 'standbys',
  gossip: 'instances',
  shared: 'store',
  conntrack: 'standbys',
};

/** Null: nothing is kept. */
export function granularityOf(level: PossibleLevel): string | null {
  switch (level.method) {
    case 'none':
      return null;
    case 'cookie':
      return 'session';
    case 'conntrack':
      return 'flow';
    default:
      return level.granularity;
  }
}

/** `json kv/2`, `pfsync 6`. Null: nothing is kept. */
export function formatOf(level: PossibleLevel): string | null {
  if (level.method === 'none') return null;
  const { format } = level;
  return 'schema' in format
    ? `${format.encoding} ${format.schema}/${format.version}`
    : `${format.encoding} ${format.version}`;
}

export function recoveryOf(level: PossibleLevel): RecoveryClass {
  return level.method === 'none' ? 'cold' : level.recovery;
}

/** Standbys that acknowledge an update. */
export function acknowledgedBy(level: PossibleLevel): number {
  return level.method === 'replicate' && level.consistency !== 'bounded' ? level.acknowledged : 0;
}

export function securityStateOf(level: PossibleLevel): SecurityState {
  return level.method === 'none' ? 'excluded' : level.protection.securityState;
}

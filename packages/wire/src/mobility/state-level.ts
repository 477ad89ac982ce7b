// SPDX-License-Identifier: Apache-2.0
import { byKey, fail, flag, integer, list, matching, object, oneOf, type Shape, versioned } from './shape.ts';

/*
 * How the state of a function can be shared, as one of its instances offers it. What follows from a method is not said
 * again: a cookie is of a session and lives with the client, connections are of flows, gossip is eventual.
 */

/** What one piece of state belongs to. */
export type Granularity = 'function' | 'tenant' | 'session' | 'flow' | 'key';

/** How soon the next holder serves with the state: within 50 ms, 1 s, 10 s, or later. */
export type RecoveryClass = 'real-time' | 'near' | 'relaxed' | 'cold';

/** When updates come faster than they are carried: the function waits, refuses new work, or goes on without the standbys that cannot follow. */
export type OverloadRule = 'block' | 'shed' | 'degrade';

/** What becomes of keys and secrets: they stay where they are, are made anew by the next holder, or go along under a seal. */
export type SecurityState = 'excluded' | 're-derive' | 'sealed';

/** What the octets are: of the function's own making, or a format that has a version and no schema. */
export type StateFormat =
  | { readonly encoding: 'opaque' | 'json'; readonly schema: string; readonly version: number }
  | TrackedFormat;

export interface TrackedFormat {
  readonly encoding: 'conntrack' | 'pfsync';
  readonly version: number;
}

/** Most that may be missing: the last so many milliseconds, or so many updates; from 1. */
export type LossBound = { readonly ms: number } | { readonly updates: number };

export interface Protection {
  readonly integrity: boolean;
  readonly encryption: boolean;
  readonly securityState: SecurityState;
}

interface Carried {
  readonly recovery: RecoveryClass;
  readonly protection: Protection;
}

interface OfState {
  readonly granularity: Granularity;
  readonly format: StateFormat;
}

interface Flow<Rule extends OverloadRule = OverloadRule> {
  readonly updatesPerSecond: number;
  /** Octets under way at a time. */
  readonly windowOctets: number;
  readonly overload: Rule;
}

/** Where output waits for others, going on without them is no choice. */
type HeldFlow = Flow<'block' | 'shed'>;

/** Nothing is kept. Everybody can, so nobody offers it. */
export interface NoLevel {
  readonly method: 'none';
}

/** Left with the user of an RSerPool session. */
export interface CookieLevel extends Carried {
  readonly method: 'cookie';
  readonly format: StateFormat;
  /** Updates that the last cookie may lack; 0: each goes before the answer. */
  readonly lossUpdates: number;
}

/** Snapshots and deltas to a store, one an interval. */
export interface CheckpointLevel extends Carried, OfState, Flow {
  readonly method: 'checkpoint';
  readonly intervalMs: number;
}

/** A stream from the slot's holder to its standbys. */
export type ReplicateLevel = { readonly method: 'replicate' } & Carried &
  OfState &
  (
    | ({ readonly consistency: 'bounded'; readonly lag: LossBound } & Flow)
    /** So many standbys acknowledge, while output goes ahead of them by the lag at most. */
    | ({
        readonly consistency: 'acknowledged';
        readonly acknowledged: number;
        readonly lag: LossBound;
      } & Flow)
    /** Output waits until so many standbys have acknowledged what it tells of. */
    | ({ readonly consistency: 'held'; readonly acknowledged: number } & HeldFlow)
  );

/** Anti-entropy of state that can be merged, among all instances. */
export interface GossipLevel extends Carried, OfState, Flow {
  readonly method: 'gossip';
}

/** State in a store outside, which output waits for, or runs ahead of. */
export type SharedLevel = { readonly method: 'shared' } & Carried &
  OfState &
  (
    | ({ readonly writes: 'through' } & HeldFlow)
    | ({ readonly writes: 'behind'; readonly lag: LossBound } & Flow)
  );

/** Connections and translations of the kernel. It waits for nobody. */
export interface ConntrackLevel extends Carried, Flow<'shed' | 'degrade'> {
  readonly method: 'conntrack';
  readonly format: TrackedFormat;
  readonly lagMs: number;
  /** A flow's first packet waits until a standby has its mapping. */
  readonly defer: boolean;
}

export type OfferedLevel =
  | CookieLevel
  | CheckpointLevel
  | ReplicateLevel
  | GossipLevel
  | SharedLevel
  | ConntrackLevel;

export type SharingMethod = NoLevel['method'] | OfferedLevel['method'];

/** What an instance offers, what it likes best first. Empty: it has no state that could be shared. */
export interface StateOffers {
  readonly v: 1;
  /** At most 16. */
  readonly levels: readonly OfferedLevel[];
}

const COUNT_MAX = Number.MAX_SAFE_INTEGER;
const LEVELS_MAX = 16;
const STANDBYS_MAX = 64;
const VERSION_MAX = 0xffff;

const from1 = integer(1, COUNT_MAX);
const version = integer(1, VERSION_MAX);
const standbys = integer(1, STANDBYS_MAX);

const schema = matching(/^[\x21-\x2e\x30-\x7e]{1,64}$/, 'must be 1 to 64 printable ASCII characters, not /');
const tracked = object({ encoding: oneOf('conntrack', 'pfsync'), version });
const own = object({ encoding: oneOf('opaque', 'json'), schema, version });
const format: Shape<StateFormat> = byKey('encoding', {
  opaque: own,
  json: own,
  conntrack: tracked,
  pfsync: tracked,
});

const bounds = object({}, { ms: from1, updates: from1 });
/** What a bound must be: of one kind. */
export const lag: Shape<LossBound> = (value, path) => {
  const { ms, updates } = bounds(value, path);
  if (ms !== undefined && updates === undefined) return { ms };
  if (updates !== undefined && ms === undefined) return { updates };
  return fail(path, 'must have either ms or updates');
};

const carried = {
  recovery: oneOf('real-time', 'near', 'relaxed', 'cold'),
  protection: object({
    integrity: flag,
    encryption: flag,
    securityState: oneOf('excluded', 're-derive', 'sealed'),
  }),
};
const granularity: Shape<Granularity> = oneOf('function', 'tenant', 'session', 'flow', 'key');
const ofState = { granularity, format };
const amounts = { updatesPerSecond: from1, windowOctets: from1 };
const flow = { ...amounts, overload: oneOf('block', 'shed', 'degrade') };
const heldFlow = { ...amounts, overload: oneOf('block', 'shed') };

const replicate = { method: oneOf('replicate'), ...carried, ...ofState };
const shared = { method: oneOf('shared'), ...carried, ...ofState };

const level: Shape<OfferedLevel> = byKey('method', {
  cookie: object({ method: oneOf('cookie'), ...carried, format, lossUpdates: integer(0, COUNT_MAX) }),
  checkpoint: object({
    method: oneOf('checkpoint'),
    ...carried,
    ...ofState,
    ...flow,
    intervalMs: from1,
  }),
  replicate: byKey('consistency', {
    bounded: object({ ...replicate, consistency: oneOf('bounded'), lag, ...flow }),
    acknowledged: object({
      ...replicate,
      consistency: oneOf('acknowledged'),
      acknowledged: standbys,
      lag,
      ...flow,
    }),
    held: object({ ...replicate, consistency: oneOf('held'), acknowledged: standbys, ...heldFlow }),
  }),
  gossip: object({ method: oneOf('gossip'), ...carried, ...ofState, ...flow }),
  shared: byKey('writes', {
    through: object({ ...shared, writes: oneOf('through'), ...heldFlow }),
    behind: object({ ...shared, writes: oneOf('behind'), lag, ...flow }),
  }),
  conntrack: object({
    method: oneOf('conntrack'),
    ...carried,
    format: tracked,
    ...amounts,
    overload: oneOf('shed', 'degrade'),
    lagMs: from1,
    defer: flag,
  }),
});

/** What a document of offers must be. */
export const stateOffers: Shape<StateOffers> = versioned(
  object({
    v: oneOf(1),
    levels: (value, path) => {
      const levels = list(level)(value, path);
      return levels.length <= LEVELS_MAX ? levels : fail(path, `must have at most ${LEVELS_MAX} entries`);
    },
  }),
);

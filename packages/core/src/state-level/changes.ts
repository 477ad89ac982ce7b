// SPDX-License-Identifier: Apache-2.0
import {
  acknowledgedBy,
  consistencyOf,
  formatOf,
  granularityOf,
  lossOf,
  recoveryOf,
  type StateLevel,
  securityStateOf,
} from './level.ts';
import { lossWords } from './words.ts';

/** One axis on which a level that is settled anew differs from the one that a running pool has. */
export interface LevelChange {
  readonly axis: string;
  readonly from: string;
  readonly to: string;
  /** Instances have to be started again before it holds. */
  readonly needsRestart: boolean;
  readonly reason: string;
}

/** Who moves the state: node agents, the function itself as it serves, or nobody. */
const CARRIER: Readonly<Record<StateLevel['method'], 'agent' | 'function' | 'nobody'>> = {
  none: 'nobody',
  cookie: 'function',
  checkpoint: 'agent',
  replicate: 'agent',
  gossip: 'function',
  shared: 'agent',
  conntrack: 'agent',
};

/** What follows from a change of one axis, the method staying. */
interface Axis {
  readonly name: string;
  /** Null: the level has it not. */
  readonly of: (level: StateLevel) => string | null;
  /** How running instances follow; null: they cannot. */
  readonly live: string | null;
  /** Why they cannot when the function moves its state itself; null: they follow all the same. */
  readonly own: string | null;
}

const TOLD = 'running instances are told';
const SNAPSHOT = 'node agents begin anew with a snapshot';
const BY_ITSELF = 'the function moves its state itself, as it was told when it started';

const AXES: readonly Axis[] = [
  {
    name: 'store',
    of: (level) => ('store' in level ? level.store : null),
    live: 'node agents write all of it into the other store',
    own: null,
  },
  { name: 'granularity', of: granularityOf, live: SNAPSHOT, own: BY_ITSELF },
  { name: 'format', of: formatOf, live: SNAPSHOT, own: BY_ITSELF },
  {
    name: 'consistency',
    of: consistencyOf,
    live: 'it counts from the next output on, a stricter one once all that is under way has arrived',
    own: BY_ITSELF,
  },
  { name: 'loss', of: (level) => lossWords(lossOf(level)), live: TOLD, own: null },
  { name: 'acknowledged', of: (level) => String(acknowledgedBy(level)), live: TOLD, own: null },
  { name: 'recovery', of: recoveryOf, live: TOLD, own: null },
  {
    name: 'rate',
    of: (level) => ('updatesPerSecond' in level ? `${level.updatesPerSecond} a second` : null),
    live: TOLD,
    own: null,
  },
  {
    name: 'window',
    of: (level) => ('windowOctets' in level ? `${level.windowOctets} octets` : null),
    live: TOLD,
    own: null,
  },
  {
    name: 'overload',
    of: (level) => ('overload' in level ? level.overload : null),
    live: TOLD,
    own: BY_ITSELF,
  },
  {
    name: 'defer',
    of: (level) => ('defer' in level ? String(level.defer) : null),
    live: 'it is a rule of the kernel, which node agents set',
    own: null,
  },
  ...(['integrity', 'encryption'] as const).map((name) => ({
    name,
    of: (level: StateLevel) => (level.method === 'none' ? null : String(level.protection[name])),
    live: 'node agents open their connections anew',
    own: BY_ITSELF,
  })),
  {
    name: 'security-state',
    of: securityStateOf,
    live: null,
    own: 'which of its secrets a function gives away is decided when it starts',
  },
];

/**
 * What a pool that runs by one level has to do to go by another, axis by axis; nothing: they are the same. It follows
 * without a restart when none of the changes needs one.
 */
export function changesBetween(former: StateLevel, next: StateLevel): readonly LevelChange[] {
  if (former.method !== next.method) return [methodChange(former, next)];
  const isOwn = CARRIER[next.method] === 'function';
  return AXES.flatMap(({ name, of, live, own }) => {
    const [from, to] = [of(former) ?? '-', of(next) ?? '-'];
    if (from === to) return [];
    const obstacle = isOwn || live === null ? own : null;
    return [{ axis: name, from, to, needsRestart: obstacle !== null, reason: obstacle ?? live ?? TOLD }];
  });
}

/** Everything else changes with it, and is not told again. */
function methodChange({ method: from }: StateLevel, { method: to }: StateLevel): LevelChange {
  // What merges is with agents, and a function takes part when they say so.
  const own = [from, to].find((method) => method !== 'gossip' && CARRIER[method] === 'function');
  const reason =
    own === undefined
      ? METHOD_LIVE[to === 'gossip' ? 'gossip' : CARRIER[to] === 'agent' ? 'agent' : 'nobody']
      : `by ${own} a function moves its state itself, which is decided when it starts`;
  return { axis: 'method', from, to, needsRestart: own !== undefined, reason };
}

const METHOD_LIVE = {
  gossip: 'node agents let running functions take part in a state that begins with nothing',
  agent: 'node agents take the state of running functions, and begin with a snapshot',
  nobody: 'node agents stop taking state, and running functions need not know',
} as const;

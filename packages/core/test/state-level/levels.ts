// SPDX-License-Identifier: Apache-2.0
import type { DeclaredSharing } from '@vnfpool/core/declared';
import type { Ask } from '@vnfpool/core/state-level';
import type {
  CheckpointLevel,
  ConntrackLevel,
  CookieLevel,
  GossipLevel,
  ReplicateLevel,
  SharedLevel,
} from '@vnfpool/wire/mobility';

/* One level of each method, and an ask that each of them meets. */

const carried = {
  recovery: 'near',
  protection: { integrity: true, encryption: true, securityState: 'excluded' },
} as const;
const ofState = {
  ...carried,
  granularity: 'session',
  format: { encoding: 'json', schema: 'kv', version: 2 },
} as const;
const amounts = { updatesPerSecond: 5_000, windowOctets: 65_536 } as const;
const flow = { ...amounts, overload: 'block' } as const;

export const cookie = {
  ...carried,
  method: 'cookie',
  format: { encoding: 'opaque', schema: 'calc', version: 1 },
  lossUpdates: 3,
} as const satisfies CookieLevel;
export const checkpoint = {
  ...ofState,
  ...flow,
  method: 'checkpoint',
  intervalMs: 1_000,
} as const satisfies CheckpointLevel;
export const held = {
  ...ofState,
  ...flow,
  method: 'replicate',
  consistency: 'held',
  acknowledged: 1,
} as const satisfies ReplicateLevel;
export const bounded = {
  ...ofState,
  ...flow,
  method: 'replicate',
  consistency: 'bounded',
  lag: { updates: 100 },
} as const satisfies ReplicateLevel;
export const acknowledged = {
  ...ofState,
  ...flow,
  method: 'replicate',
  consistency: 'acknowledged',
  acknowledged: 1,
  lag: { ms: 20 },
} as const satisfies ReplicateLevel;
export const gossip = { ...ofState, ...flow, method: 'gossip' } as const satisfies GossipLevel;
export const through = {
  ...ofState,
  ...flow,
  method: 'shared',
  writes: 'through',
} as const satisfies SharedLevel;
export const behind = {
  ...ofState,
  ...flow,
  method: 'shared',
  writes: 'behind',
  lag: { ms: 200 },
} as const satisfies SharedLevel;
export const conntrack = {
  ...carried,
  ...amounts,
  method: 'conntrack',
  overload: 'shed',
  format: { encoding: 'conntrack', version: 1 },
  lagMs: 200,
  defer: false,
} as const satisfies ConntrackLevel;

/** A pool with two standbys and two active instances, reached through a registrar, that asks for these things. */
export function asking(sharing: Partial<DeclaredSharing>, pool: Partial<Omit<Ask, 'sharing'>> = {}): Ask {
  return {
    sharing: {
      methods: ['replicate', 'checkpoint', 'shared', 'gossip', 'conntrack', 'cookie', 'none'],
      store: 'valkey',
      ...sharing,
    },
    standbys: 2,
    active: 2,
    hasSessions: true,
    ...pool,
  };
}

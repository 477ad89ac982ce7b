// SPDX-License-Identifier: Apache-2.0
import type {
  CheckpointLevel,
  ConntrackLevel,
  CookieLevel,
  GossipLevel,
  LossBound,
  OfferedLevel,
  Protection,
  ReplicateLevel,
  SharedLevel,
  StateFormat,
} from '@vnfpool/wire/mobility';
import type { DeclaredPool } from '../declared/set.ts';
import type { DeclaredSharing } from '../declared/sharing.ts';

/*
 * What an instance offers follows from what it runs. What node agents do either way (the lag, how many standbys acknowledge,
 * the rule at overload) is offered as it is asked for, as far as they can keep it; the rest are figures of theirs.
 */

type DeclaredFunction = DeclaredPool['function'];

/** The lag where the pool names none. */
const LAG_MS = 1_000;
/** A standby that lacks an update for half the lag is removed by a round of the council: less would remove good ones. */
const LAG_MS_MIN = 100;
/** The kernel's events are read in turns, and those of one turn are sent together. */
const CONNTRACK_LAG_MS_MIN = 200;
/** What a store, or the rounds of gossip, take besides other work; see docs/measurements.md. */
const UPDATES_PER_SECOND = 10_000;
/** What one standby takes: 965,000 were measured of the stream alone. TLS, the function's socket and other work of the agent are not in that. */
const REPLICATED_PER_SECOND = 100_000;
/** 99,000 connections a second were measured from kernel to standby, by three processes that had two processors. */
const CONNECTIONS_PER_SECOND = 50_000;
/** A standby's window, and what changes before the next checkpoint is made ahead of its time where the pool names no window. */
const WINDOW_OCTETS = 524_288;
/** A checkpoint is made every half interval, and has to reach its store in the other half. */
const INTERVAL_MS_MIN = 200;
/** `kv/1` of a function's `state.format`: name and version. */
const VERSIONED = /^([!-.0-~]{1,64})\/([1-9][0-9]{0,4})$/;
const VERSION_MAX = 0xffff;

/** Over the agents' streams, by TLS. */
const carried = {
  recovery: 'near',
  protection: { integrity: true, encryption: true, securityState: 'excluded' },
} as const;
const amounts = { updatesPerSecond: UPDATES_PER_SECOND, windowOctets: WINDOW_OCTETS } as const;

/** What an instance of the function offers to a pool that asks for this, what it likes best first. */
export function offersOf(
  { state }: Pick<DeclaredFunction, 'state'>,
  sharing: DeclaredSharing,
): readonly OfferedLevel[] {
  if (state?.offers !== undefined) return state.offers;
  const format = formatOf(state?.format);
  return [
    ...(state?.shares === true ? replicateOffers(format, sharing) : []),
    ...(state?.shares === true && sharing.methods.includes('checkpoint')
      ? [checkpointOffer(format, sharing)]
      : []),
    ...(state?.shares === true && sharing.methods.includes('shared') ? sharedOffers(format, sharing) : []),
    ...(state?.merges === true ? [gossipOffer(format)] : []),
    ...(state?.via === 'conntrack' ? [conntrackOffer(sharing)] : []),
    ...(sharing.methods.includes('cookie') ? [cookieOffer(format, sharing)] : []),
  ];
}

/** Who may lose something rather does not wait. */
function replicateOffers(format: StateFormat, sharing: DeclaredSharing): readonly ReplicateLevel[] {
  // What is not marked as secret is carried as ever, so a function that marks nothing can do it, too.
  const securityState = sharing.securityState ?? 'excluded';
  const protection: Protection = { ...carried.protection, securityState };
  const base = {
    ...carried,
    protection,
    ...amounts,
    updatesPerSecond: REPLICATED_PER_SECOND,
    method: 'replicate',
    granularity: 'key',
    format,
  } as const;
  const acknowledged = Math.max(1, sharing.acknowledged ?? 1);
  const lag = lagOf(sharing, LAG_MS_MIN);
  const overload = sharing.overload === 'block' ? 'block' : 'degrade';
  return [
    { ...base, consistency: 'bounded', lag, overload },
    { ...base, consistency: 'acknowledged', acknowledged, lag, overload },
    { ...base, consistency: 'held', acknowledged, overload: 'block' },
  ];
}

/** Every interval that is asked for is the word of whoever declares the pool: that its store follows, agents tell. */
function checkpointOffer(format: StateFormat, sharing: DeclaredSharing): CheckpointLevel {
  const { loss, overload, windowOctets = WINDOW_OCTETS } = sharing;
  const asked = loss !== undefined && loss !== 0 && 'ms' in loss ? loss.ms : LAG_MS;
  return {
    ...amounts,
    windowOctets,
    method: 'checkpoint',
    granularity: 'key',
    format,
    intervalMs: Math.max(asked, INTERVAL_MS_MIN),
    ...storedAt(sharing),
    overload: overload === 'block' ? 'block' : 'degrade',
  };
}

/** Who may lose something rather does not wait. */
function sharedOffers(format: StateFormat, sharing: DeclaredSharing): readonly SharedLevel[] {
  const base = { ...amounts, ...storedAt(sharing), method: 'shared', granularity: 'key', format } as const;
  const overload = sharing.overload === 'block' ? 'block' : 'degrade';
  return [
    { ...base, writes: 'behind', lag: lagOf(sharing, LAG_MS_MIN), overload },
    { ...base, writes: 'through', overload: 'block' },
  ];
}

/** What any store outside of the set can do. */
function storedAt({ storeAddress = '' }: DeclaredSharing): Pick<SharedLevel, 'recovery' | 'protection'> {
  return {
    recovery: 'near',
    protection: {
      integrity: true,
      // On the way; what lies in the store can be read there.
      encryption: /^(?:rediss|etcds):/.test(storeAddress),
      securityState: 'excluded',
    },
  };
}

/** A change waits for nobody: what comes faster than it spreads is merged on its way, and the lag tells. */
function gossipOffer(format: StateFormat): GossipLevel {
  return { ...carried, ...amounts, method: 'gossip', granularity: 'key', format, overload: 'degrade' };
}

function conntrackOffer(sharing: DeclaredSharing): ConntrackLevel {
  const { loss } = sharing;
  const asked = loss !== undefined && loss !== 0 && 'ms' in loss ? loss.ms : LAG_MS;
  return {
    ...carried,
    ...amounts,
    updatesPerSecond: CONNECTIONS_PER_SECOND,
    method: 'conntrack',
    format: { encoding: 'conntrack', version: 1 },
    lagMs: Math.max(asked, CONNTRACK_LAG_MS_MIN),
    // Whether the kernel of a node can do it, the node says when it is to take the slot.
    defer: sharing.mappingLoss === 0,
    overload: 'degrade',
  };
}

/** Cookies are between the function and its users: that it leaves them, and how often, is the word of whoever declares the pool. */
function cookieOffer(format: StateFormat, { loss }: DeclaredSharing): CookieLevel {
  const lossUpdates = loss === 0 ? 0 : loss !== undefined && 'updates' in loss ? loss.updates : 1;
  return { ...carried, method: 'cookie', format, lossUpdates };
}

function lagOf({ loss }: DeclaredSharing, msMin: number): LossBound {
  if (loss === undefined || loss === 0) return { ms: LAG_MS };
  return 'ms' in loss ? { ms: Math.max(loss.ms, msMin) } : loss;
}

/** Instances that name the same format understand each other's octets, and no others. */
function formatOf(format = 'state/1'): StateFormat {
  const [, schema, version] = VERSIONED.exec(format) ?? [];
  if (schema !== undefined && Number(version) <= VERSION_MAX)
    return { encoding: 'opaque', schema, version: Number(version) };
  return { encoding: 'opaque', schema: format.replaceAll('/', '.'), version: 1 };
}

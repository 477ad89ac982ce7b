// SPDX-License-Identifier: Apache-2.0
import type { OfferedLevel, SharingMethod, SlotSharing } from '@vnfpool/wire/mobility';
import type { DeclaredSharing } from '../declared/sharing.ts';
import { acknowledgedBy, lossOf, type StateLevel } from './level.ts';

/** So many updates are never behind: a bound of age alone. */
const UPDATES_UNBOUNDED = 1_000_000;

/** Whether node agents take the state, so that a slot's list has only those that have it. */
export function isByAgents({ method }: { readonly method: SharingMethod }): boolean {
  return method === 'replicate' || method === 'conntrack';
}

/** Whether node agents carry the state of each slot, to standbys or to a store: a holder may have to begin without it. */
export function isCarriedBySlot(level: { readonly method: SharingMethod }): boolean {
  return isByAgents(level) || level.method === 'checkpoint' || level.method === 'shared';
}

/** Why node agents can leave no secrets in what the method carries; null: they can, or it is not theirs. */
export function whyUnsealed(method: SharingMethod): string | null {
  if (method === 'checkpoint' || method === 'shared')
    return 'whoever takes the slot next reads the store, and is not known when a secret would be sealed to it';
  if (method === 'gossip') return 'every instance has all of it, and nothing of it can be sealed to some';
  return method === 'conntrack' ? 'the kernel marks no connection as secret' : null;
}

/** Which part of an offered level node agents cannot keep, and why; null: they keep it. */
export function notCarriedOut(
  level: OfferedLevel,
): { readonly key: 'overload' | 'format' | 'protection'; readonly why: string } | null {
  const unsealed = whyUnsealed(level.method);
  if (unsealed !== null && level.protection.securityState !== 'excluded')
    return { key: 'protection', why: `${unsealed}: securityState must be excluded` };
  if (level.method === 'gossip' && level.overload !== 'degrade')
    return { key: 'overload', why: 'a change waits for no other instance: must be degrade' };
  if (level.method !== 'conntrack') return null;
  if (level.overload !== 'degrade')
    return { key: 'overload', why: 'the kernel refuses no new flows for it yet: must be degrade' };
  return level.format.encoding === 'conntrack'
    ? null
    : { key: 'format', why: 'pfsync is not carried out by node agents yet: must be conntrack' };
}

/** Whether a holder whose standbys are all gone serves on alone: unless the pool asks for some that acknowledge. */
export function servesAlone(
  level: { readonly method: SharingMethod },
  { acknowledged }: Pick<DeclaredSharing, 'acknowledged'>,
): boolean {
  return isByAgents(level) && acknowledged === undefined;
}

/**
 * What node agents are told of a level; null: they have nothing to do. A holder whose standbys are all gone serves on, unless the
 * pool asks for standbys that acknowledge: then its updates wait for them.
 */
export function slotSharingOf(level: StateLevel, sharing: DeclaredSharing): SlotSharing | null {
  if (level.method === 'checkpoint') return checkpointSharing(level, sharing);
  if (level.method === 'shared') return storeSharing(level, sharing);
  if (level.method !== 'replicate' && level.method !== 'conntrack') return null;
  const loss = lossOf(level);
  const bound =
    loss === 0
      ? { lossUpdates: 0 }
      : typeof loss === 'object' && 'updates' in loss
        ? { lossUpdates: loss.updates }
        : { lossUpdates: UPDATES_UNBOUNDED, ...(typeof loss === 'object' ? { lossMs: loss.ms } : {}) };
  return {
    method: level.method,
    ...bound,
    acknowledgedBy: servesAlone(level, sharing) ? 0 : acknowledgedBy(level),
    // Who offers `shed` refuses new work itself, when its updates wait: that is all that agents can do about it.
    overload: level.overload === 'degrade' ? 'degrade' : 'block',
    ...(level.protection.securityState === 'excluded'
      ? {}
      : { securityState: level.protection.securityState }),
    ...(level.method === 'conntrack' && level.defer ? { defers: true } : {}),
  };
}

function checkpointSharing(
  { intervalMs, windowOctets, overload, format }: StateLevel & { readonly method: 'checkpoint' },
  { storeAddress, lastResortMs, keepFull }: DeclaredSharing,
): SlotSharing | null {
  // The declaration names one.
  if (storeAddress === undefined) return null;
  return {
    method: 'checkpoint',
    store: storeAddress,
    intervalMs,
    windowOctets,
    overload: overload === 'degrade' ? 'degrade' : 'block',
    ...(lastResortMs === undefined ? {} : { withoutAfterMs: lastResortMs }),
    ...(keepFull === undefined ? {} : { keepFull }),
    ...('schema' in format ? { format: `${format.schema}/${format.version}` } : {}),
  };
}

function storeSharing(
  level: StateLevel & { readonly method: 'shared' },
  { storeAddress, lastResortMs }: DeclaredSharing,
): SlotSharing | null {
  // The declaration names one.
  if (storeAddress === undefined) return null;
  return {
    method: 'shared',
    store: storeAddress,
    writes: level.writes === 'through' ? { type: 'through' } : { type: 'behind', lag: level.lag },
    windowOctets: level.windowOctets,
    overload: level.overload === 'degrade' ? 'degrade' : 'block',
    ...(lastResortMs === undefined ? {} : { withoutAfterMs: lastResortMs }),
  };
}

/** After how long somebody may take a slot without the state, ms; null: never. */
export function lastResortMsOf(level: StateLevel, { lastResortMs }: DeclaredSharing): number | null {
  return isCarriedBySlot(level) ? (lastResortMs ?? null) : null;
}

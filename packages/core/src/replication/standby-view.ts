// SPDX-License-Identifier: Apache-2.0
import type { StandbyAccount } from './standby-account.ts';
import type { StandbyLink } from './standby-link.ts';
import type { ReplicaStore } from './store.ts';
import type { StandbyView } from './types.ts';
import type { UpdateAges } from './update-ages.ts';

/** What the holder knows of one standby. `link` undefined: there is no connection; `account`: there never was one. */
export function standbyView(
  standby: number,
  isListed: boolean,
  link: StandbyLink | undefined,
  account: StandbyAccount | undefined,
  { store, ages, nowMs }: { readonly store: ReplicaStore; readonly ages: UpdateAges; readonly nowMs: number },
): StandbyView {
  const acked = link?.acked ?? null;
  const behindSinceMs = ages.firstBehind(acked ?? 0);
  const since = (atMs: number | undefined): number | null => (atMs === undefined ? null : nowMs - atMs);
  return {
    standby,
    isListed,
    state: stateOf(link),
    sequence: acked,
    lagUpdates: store.sequence - (acked ?? 0),
    lagMs: behindSinceMs === undefined ? 0 : nowMs - behindSinceMs,
    lagBytes: acked === null ? store.weight : store.weightBehind(acked),
    roundTripMs: link?.roundTripMs ?? null,
    silentMs: since(account?.heardAtMs),
    underWayBytes: link?.bytesUnderWay ?? 0,
    updatesSent: account?.updatesSent ?? 0,
    bytesSent: account?.bytesSent ?? 0,
    fills: account?.fills ?? 0,
    agreed: account?.agreed ?? 0,
    differed: account?.differed ?? 0,
    sinceAgreedMs: since(account?.agreedAtMs),
    isDiffering: account?.isDiffering ?? false,
    filledInMs: account !== undefined && account.filledAtMs > nowMs ? account.filledAtMs - nowMs : null,
    isHeldUp: link?.heldBy === 'damage',
    breaks: breaksOf(account, nowMs),
  };
}

function breaksOf(account: StandbyAccount | undefined, nowMs: number): StandbyView['breaks'] {
  if (account === undefined || account.breaks === 0) return null;
  return { times: account.breaks, reason: account.breakReason, isAmid: account.isBroken(nowMs) };
}

function stateOf(link: StandbyLink | undefined): StandbyView['state'] {
  if (link === undefined) return 'away';
  if (link.isSilent) return 'silent';
  if (!link.isFollowing) return 'opening';
  return link.acked === undefined ? 'filling' : 'following';
}

// SPDX-License-Identifier: Apache-2.0
import type {
  MergedPeerView,
  MergedStateView,
  PoolSharingView,
  SlotSharingView,
  StandbyStateView,
} from '@vnfpool/core/management';
import { formatAgo, formatMs } from './format.ts';

const STATES: Readonly<Record<StandbyStateView['state'], string>> = {
  away: 'no connection',
  opening: 'connecting',
  filling: 'being filled',
  following: 'follows',
  silent: 'silent',
};

/** `follows, 3 updates (2 ms, 96 octets) behind`. */
export function describeStandby({ isListed, state, lagUpdates, lagMs, lagBytes }: StandbyStateView): string {
  const may = isListed ? '' : ', may not take over';
  const lag =
    lagUpdates === 0
      ? 'nothing behind'
      : `${lagUpdates} update${lagUpdates === 1 ? '' : 's'} (${formatMs(lagMs)}, ${lagBytes} octets) behind`;
  return `${STATES[state]}${may}, ${lag}`;
}

/** `10 updates (320 octets) a second; digests agree, last just now, 40 times`; empty: its holder does not say. */
export function describeStream({ stream, digests }: StandbyStateView, now: number): string {
  if (!stream || !digests) return '';
  const { updatesPerSecond, bytesPerSecond, fills } = stream;
  const { agreed, differed, agreedAt, isDiffering } = digests;
  const rate = `${counted(updatesPerSecond, 'update')} (${bytesPerSecond} octets) a second`;
  const last = agreedAt === null ? 'never' : `last ${formatAgo(now - agreedAt)}, ${counted(agreed, 'time')}`;
  const compared = isDiffering ? `digests differed; they agreed: ${last}` : `digests agree: ${last}`;
  const before = differed === 0 ? [] : [`differed ${counted(differed, 'time')}`];
  return [rate, compared, ...before, ...(fills > 1 ? [`got all ${fills} times`] : [])].join('; ');
}

/** `9 times, all are listed anew`. */
export function describeOverruns({ times, isAmid }: NonNullable<SlotSharingView['overruns']>): string {
  return `${counted(times, 'time')}, ${isAmid ? 'all connections are listed anew' : 'and all connections were listed anew'}`;
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

/** Good, or what is to be looked at. */
export function standbyTone({ isListed, state, digests }: StandbyStateView): 'good' | 'warning' | 'bad' {
  if (state === 'silent' || state === 'away' || digests?.isDiffering === true) return 'bad';
  return isListed ? 'good' : 'warning';
}

/** `2 wait, 120 let go, 1 dropped`. */
export function describeFirstPackets({
  waiting,
  released,
  dropped,
}: NonNullable<SlotSharingView['firstPackets']>): string {
  return `${waiting} wait, ${released} let go, ${dropped} dropped`;
}

/** What is used, and what a failover loses by it. */
export function describeLevel({ method, level, loses, reason }: PoolSharingView): string {
  if (method === null) return `State sharing is refused: ${reason}`;
  return method === 'none'
    ? 'State is not shared: a failover loses every session'
    : `State by ${level}: a failover loses ${loses}`;
}

/** `5 pieces; node-b 0 steps behind`, with who is silent, or has something else, or what is wrong. */
export function describeMerged({ cells, damaged = 0, trouble, peers }: MergedStateView): string {
  const spoilt = damaged === 0 ? '' : `; ${damaged} damaged in memory so far`;
  const wrong = trouble === '' ? '' : `; ${trouble}`;
  return `${cells} piece${cells === 1 ? '' : 's'}${peers.map(describePeer).join('')}${spoilt}${wrong}`;
}

function describePeer({
  node,
  behind,
  behindBytes,
  behindMs = 0,
  isSilent,
  silentMs,
  digests,
}: MergedPeerView): string {
  const octets = behind > 0 && behindBytes !== undefined ? ` (${behindBytes} octets)` : '';
  const since = behindMs > 0 ? ` for ${Math.floor(behindMs / 1_000)} s` : '';
  const silent = isSilent ? `, not heard for ${Math.floor(silentMs / 1_000)} s` : '';
  return `; ${node} ${counted(behind, 'step')}${octets} behind${since}${silent}${digests ? describeDigests(digests) : ''}`;
}

function describeDigests({ agreedMs, isDiffering }: NonNullable<MergedPeerView['digests']>): string {
  if (isDiffering) return ', has something else';
  return agreedMs === null ? '' : `, the same ${Math.floor(agreedMs / 1_000)} s ago`;
}

/** Good, or what is to be looked at. */
export function mergedTone({ trouble, peers }: MergedStateView): 'good' | 'bad' {
  const isGood = peers.every(({ isSilent, digests }) => !isSilent && digests?.isDiffering !== true);
  return trouble === '' && isGood ? 'good' : 'bad';
}

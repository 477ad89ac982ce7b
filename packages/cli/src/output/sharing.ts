// SPDX-License-Identifier: Apache-2.0
import type { PoolSharingView, SlotSharingView, StandbyStateView } from '@vnfpool/core/management';
import { showBytes } from './amount.ts';
import { showAge, showDuration } from './duration.ts';
import { plain } from './plain.ts';

/** `2/2 have it, 3 updates and 2 ms behind`: of those that may take over the one that lags most. */
export function sharingCell(sharing: SlotSharingView | null | undefined): string {
  if (!sharing) return '';
  if (sharing.state === null) return 'not told';
  const stored = storedWords(sharing);
  const wrong = [
    ...(sharing.standbys.some(({ digests }) => digests?.isDiffering) ? ['a copy differs'] : []),
    ...((sharing.damage?.now ?? 0) > 0 ? ['damaged at its holder'] : []),
    ...(sharing.overruns?.isAmid ? ['events lost'] : []),
    ...(sharing.fault ? ['not all is told'] : []),
    ...(sharing.isLossy ? ['may be lossy'] : []),
  ];
  if (stored !== null) return [stored, ...wrong].join(', ');
  const listed = sharing.standbys.filter(({ isListed }) => isListed);
  const most = (of: (standby: StandbyStateView) => number): number => Math.max(0, ...listed.map(of));
  const lag = `${counted(
    most(({ lagUpdates }) => lagUpdates),
    'update',
  )} and ${showDuration(most(({ lagMs }) => lagMs))} behind`;
  const have = `${listed.length}/${sharing.standbys.length} have it`;
  return [have, ...(listed.length > 0 ? [lag] : []), ...wrong].join(', ');
}

/**
 *       A failover loses nothing that was acknowledged outside.
 *       5 keys, 160 B; 10 updates a second, 0 waiting; told 1s ago
 *         kv#2  node-b  may take over  following  3 updates, 2 ms, 96 B behind, round trip 0.5 ms
 *           gets 10 updates and 320 B a second, 32 B under way, heard 60 ms before; digests agreed 40 times, last 1s ago; …
 */
export function sharingLines(sharing: SlotSharingView | null | undefined, now: number): string[] {
  if (!sharing) return [];
  const { state, standbys, method } = sharing;
  const verdict = [
    `  State by ${method}: ${plain(sharing.verdict, 'one line')}`,
    ...(sharing.alarms ?? []).map((alarm) => `  Look: ${plain(alarm, 'one line')}`),
  ];
  if (state === null) return verdict;
  const amounts = `${counted(state.keys, 'key')}, ${showBytes(state.bytes)}; ${counted(state.updatesPerSecond, 'update')} a second, ${state.waiting} waiting; told ${showAge(state.at, now)} ago`;
  const rows = standbys.map((each) => [
    each.instance ?? '-',
    each.node,
    each.isListed ? 'may take over' : 'may not',
    each.state,
    behind(each),
  ]);
  const width = (at: number): number => Math.max(0, ...rows.map((row) => row[at]?.length ?? 0));
  const lines = rows.flatMap((row, index) => [
    row.map((cell, at) => (at < row.length - 1 ? cell.padEnd(width(at)) : cell)).join('  '),
    ...streamLines(standbys[index], now),
  ]);
  const stored = storedWords(sharing, true);
  if (stored !== null) return [...verdict, `  ${amounts}`, `    store: ${plain(stored, 'one line')}`];
  const { damage, firstPackets, overruns } = sharing;
  const first =
    firstPackets === undefined
      ? []
      : [
          `    first packets: ${firstPackets.waiting} waiting, ${firstPackets.released} let go, ${firstPackets.dropped} dropped`,
        ];
  if (overruns !== undefined) {
    const now = overruns.isAmid ? 'all is listed anew' : 'and all was listed anew';
    first.push(`    events of the kernel: lost ${times(overruns.times)}, ${now}`);
  }
  if (damage !== undefined)
    first.push(
      `    in the memory of its holder: ${damage.now} damaged now, ${damage.found} since it is held`,
    );
  return [...verdict, `  ${amounts}`, ...first, ...lines.map((line) => `    ${plain(line, 'one line')}`)];
}

/** What goes to a standby, and how its digests compare; none: its holder does not say. */
function streamLines(standby: StandbyStateView | undefined, now: number): string[] {
  const { stream, digests } = standby ?? {};
  if (stream === undefined || digests === undefined) return [];
  const heard = stream.silentMs === null ? 'never heard' : `heard ${showDuration(stream.silentMs)} before`;
  const last = digests.agreedAt === null ? '' : `, last ${showAge(digests.agreedAt, now)} ago`;
  const lately = digests.isDiffering ? ', and lately' : '';
  const paused =
    digests.filledInMs === undefined ? [] : [`gets all anew in ${showDuration(digests.filledInMs)}`];
  const parts = [
    `gets ${counted(stream.updatesPerSecond, 'update')} and ${showBytes(stream.bytesPerSecond)} a second, ${showBytes(stream.underWayBytes)} under way, ${heard}`,
    `digests agreed ${times(digests.agreed)}${last}`,
    `differed ${times(digests.differed)}${lately}`,
    `got all ${times(stream.fills)}`,
    ...paused,
  ];
  return [`  ${parts.join('; ')}`];
}

/** `9 steps (1.2 kB) behind, 4 s silent, 2 differ`: of all pairs of nodes with mergeable state those that are worst; empty: there is none. */
export function mergedCell({ merged = [] }: PoolSharingView): string {
  const pairs = merged.flatMap(({ peers }) => peers);
  if (pairs.length === 0) return '';
  const behind = Math.max(...pairs.map((pair) => pair.behind));
  const silent = pairs.filter(({ isSilent }) => isSilent).map(({ silentMs }) => silentMs);
  const behindMs = Math.max(...pairs.map((pair) => pair.behindMs ?? 0));
  const bytes = Math.max(...pairs.map((pair) => pair.behindBytes ?? 0));
  const octets = behind > 0 && bytes > 0 ? ` (${showBytes(bytes)})` : '';
  const differing = pairs.filter(({ digests }) => digests?.isDiffering === true).length;
  return [
    `${counted(behind, 'step')}${octets} behind${behindMs > 0 ? ` for ${showDuration(behindMs)}` : ''}`,
    ...(silent.length === 0 ? [] : [`${showDuration(Math.max(...silent))} silent`]),
    ...(differing === 0 ? [] : [`${differing} differ`]),
  ].join(', ');
}

/** `store has it, 3 updates and 400 ms behind`, with octets too where all is wanted; null: it does not go to one. */
function storedWords({ state, checkpoint }: SlotSharingView, withBytes = false): string | null {
  if (!checkpoint || state === null) return null;
  const updates = counted(Math.max(0, state.sequence - checkpoint.sequence), 'update');
  const age = showDuration(checkpoint.ageMs);
  const lag =
    withBytes && checkpoint.lagBytes !== undefined
      ? `${updates}, ${age} and ${showBytes(checkpoint.lagBytes)} behind`
      : `${updates} and ${age} behind`;
  return checkpoint.fault === '' ? `store has it, ${lag}` : `store fails, ${lag}`;
}

function behind({ lagUpdates, lagMs, lagBytes, roundTripMs }: StandbyStateView): string {
  const trip = roundTripMs === null ? '' : `, round trip ${showDuration(roundTripMs)}`;
  return `${counted(lagUpdates, 'update')}, ${showDuration(lagMs)}, ${showBytes(lagBytes)} behind${trip}`;
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

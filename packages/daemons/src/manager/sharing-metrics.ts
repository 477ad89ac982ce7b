// SPDX-License-Identifier: Apache-2.0
import type {
  MergedStateView,
  PoolView,
  SlotSharingView,
  SlotView,
  StandbyStateView,
} from '@vnfpool/core/management';
import type { Metrics } from '@vnfpool/runtime/metrics';

/** How far the standbys of each slot are, as its holder told last. Nothing of slots whose state nobody shares. */
export function exportSharing(metrics: Metrics, read: () => readonly SlotView[]): void {
  const slots = onceATurn(read);
  const ofSlot = (
    name: string,
    help: string,
    value: (sharing: SlotSharingView) => number | null | undefined,
  ): void =>
    metrics.gauges({ name, help, labels: ['pool', 'slot'] }, () =>
      slots().flatMap(({ pool, index, sharing }) => {
        const now = (sharing && value(sharing)) ?? null;
        return now === null ? [] : [{ labels: { pool, slot: String(index) }, value: now }];
      }),
    );
  const ofStandby = (
    name: string,
    help: string,
    value: (standby: StandbyStateView, now: SlotSharingView) => number | null | undefined,
  ): void =>
    metrics.gauges({ name, help, labels: ['pool', 'slot', 'node'] }, () =>
      slots().flatMap(({ pool, index, sharing }) =>
        (sharing?.standbys ?? []).flatMap((standby) => {
          const now = (sharing && value(standby, sharing)) ?? null;
          const labels = { pool, slot: String(index), node: standby.node };
          return now === null ? [] : [{ labels, value: now }];
        }),
      ),
    );
  ofSlot(
    'slot_protected_state',
    '1: as many standbys have the state of the slot as were agreed on, or the store has it',
    (sharing) => Number(sharing.isProtected),
  );
  ofSlot('slot_lossy_state', '1: the holder may have begun without some of the state', (sharing) =>
    Number(sharing.isLossy),
  );
  ofSlot('slot_shared_keys_count', 'Pieces of state of the slot', ({ state }) => state?.keys);
  ofSlot('slot_shared_bytes', 'Keys and values of the state of the slot', ({ state }) => state?.bytes);
  ofSlot('slot_shared_updates_count', 'Number of the last update', ({ state }) => state?.sequence);
  ofSlot(
    'slot_waiting_updates_count',
    'Updates that wait for room or to be confirmed',
    ({ state }) => state?.waiting,
  );
  ofSlot(
    'slot_sharing_alarms_count',
    'Copies that differ, do not answer or cannot be reached, memory of a holder that failed, and a kernel that loses events',
    ({ alarms, state }) => state && (alarms ?? []).length,
  );
  ofSlot(
    'slot_damaged_values_count',
    'Values that are damaged in the memory of the holder now, and go to no standby',
    ({ damage }) => damage?.now,
  );
  ofSlot(
    'slot_function_refusals_count',
    'Connections of the function of the holder that were refused, since the slot is held',
    ({ refusals }) => refusals,
  );
  ofSlot(
    'slot_event_overruns_count',
    'Times that the kernel lost events of connections, since the slot is held',
    ({ overruns }) => overruns?.times,
  );
  ofSlot(
    'slot_event_overrun_state',
    '1: the kernel loses events of connections, or did in the last five seconds',
    ({ overruns }) => overruns && Number(overruns.isAmid),
  );
  ofSlot(
    'slot_checkpoint_lag_updates_count',
    'Updates that the store outside of the set lacks',
    ({ checkpoint, state }) => checkpoint && state && Math.max(0, state.sequence - checkpoint.sequence),
  );
  ofSlot(
    'slot_checkpoint_lag_bytes',
    'Octets of the changes that the store outside of the set lacks',
    ({ checkpoint }) => checkpoint?.lagBytes,
  );
  ofSlot(
    'slot_checkpoint_lag_seconds',
    'Age of the oldest change that the store outside of the set lacks',
    ({ checkpoint }) => checkpoint && checkpoint.ageMs / 1_000,
  );
  ofSlot(
    'slot_first_packets_waiting_count',
    'Flows whose first packet waits until the standbys have them',
    ({ firstPackets }) => firstPackets?.waiting,
  );
  ofSlot(
    'slot_first_packets_released_count',
    'First packets that were let go as the standbys had their flow, since the slot is held',
    ({ firstPackets }) => firstPackets?.released,
  );
  ofSlot(
    'slot_first_packets_dropped_count',
    'First packets that were dropped, since the slot is held',
    ({ firstPackets }) => firstPackets?.dropped,
  );
  ofStandby('standby_listed_state', '1: it has the state and may take over', ({ isListed }) =>
    Number(isListed),
  );
  ofStandby('standby_lag_updates_count', 'Updates that it lacks', ({ lagUpdates }) => lagUpdates);
  ofStandby('standby_lag_seconds', 'Age of the oldest update that it lacks', ({ lagMs }) => lagMs / 1_000);
  ofStandby('standby_lag_bytes', 'Keys and values that it lacks', ({ lagBytes }) => lagBytes);
  ofStandby('standby_round_trip_seconds', 'Last round trip of a mark', ({ roundTripMs }) =>
    roundTripMs === null ? null : roundTripMs / 1_000,
  );
  ofStandby(
    'standby_stream_breaks_count',
    'Times that its stream ended as one end refused, or did not understand, what the other one said, since the slot is held',
    ({ breaks }) => breaks?.times,
  );
  exportStreams(ofStandby);
}

/** What goes to each standby, and how its digests compare. */
function exportStreams(
  ofStandby: (
    name: string,
    help: string,
    value: (standby: StandbyStateView, now: SlotSharingView) => number | null | undefined,
  ) => void,
): void {
  const seconds = (ms: number | null = null): number | null => (ms === null ? null : ms / 1_000);
  ofStandby('standby_silent_seconds', 'Since it said anything', ({ stream }) => seconds(stream?.silentMs));
  ofStandby(
    'standby_sent_updates_count',
    'Updates that were sent to it, since the slot is held',
    ({ stream }) => stream?.updatesSent,
  );
  ofStandby('standby_sent_bytes', 'Octets of these', ({ stream }) => stream?.bytesSent);
  ofStandby(
    'standby_under_way_bytes',
    'Sent to it and not confirmed: what it takes of the memory of the holder',
    ({ stream }) => stream?.underWayBytes,
  );
  ofStandby(
    'standby_fills_count',
    'Times that all of the state was sent to it, since the slot is held',
    ({ stream }) => stream?.fills,
  );
  ofStandby(
    'standby_digests_agreed_count',
    'Marks at which its digest was that of the holder, since the slot is held',
    ({ digests }) => digests?.agreed,
  );
  ofStandby(
    'standby_digests_differed_count',
    'Times that it had another state than the holder, since the slot is held',
    ({ digests }) => digests?.differed,
  );
  ofStandby(
    'standby_differing_state',
    '1: it had another state, and its digests have not agreed for five seconds since',
    ({ digests }) => digests && Number(digests.isDiffering),
  );
  ofStandby(
    'standby_refill_pause_seconds',
    'Before it is filled anew, as it has differed again and again',
    ({ digests }) => digests && (digests.filledInMs ?? 0) / 1_000,
  );
  ofStandby(
    'standby_digest_age_seconds',
    'Since its digest was that of the holder last, as its holder told last',
    ({ digests }, { state }) => {
      const agreedAt = digests?.agreedAt ?? null;
      return agreedAt === null || state === null ? null : seconds(Math.max(0, state.at - agreedAt));
    },
  );
}

/** How far the mergeable state of each pool has spread, of each pair of nodes, as the first of them told last. */
export function exportMerged(metrics: Metrics, read: () => readonly PoolView[]): void {
  const pools = onceATurn(read);
  const ofPair = (
    name: string,
    help: string,
    value: (peer: MergedStateView['peers'][number]) => number | undefined,
  ): void =>
    metrics.gauges({ name, help, labels: ['pool', 'node', 'peer'] }, () =>
      pools().flatMap(({ name: pool, sharing }) =>
        (sharing?.merged ?? []).flatMap(({ node, peers }) =>
          peers.flatMap((peer) => {
            const now = value(peer);
            return now === undefined ? [] : [{ labels: { pool, node, peer: peer.node }, value: now }];
          }),
        ),
      ),
    );
  const ofNode = (name: string, help: string, value: (merged: MergedStateView) => number | undefined): void =>
    metrics.gauges({ name, help, labels: ['pool', 'node'] }, () =>
      pools().flatMap(({ name: pool, sharing }) =>
        (sharing?.merged ?? []).flatMap((merged) => {
          const now = value(merged);
          return now === undefined ? [] : [{ labels: { pool, node: merged.node }, value: now }];
        }),
      ),
    );
  ofPair(
    'merged_lag_steps_count',
    'Steps that the peer lacks, as it last said itself',
    ({ behind }) => behind,
  );
  ofPair(
    'merged_lag_bytes',
    'About how many octets of pieces these steps touched',
    ({ behindBytes }) => behindBytes,
  );
  ofPair(
    'merged_lag_seconds',
    'How long the peer lacks the first of them, in whole seconds',
    ({ behindMs }) => behindMs && behindMs / 1_000,
  );
  ofPair('merged_silent_seconds', 'Since the node heard its peer', ({ silentMs }) => silentMs / 1_000);
  ofPair('merged_silent_state', '1: the peer counts as silent', ({ isSilent }) => Number(isSilent));
  ofPair(
    'merged_digests_differed_count',
    'Times that the peer had something else, though it knew the same',
    ({ digests }) => digests?.differed,
  );
  ofPair(
    'merged_differing_state',
    '1: the peer had something else when both last knew the same',
    ({ digests }) => digests && Number(digests.isDiffering),
  );
  ofPair('merged_digest_age_seconds', 'Since both had the same, in whole seconds', ({ digests }) =>
    typeof digests?.agreedMs === 'number' ? digests.agreedMs / 1_000 : undefined,
  );
  ofNode('merged_damaged_count', 'Pieces that memory had otherwise than they came', ({ damaged }) => damaged);
  ofNode('merged_cells_count', 'Counters, registers and elements of sets', ({ cells }) => cells);
  ofNode('merged_steps_count', 'Changes that are known there, by whoever', ({ steps }) => steps);
  ofNode('merged_bytes', 'Keys, values and elements', ({ bytes }) => bytes);
  ofNode(
    'merged_replicas_count',
    'Lives of nodes that left something; 256 is the bound',
    ({ replicas }) => replicas,
  );
}

/** All gauges are collected in one turn of the loop: one view does. */
function onceATurn<View>(read: () => readonly View[]): () => readonly View[] {
  let known: readonly View[] | null = null;
  return () => {
    if (known === null) queueMicrotask(() => (known = null));
    return (known ??= read());
  };
}

// SPDX-License-Identifier: Apache-2.0
import type { PoolView, SlotView } from '@vnfpool/core/management';
import { Metrics } from '@vnfpool/runtime/metrics';
import { expect, test } from 'vitest';
import { exportMerged, exportSharing } from '../../src/manager/sharing-metrics.ts';
import { edgeState } from '../management-api/edge-state.ts';

const [slot] = edgeState().slots;

const sharing: SlotView['sharing'] = {
  method: 'replicate',
  isProtected: true,
  isLossy: false,
  verdict: '',
  state: { at: 0, keys: 5, bytes: 160, sequence: 40, updatesPerSecond: 10, waiting: 2 },
  standbys: [
    {
      instance: 'web#2',
      node: 'node-b',
      isListed: true,
      state: 'following',
      lagUpdates: 3,
      lagMs: 20,
      lagBytes: 96,
      roundTripMs: null,
    },
  ],
};

test('lag of each standby, as of one view; what is not known, or no more, is not told', async () => {
  const metrics = new Metrics({ component: 'manager' });
  let views = 0;
  let slots: readonly SlotView[] = slot ? [{ ...slot, sharing }] : [];
  exportSharing(metrics, () => {
    views += 1;
    return slots;
  });
  const lines = async (): Promise<string[]> =>
    (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const of = (name: string, value: string, node = ''): string =>
    `vnfpool_${name}{pool="web",slot="0"${node},component="manager"} ${value}`;
  const b = ',node="node-b"';
  expect(await lines()).toEqual([
    of('slot_protected_state', '1'),
    of('slot_lossy_state', '0'),
    of('slot_shared_keys_count', '5'),
    of('slot_shared_bytes', '160'),
    of('slot_shared_updates_count', '40'),
    of('slot_waiting_updates_count', '2'),
    of('slot_sharing_alarms_count', '0'),
    of('standby_listed_state', '1', b),
    of('standby_lag_updates_count', '3', b),
    of('standby_lag_seconds', '0.02', b),
    of('standby_lag_bytes', '96', b),
  ]);
  expect(views).toBe(1);
  const firstPackets = { waiting: 2, released: 120, dropped: 1 };
  slots = slots.map((each) => ({ ...each, sharing: { ...sharing, firstPackets } }));
  expect((await lines()).filter((line) => line.includes('first_packets'))).toEqual([
    of('slot_first_packets_waiting_count', '2'),
    of('slot_first_packets_released_count', '120'),
    of('slot_first_packets_dropped_count', '1'),
  ]);
  const rates = { updatesPerSecond: 10, bytesPerSecond: 320, updatesSent: 90, bytesSent: 2_880 };
  const stream = { silentMs: 60, ...rates, underWayBytes: 32, fills: 2 };
  const digests = { agreed: 40, differed: 1, agreedAt: -1_500, isDiffering: true };
  const [standby] = sharing?.standbys ?? [];
  if (!sharing || !standby) throw new Error('there is no standby');
  const standbys = [
    { ...standby, stream, digests, breaks: { times: 6, reason: 'no', isAmid: true } },
    {
      ...standby,
      node: 'node-c',
      stream: { ...stream, silentMs: null },
      digests: { ...digests, agreedAt: null },
    },
  ];
  const overruns = { times: 9, isAmid: true };
  slots = slots.map((each) => ({
    ...each,
    sharing: {
      ...sharing,
      standbys,
      overruns,
      refusals: 5,
      damage: { found: 4, now: 3 },
      alarms: ['a', 'b'],
    },
  }));
  const now = await lines();
  expect(now.filter((line) => /overrun|alarms|damaged|refusals|breaks/.test(line))).toEqual([
    of('slot_sharing_alarms_count', '2'),
    of('slot_damaged_values_count', '3'),
    of('slot_function_refusals_count', '5'),
    of('slot_event_overruns_count', '9'),
    of('slot_event_overrun_state', '1'),
    of('standby_stream_breaks_count', '6', b),
  ]);
  const names = /standby_(silent|sent|under_way|fills|digest|differing)/;
  expect(now.filter((line) => names.test(line) && line.includes('node-b'))).toEqual([
    of('standby_silent_seconds', '0.06', b),
    of('standby_sent_updates_count', '90', b),
    of('standby_sent_bytes', '2880', b),
    of('standby_under_way_bytes', '32', b),
    of('standby_fills_count', '2', b),
    of('standby_digests_agreed_count', '40', b),
    of('standby_digests_differed_count', '1', b),
    of('standby_differing_state', '1', b),
    of('standby_digest_age_seconds', '1.5', b),
  ]);
  // What nobody knows is not told.
  const ofC = now.filter((line) => names.test(line) && line.includes('node-c'));
  expect(ofC.filter((line) => /silent|digest_age/.test(line))).toEqual([]);
  expect(ofC).toHaveLength(7);
  const checkpoint = { sequence: 30, ageMs: 400, lagBytes: 96, fault: '' };
  slots = slots.map((each) => ({ ...each, sharing: { ...sharing, standbys: [], checkpoint } }));
  expect((await lines()).filter((line) => line.includes('checkpoint'))).toEqual([
    of('slot_checkpoint_lag_updates_count', '10'),
    of('slot_checkpoint_lag_bytes', '96'),
    of('slot_checkpoint_lag_seconds', '0.4'),
  ]);
  slots = slots.map((each) => ({ ...each, sharing: null }));
  expect(await lines()).toEqual([]);
});

test('how far mergeable state has spread, of each pair of nodes', async () => {
  const metrics = new Metrics({ component: 'manager' });
  const [pool] = edgeState().pools;
  const level = { level: '', reason: '', loses: '', since: 0, lastResortMs: null, notUsed: [] };
  const digests = { differed: 2, agreedMs: 5_000, isDiffering: true };
  const lag = { behind: 7, behindBytes: 99, behindMs: 3_000 };
  const peers = [{ node: 'node-b', ...lag, silentMs: 4_000, isSilent: true, digests }];
  const merged = [
    { node: 'node-a', at: 0, cells: 4, bytes: 200, replicas: 3, steps: 90, damaged: 1, trouble: '', peers },
  ];
  let views = 0;
  let pools: readonly PoolView[] = pool
    ? [
        { ...pool, sharing: { ...level, method: 'gossip', merged } },
        { ...pool, name: 'other' },
      ]
    : [];
  exportMerged(metrics, () => {
    views += 1;
    return pools;
  });
  const lines = async (): Promise<string[]> =>
    (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const of = (name: string, value: string, peer = ''): string =>
    `vnfpool_${name}{pool="web",node="node-a"${peer},component="manager"} ${value}`;
  const b = ',peer="node-b"';
  expect(await lines()).toEqual([
    of('merged_lag_steps_count', '7', b),
    of('merged_lag_bytes', '99', b),
    of('merged_lag_seconds', '3', b),
    of('merged_silent_seconds', '4', b),
    of('merged_silent_state', '1', b),
    of('merged_digests_differed_count', '2', b),
    of('merged_differing_state', '1', b),
    of('merged_digest_age_seconds', '5', b),
    of('merged_damaged_count', '1'),
    of('merged_cells_count', '4'),
    of('merged_steps_count', '90'),
    of('merged_bytes', '200'),
    of('merged_replicas_count', '3'),
  ]);
  expect(views).toBe(1);
  pools = [];
  expect(await lines()).toEqual([]);
});

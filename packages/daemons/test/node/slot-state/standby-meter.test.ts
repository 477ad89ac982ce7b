// SPDX-License-Identifier: Apache-2.0
import type { StandbyView } from '@vnfpool/core/replication';
import { expect, test } from 'vitest';
import { StandbyMeter } from '../../../src/node/slot-state/standby-meter.ts';

const view: StandbyView = {
  standby: 2,
  isListed: true,
  state: 'following',
  sequence: 40,
  lagUpdates: 3,
  lagMs: 1.26,
  lagBytes: 96,
  roundTripMs: null,
  silentMs: 20.04,
  underWayBytes: 64,
  updatesSent: 100,
  bytesSent: 3_000,
  fills: 1,
  agreed: 7,
  differed: 0,
  sinceAgreedMs: null,
  isDiffering: false,
  filledInMs: null,
  isHeldUp: false,
  breaks: null,
};

test('a stream that broke off is told', () => {
  const breaks = { times: 2, reason: 'type 99', isAmid: true };
  const reports = new StandbyMeter(0).read([view, { ...view, standby: 3, breaks }], 1_000);
  expect(reports.map((report) => report.breaks)).toEqual([undefined, breaks]);
});

test('rates are of the time since the last look, of each standby by itself', () => {
  const meter = new StandbyMeter(1_000);
  const rates = (views: readonly StandbyView[], nowMs: number): unknown =>
    meter
      .read(views, nowMs)
      .map(({ node, stream }) => [node, stream?.updatesPerSecond, stream?.bytesPerSecond]);
  expect(rates([view], 2_000)).toEqual([[2, 100, 3_000]]);
  const other = { ...view, standby: 3, updatesSent: 8, bytesSent: 80 };
  expect(rates([{ ...view, updatesSent: 300, bytesSent: 9_000 }, other], 4_000)).toEqual([
    [2, 100, 3_000],
    [3, 4, 40],
  ]);
  // Asked again at once: what came meanwhile is no rate of a second.
  expect(rates([{ ...view, updatesSent: 310, bytesSent: 9_300 }], 4_010)).toEqual([[2, 10, 300]]);
  expect(rates([{ ...view, updatesSent: 310, bytesSent: 9_300 }], 5_010)).toEqual([[2, 0, 0]]);
});

test('times are told to a tenth of a millisecond, and what is not known as such', () => {
  const [report] = new StandbyMeter(0).read([view], 1_000);
  expect(report).toEqual({
    node: 2,
    isListed: true,
    state: 'following',
    lagUpdates: 3,
    lagMs: 1.3,
    lagBytes: 96,
    roundTripMs: null,
    stream: {
      silentMs: 20,
      updatesPerSecond: 100,
      bytesPerSecond: 3_000,
      updatesSent: 100,
      bytesSent: 3_000,
      underWayBytes: 64,
      fills: 1,
    },
    digests: { agreed: 7, differed: 0, sinceAgreedMs: null, isDiffering: false },
  });
});

// SPDX-License-Identifier: Apache-2.0
import { Metrics } from '@vnfpool/runtime/metrics';
import { expect, test } from 'vitest';

test('metrics have a prefix, a component and a unit', async () => {
  const metrics = new Metrics({ component: 'registrar' });
  metrics.counter({ name: 'refusals_total', help: 'Refused', labels: ['reason'] }).inc({ reason: 'used' });
  let pools = 2;
  metrics.gauge({ name: 'pools_count', help: 'Pools', collect: () => pools });
  const counts = { accepted: 1 };
  metrics.mirror({ name: 'transport_events_total', help: 'Transport' }, () => counts);
  metrics.histogram({ name: 'outage_seconds', help: 'Outage', buckets: [0.1, 1] }).observe(0.05);
  pools = 3;
  counts.accepted = 5;
  await metrics.text();
  const text = await metrics.text();
  expect(text).toContain('vnfpool_refusals_total{reason="used",component="registrar"} 1');
  expect(text).toContain('vnfpool_pools_count{component="registrar"} 3');
  expect(text).toContain('vnfpool_transport_events_total{kind="accepted",component="registrar"} 5');
  expect(text).toContain('vnfpool_outage_seconds_bucket{le="0.1",component="registrar"} 1');
});

test('refuses names without a unit', () => {
  const metrics = new Metrics({ component: 'x' });
  expect(() => metrics.gauge({ name: 'pools', help: '' })).toThrow(RangeError);
  expect(() => metrics.counter({ name: 'refused_seconds', help: '' })).toThrow(RangeError);
});

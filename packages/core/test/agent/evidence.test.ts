// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { HostEvidence } from '../../src/agent/host-evidence.ts';
import { pauseKind } from '../../src/agent/pause.ts';

const nothing = { suspendedMs: 0, waitedMs: 0, ranMs: 0, stolenMs: 0 };

test.each([
  ['CLOCK_MONOTONIC stood still with it', { suspendedMs: 990 }, 'suspended'],
  ['the hypervisor had the processors', { stolenMs: 700 }, 'stolen'],
  ['it could run and did not', { waitedMs: 700 }, 'starved'],
  ['it ran', { ranMs: 900 }, 'busy'],
  ['nothing explains it', {}, 'stopped'],
  ['the kernel counts nothing', { waitedMs: null, ranMs: null, stolenMs: null }, 'stopped'],
  ['a little of each', { waitedMs: 300, ranMs: 300, stolenMs: 200 }, 'stopped'],
] as const)('%s: %j is %s', (_name, measured, kind) => {
  expect(pauseKind({ ...nothing, lateMs: 1_000, ...measured })).toBe(kind);
});

test('a node with nothing to tell tells nothing', () => {
  expect(new HostEvidence().report).toBeUndefined();
});

test('a starved node tells one pause in some seconds, the longest, and at most eight', () => {
  const evidence = new HostEvidence();
  for (let at = 0; at < 4_000; at += 200)
    evidence.paused({ kind: 'starved', untilMs: 10_000 + at, forMs: at === 1_000 ? 900 : 200 });
  expect(evidence.report?.pauses).toEqual([{ kind: 'starved', untilMs: 11_000, forMs: 900 }]);
  for (let n = 0; n < 100; n++) evidence.paused({ kind: 'stopped', untilMs: 1e6 + n * 6_000, forMs: 200 });
  expect(evidence.report?.pauses).toHaveLength(8);
});

test('when a link lost its carrier is still known when it has it again', () => {
  const evidence = new HostEvidence();
  evidence.link({ name: 'eth0', hasCarrier: false, wallMs: 5_000 });
  evidence.link({ name: 'eth0', hasCarrier: true, wallMs: 9_000 });
  expect(evidence.report?.link).toEqual({ name: 'eth0', hasCarrier: true, lostAtMs: 5_000 });
});

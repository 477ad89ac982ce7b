// SPDX-License-Identifier: Apache-2.0
import type { FailoverView } from '@vnfpool/core/management';
import { expect, test } from 'vitest';
import { renderTimeline } from '../../src/output/timeline.ts';

const failover: FailoverView = {
  id: 'a1/8',
  pool: 'web',
  slot: 0,
  epoch: 8,
  from: 'web#1',
  fromNode: 'node-a',
  to: 'web#2',
  toNode: 'node-b',
  cause: 'the lease ran out',
  fencedBy: 'timeout',
  steps: [{ name: 'detected', at: 1_700_000_000_000, source: 'node-b' }],
  outageMs: null,
  failedRequests: null,
};

test.each([
  ['by time', {}, '(fenced by timeout)'],
  ['by a hook', { fencedBy: 'hook' }, '(fenced by hook)'],
  ['not at all', { fencedBy: 'none' }, '(not fenced: node-a has no fence, and no hook is declared)'],
  ['as there was none', { fencedBy: 'none', from: null, fromNode: null }, '(nobody to fence)'],
] as const)('the title says how the former holder was fenced: %s', (_, changed, words) => {
  const [title] = renderTimeline({ ...failover, ...changed }, (_style, text) => text).split('\n');
  expect(title?.endsWith(words)).toBe(true);
});

test('that an operator accepted a loss stands below the title, with what was known of it', () => {
  const acceptedLoss = {
    at: 1_700_000_000_000,
    toldAt: null,
    lagUpdates: null,
    lagBytes: null,
    lagMs: null,
    digests: 'unknown' as const,
    agreedAt: null,
    heardAt: null,
    words: 'What web#2 lacks is unknown: no holder has told of it.',
  };
  const lines = renderTimeline({ ...failover, acceptedLoss }, (_style, text) => text).split('\n');
  expect(lines[1]).toBe(
    '  an operator accepted the loss: What web#2 lacks is unknown: no holder has told of it.',
  );
});

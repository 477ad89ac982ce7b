// SPDX-License-Identifier: Apache-2.0
import type { CouncilRecord, NodeCouncil } from '@vnfpool/core/lease';
import { expect, test } from 'vitest';
import { CouncilNews } from '../../src/agent/council-news.ts';

const version = { generation: 1, number: 4, randomId: '00000000000000c0' };
const record = { version, members: [1, 2, 3], next: null, rival: null } as unknown as CouncilRecord;
const NOBODY: readonly number[] = [];

function council(silent: readonly number[], councilId = 1): NodeCouncil {
  return { councilId, council: record, voiceless: 0, silent };
}

/** What is told, in short: silent members of reports, severity and message of events. */
function told(news: CouncilNews, ...councils: NodeCouncil[]): unknown[] {
  return news.tell({ councils }).map((output) => {
    if (output.type === 'council') return output.report.silent ?? 'all are heard';
    if (output.type === 'event') return `${output.severity}: ${output.message}`;
    throw new Error(`not expected: ${output.type}`);
  });
}

test('who hears no majority says so once, and when it is over; its manager hears of each member', () => {
  const news = new CouncilNews();
  expect(told(news, council(NOBODY))).toEqual(['all are heard']);
  expect(told(news, council(NOBODY))).toEqual([]);
  // One of three is no matter.
  expect(told(news, council([3]))).toEqual([[3]]);
  const both = [2, 3];
  expect(told(news, council(both))).toEqual([
    both,
    expect.stringMatching(/^error: hears no majority of council 1\.4: nothing from node 2, node 3/),
  ]);
  expect(told(news, council(both))).toEqual([]);
  expect(told(news, council([2]))).toEqual([[2], 'info: hears a majority of council 1.4 again']);
  expect(told(news, council(NOBODY))).toEqual(['all are heard']);
});

test('of several councils it is said of which; who is no member any more is not waited for', () => {
  const news = new CouncilNews();
  expect(told(news, council(NOBODY), council([1, 2], 2))).toEqual([
    'all are heard',
    [1, 2],
    expect.stringContaining('hears no majority of council 1.4 of council number 2'),
  ]);
  expect(told(news, council([8, 9]))).toEqual(['all are heard']);
});

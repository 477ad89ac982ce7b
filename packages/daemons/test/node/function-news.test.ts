// SPDX-License-Identifier: Apache-2.0
import { functionId } from '@vnfpool/core';
import type { MobilityNodeInput } from '@vnfpool/core/mobility';
import type { FunctionReport } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';
import { FunctionNews } from '../../src/node/function-news.ts';

const report: FunctionReport = {
  v: 1,
  pid: 7,
  address: null,
  port: null,
  incarnation: '0'.repeat(16),
  healthy: true,
  restarts: 0,
  failing: false,
  reason: '',
  output: [],
};
const running = { functionId: functionId(1), status: 'Running', report, reason: 'healthy' } as const;

test('figures of functions that are there are told again, without hurry; of one that is gone nothing', () => {
  const told: MobilityNodeInput[] = [];
  let load = 0;
  const news = new FunctionNews(
    () => ({ load: ++load }),
    (input) => told.push(input),
  );
  news.changed(running);
  news.refresh();
  expect(told).toEqual([
    { type: 'function-changed', ...running, information: { load: 1 }, urgent: false },
    { type: 'function-changed', ...running, information: { load: 2 }, urgent: false },
  ]);
  news.changed({ ...running, status: 'Unknown', report: { ...report, healthy: false } });
  expect(told.at(-1)).toMatchObject({ status: 'Unknown', urgent: true });
  news.refresh();
  expect(told).toHaveLength(3);
});

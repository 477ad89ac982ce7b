// SPDX-License-Identifier: Apache-2.0
import type { NodeView } from '@vnfpool/core/management';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApiError } from '../../daemons/src/management-api/index.ts';
import { NOW } from '../../daemons/test/management-api/edge-state.ts';
import { Bench } from './fixtures/bench.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.make();
});

afterEach(() => bench.close());

function node(change: Partial<NodeView>): { nodes: NodeView[] } {
  const { nodes } = bench.backend.view;
  return { nodes: nodes.map((each) => (each.name === 'node-a' ? { ...each, ...change } : each)) };
}

test('waits until the node may be switched off, and shows it in the table', async () => {
  const ask = bench.backend.maintenance.bind(bench.backend);
  bench.backend.maintenance = (request) =>
    ask(request).finally(() =>
      bench.backend.change(
        node({
          drain: { since: NOW, isOver: true, staying: ['web#1'] },
          maintenance: { since: NOW, until: NOW + 7_200_000 },
        }),
      ),
    );
  expect(await bench.run(['node', 'maintenance', 'node-a', '--for', '2h'])).toMatchObject({
    code: 0,
    out: expect.stringContaining(
      'node-a: is in maintenance\nnode-a may be switched off: web#1 stays without a slot',
    ),
  });
  expect(bench.backend.asked.at(-1)).toEqual({
    what: 'maintenance',
    with: { node: 'node-a', forMs: 7_200_000 },
  });
  expect((await bench.run(['get', 'nodes'])).out).toContain('maintenance, drained');
});

test('ends by --off, is forced by --force, and says no to nonsense', async () => {
  expect(await bench.run(['node', 'maintenance', 'node-a', '--off'])).toMatchObject({
    code: 0,
    out: 'node-a: may be used again\n',
  });
  await bench.run(['node', 'maintenance', 'node-a', '--force', '--no-wait']);
  expect(bench.backend.asked.map((call) => call.with)).toEqual([
    { node: 'node-a', off: true },
    { node: 'node-a', force: true },
  ]);
  expect((await bench.run(['node', 'maintenance', 'node-a', '--off', '--force'])).code).toBe(2);
  expect((await bench.run(['node', 'maintenance', 'node-a', '--for', '2'])).code).toBe(2);
});

test('a refusal is told', async () => {
  bench.backend.refusal = new ApiError(409, 'not-ready', 'Slot 0 of web would be left without a holder.');
  expect(await bench.run(['node', 'maintenance', 'node-a'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('would be left without a holder'),
  });
});

// SPDX-License-Identifier: Apache-2.0
import type { FunctionId } from '@vnfpool/core';
import type { AgentInput } from '@vnfpool/core/agent';
import { systemClock } from '@vnfpool/runtime/driver';
import { silentLogger } from '@vnfpool/runtime/logging';
import { systemRandom } from '@vnfpool/runtime/random';
import { CopyServer, replicationRule } from '@vnfpool/runtime/replication';
import type { StreamTransport } from '@vnfpool/transport';
import { TcpTransport } from '@vnfpool/transport/tcp';
import type { SetConfiguration } from '@vnfpool/wire/mobility';
import { expect, onTestFinished, test, vi } from 'vitest';
import { nextIncarnation } from '../../../src/node/pool-state/incarnation.ts';
import { PoolStates } from '../../../src/node/pool-state/pool-states.ts';
import { temporaryFolder } from '../function-state/fake-function.ts';

/* Which pools' state a node has, with whom, and until when; nodes are known by their addresses on loopback. */

vi.setConfig({ testTimeout: 60_000 });

const HOSTS = ['', '127.0.0.1', '127.0.0.2', '127.0.0.3'];
const KEY = new Uint8Array(Buffer.from('calls'));

async function nodeAt(id: number) {
  const host = HOSTS[id] ?? '';
  const tcp = new TcpTransport({ rule: replicationRule });
  const transport: StreamTransport = {
    kind: tcp.kind,
    counters: tcp.counters,
    listen: tcp.listen.bind(tcp),
    connect: (options) => tcp.connect({ ...options, localAddress: host }),
  };
  const reports: Extract<AgentInput, { type: 'mergeable' }>['reports'][] = [];
  let changes = 0;
  let incarnation = 0n;
  const states: PoolStates = new PoolStates({
    self: id,
    incarnation: () => (incarnation += 1n),
    transport,
    nodeOf: ({ peer }) => HOSTS.indexOf(peer.address),
    random: systemRandom(),
    clock: systemClock(),
    wallMs: () => 1_000,
    give: (input) => {
      if (input.type === 'mergeable') reports.push(input.reports);
    },
    onChanged: () => (changes += 1),
    logger: silentLogger,
    onFault: ({ error }) => {
      throw error;
    },
  });
  const server = await CopyServer.listen({
    transport,
    host,
    port: 0,
    gossip: (connection, frame) => states.read(connection, frame),
  });
  onTestFinished(async () => {
    await states.close();
    await server.close();
  });
  return { id, host, states, server, reports, changed: () => changes };
}

type Node = Awaited<ReturnType<typeof nodeAt>>;

/** The set, with an instance of pool kv at each of these; their Function IDs are ten times the node's. */
function configured(nodes: readonly Node[], at: readonly Node[]): SetConfiguration {
  return {
    v: 1,
    set: 'edge',
    councils: [],
    nodes: nodes.map(({ id, host, server }) => ({
      node: id,
      name: `node-${id}`,
      address: host,
      port: 1,
      key: '',
      replicationPort: server.address.port,
    })),
    slots: [],
    registrars: [],
    mergeable: [{ pool: 'kv', instances: at.map(({ id }) => ({ node: id, functionId: id * 10 })) }],
  };
}

const replicaAt = ({ id, states }: Node) => states.of((id * 10) as FunctionId);
const count = (node: Node, by: number): void =>
  expect(replicaAt(node)?.update({ type: 'count', key: KEY, by })).toBeNull();
const shows = (node: Node, calls: number): Promise<void> =>
  vi.waitFor(() => expect(replicaAt(node)?.state.counter(KEY)).toBe(calls), 20_000);

test('a node whose last instance goes leaves what it counted to the others', async () => {
  const nodes = await Promise.all([nodeAt(1), nodeAt(2), nodeAt(3)]);
  const [one, two, three] = nodes;
  for (const { states } of nodes) states.configure(configured(nodes, nodes));
  count(one, 1);
  count(three, 100);
  await shows(two, 101);
  const replica = replicaAt(three);
  // Nobody waits for it to spread; the others hear of it before or after.
  expect(replica?.update({ type: 'count', key: KEY, by: 1_000 })).toBeNull();
  for (const { states } of nodes) states.configure(configured(nodes, [one, two]));
  expect(replicaAt(three)).toBeNull();
  await Promise.all([shows(one, 1_101), shows(two, 1_101)]);
  // Then it has none of it, and another life has all.
  await vi.waitFor(() => expect(replica?.update({ type: 'count', key: KEY, by: 0 })).toBe('closed'), 20_000);
  for (const { states } of nodes) states.configure(configured(nodes, nodes));
  expect(replicaAt(three)).not.toBe(replica);
  await shows(three, 1_101);
  expect(three.changed()).toBe(3);
});

test('an agent that ends tells the others before', async () => {
  const nodes = await Promise.all([nodeAt(1), nodeAt(2)]);
  const [one, two] = nodes;
  for (const { states } of nodes) states.configure(configured(nodes, nodes));
  count(two, 1);
  await shows(one, 1);
  count(one, 5);
  await one.states.close();
  expect(replicaAt(two)?.state.counter(KEY)).toBe(6);
});

test('what is kept is told: how far each is that has an instance', async () => {
  const nodes = await Promise.all([nodeAt(1), nodeAt(2), nodeAt(3)]);
  const [one, two, three] = nodes;
  for (const { states } of [one, two]) states.configure(configured(nodes, nodes));
  count(one, 1);
  await vi.waitFor(
    () =>
      expect(one.reports.at(-1)).toMatchObject([
        {
          pool: 'kv',
          cells: 1,
          trouble: '',
          peers: [
            { node: 2, behind: 0, silentMs: 0 },
            // It was told of nothing yet.
            { node: 3, behind: 1 },
          ],
        },
      ]),
    20_000,
  );
  one.states.configure(configured(nodes, [one, two]));
  await vi.waitFor(() => expect(one.reports.at(-1)?.[0]?.peers.map(({ node }) => node)).toEqual([2]), 20_000);
  one.states.configure(configured(nodes, [two]));
  await vi.waitFor(() => expect(one.reports.at(-1)).toEqual([]), 20_000);
  expect(three.reports).toEqual([]);
});

test('every life has a number above those before, also where the clock goes back', () => {
  const folder = temporaryFolder();
  expect(nextIncarnation(folder, 5_000.7)).toBe(5_000n);
  expect(nextIncarnation(folder, 5_000)).toBe(5_001n);
  expect(nextIncarnation(folder, 100)).toBe(5_002n);
  expect(nextIncarnation(folder, 9_000)).toBe(9_000n);
});

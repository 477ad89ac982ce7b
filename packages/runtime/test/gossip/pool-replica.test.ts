// SPDX-License-Identifier: Apache-2.0
import { systemClock } from '@vnfpool/runtime/driver';
import { GossipLinks, type GossipPlace, PoolReplica } from '@vnfpool/runtime/gossip';
import { systemRandom } from '@vnfpool/runtime/random';
import { CopyServer, replicationRule } from '@vnfpool/runtime/replication';
import type { StreamTransport } from '@vnfpool/transport';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { decodePoolGossip } from '@vnfpool/wire/gossip';
import { expect, onTestFinished, test, vi } from 'vitest';

/* Replicas of one pool on streams, as node agents have them; who is who is told by the address. */

vi.setConfig({ testTimeout: 30_000 });

const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const CALLS = octets('calls');

/** Nodes by the address that they have on loopback. */
const HOSTS = ['', '127.0.0.1', '127.0.0.2', '127.0.0.3'];

class Node {
  readonly id: number;
  readonly replica: PoolReplica;
  readonly links: GossipLinks;
  readonly refused: string[] = [];
  readonly server: CopyServer;
  #onChange: (() => void)[] = [];

  private constructor(id: number, incarnation: bigint, transport: StreamTransport, server: CopyServer) {
    this.id = id;
    this.server = server;
    const clock = systemClock();
    this.links = new GossipLinks({
      // Its connections come from its own address.
      transport,
      clock,
      nodeOf: (connection) => {
        const at = HOSTS.indexOf(connection.peer.address);
        return at < 1 ? null : at;
      },
      onMessage: (from, pool, message) => {
        if (pool === 'kv') this.replica.hear(from, message);
      },
      onRefused: (reason) => this.refused.push(reason),
    });
    this.replica = new PoolReplica({
      pool: 'kv',
      origin: id,
      incarnation,
      random: systemRandom(),
      clock,
      wallMs: () => 1_000,
      intervalMs: 10,
      send: (to, message) => void this.links.send(to, 'kv', message),
      onEvent: () => undefined,
      onFault: ({ error }) => {
        throw error;
      },
    });
    this.replica.watch(() => {
      for (const look of this.#onChange) look();
    });
  }

  static async start(id: number, incarnation = 1n): Promise<Node> {
    const host = HOSTS[id] ?? '';
    const transport = new TcpTransport({ rule: replicationRule });
    const from: StreamTransport = {
      kind: transport.kind,
      counters: transport.counters,
      listen: transport.listen.bind(transport),
      connect: (options) => transport.connect({ ...options, localAddress: host }),
    };
    const made: { node?: Node } = {};
    const server = await CopyServer.listen({
      transport,
      host,
      port: 0,
      gossip: (connection, frame) => made.node?.links.read(connection, frame),
    });
    const node = new Node(id, incarnation, from, server);
    made.node = node;
    onTestFinished(() => node.close());
    return node;
  }

  get place(): GossipPlace {
    const { address: host, port } = this.server.address;
    return { node: this.id, host, port };
  }

  meet(...others: readonly Node[]): void {
    this.links.meet(others.map(({ place }) => place));
    this.replica.meet(others.map(({ id }) => id));
  }

  count(by: number): void {
    expect(this.replica.update({ type: 'count', key: CALLS, by })).toBeNull();
  }

  shows(calls: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.replica.state.counter(CALLS) === calls) resolve();
      };
      this.#onChange.push(look);
      look();
    });
  }

  async close(): Promise<void> {
    this.replica.close();
    this.links.close();
    await this.server.close();
  }
}

test('counts of all come to all, and whoever ends can wait until they have', async () => {
  const [one, two, three] = await Promise.all([Node.start(1), Node.start(2), Node.start(3)]);
  one.meet(two, three);
  two.meet(one, three);
  three.meet(one, two);
  one.count(1);
  two.count(10);
  three.count(100);
  await Promise.all([one, two, three].map((node) => node.shows(111)));
  one.count(1_000);
  expect(await one.replica.spread(20_000)).toBe(true);
  expect(two.replica.state.counter(CALLS)).toBe(1_111);
  expect(three.replica.state.counter(CALLS)).toBe(1_111);
  expect(one.replica.report).toMatchObject({
    pool: 'kv',
    cells: 1,
    replicas: 3,
    steps: 4,
    trouble: '',
    peers: [
      { node: 2, behind: 0, behindMs: 0 },
      { node: 3, behind: 0, behindMs: 0 },
    ],
  });
});

test('whoever comes back with another life is given all, and of nobody who is away it is said that he has it', async () => {
  const [one, two] = await Promise.all([Node.start(1), Node.start(2)]);
  one.meet(two);
  two.meet(one);
  two.count(5);
  await one.shows(5);
  await two.close();
  one.count(1);
  expect(await one.replica.spread(50)).toBe(false);
  const again = await Node.start(2, 2n);
  again.meet(one);
  one.meet(again);
  await again.shows(6);
  again.count(1);
  await one.shows(7);
});

test('a node that is no peer is not heard, and one that speaks for another is refused', async () => {
  const [one, two, three] = await Promise.all([Node.start(1), Node.start(2), Node.start(3)]);
  one.meet(two);
  two.meet(one);
  // It would be let in by its certificate, and has no instance of the pool.
  three.meet(one, two);
  three.count(7);
  two.count(1);
  await one.shows(1);
  expect(await three.replica.spread(100)).toBe(false);
  expect(one.replica.state.counter(CALLS)).toBe(1);
  const sent: Uint8Array[] = [];
  const speaking = new PoolReplica({
    pool: 'kv',
    origin: 2,
    incarnation: 9n,
    random: systemRandom(),
    clock: systemClock(),
    wallMs: () => 1,
    intervalMs: 10,
    send: (_, message) => {
      sent.push(message);
      three.links.send(1, 'kv', message);
    },
    onEvent: () => undefined,
    onFault: () => undefined,
  });
  onTestFinished(() => speaking.close());
  speaking.meet([1]);
  await vi.waitFor(() => expect(one.refused).toContain('node 3 speaks for origin 2'), 20_000);
  expect(sent.length).toBeGreaterThan(0);
});

test('what a state refuses is told, and after its end everything', async () => {
  const one = await Node.start(1);
  expect(one.replica.update({ type: 'count', key: CALLS, by: 2 ** 53 })).toBe('value');
  expect(one.replica.update({ type: 'write', key: CALLS, value: new Uint8Array(1_025) })).toBe('value');
  one.count(1);
  one.replica.close();
  expect(one.replica.update({ type: 'count', key: CALLS, by: 1 })).toBe('closed');
  expect(one.replica.state.counter(CALLS)).toBe(1);
});

test('a piece that memory has damaged is counted, and named where nobody else has it', () => {
  let nowMs = 0;
  const events: string[] = [];
  const replica = new PoolReplica({
    pool: 'kv',
    origin: 1,
    incarnation: 1n,
    random: systemRandom(),
    clock: { nowMs: () => nowMs, at: () => () => undefined },
    wallMs: () => 1_000,
    send: () => undefined,
    onEvent: ({ type }) => events.push(type),
    onFault: ({ error }) => {
      throw error;
    },
  });
  replica.meet([2]);
  replica.update({ type: 'count', key: CALLS, by: 3 });
  expect(replica.isSpread).toBe(false);
  const never = { differed: 0, agreedMs: null, isDiffering: false };
  expect(replica.report).toMatchObject({
    damaged: 0,
    trouble: '',
    peers: [{ node: 2, behind: 1, behindBytes: 5 + 32, digests: never }],
  });
  for (const { entries } of replica.state.cells())
    for (const { value } of entries.values()) (value as { plus: number }).plus ^= 8;
  replica.update({ type: 'count', key: CALLS, by: 1 });
  expect(events).toEqual(['damaged']);
  expect(replica.report).toMatchObject({ damaged: 1, trouble: '' });
  nowMs = 5_000;
  expect(replica.report.trouble).toBe(
    'its memory of 1 piece is damaged, and nobody else has all of it (the first is of key "calls"): write or remove it there',
  );
  replica.update({ type: 'remove', key: CALLS });
  expect(events).toEqual(['damaged', 'mended']);
  expect(replica.report).toMatchObject({ damaged: 1, trouble: '' });
  replica.close();
});

test('a connection that begins with a message of replication goes on as one', async () => {
  const one = await Node.start(1);
  const transport = new TcpTransport({ rule: replicationRule });
  const { host, port } = one.place;
  const connection = await transport.connect({ host, port });
  const closed = new Promise<void>((resolve) => connection.onClose(() => resolve()));
  // Its type says gossip, and there is none in it.
  connection.send(Uint8Array.of(0, 0, 0, 1, 9));
  await closed;
  expect(one.refused[0]).toMatch(/offset/);
  expect(() => decodePoolGossip(Uint8Array.of(0, 0, 0, 1, 9))).toThrow();
});

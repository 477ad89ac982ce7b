// SPDX-License-Identifier: Apache-2.0
import { createSocket } from 'node:dgram';
import type { LeaseInput } from '@vnfpool/core/lease';
import { createLeaseKey, deriveLeaseKeys, LeaseSeal } from '@vnfpool/runtime/lease-seal';
import type { LeaseMessage } from '@vnfpool/wire/lease';
import { afterEach, expect, test } from 'vitest';
import { type HandedOnLink, LeaseLink } from '../../src/node/lease-link.ts';

const council = { generation: 0, number: 1, randomId: '0000000000000001' };
const message: LeaseMessage = {
  type: 'released',
  slot: '00000000000000aa',
  serial: 7,
  round: 3,
  incarnation: 1n,
};

type Datagram = LeaseInput & { type: 'datagram' };

/** Emits what happens as a queue that can be waited on. */
class Log {
  readonly #entries: (Datagram | string)[] = [];
  readonly #waiting: ((entry: Datagram | string) => void)[] = [];
  /** Thrown by the taker of the next datagram, as by a disk or a kernel that refuses. */
  fault: Error | undefined;

  take(datagram: Datagram): void {
    if (this.fault) throw this.fault;
    this.push(datagram);
  }

  push(entry: Datagram | string): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(entry);
    else this.#entries.push(entry);
  }

  next(): Promise<Datagram | string> {
    const entry = this.#entries.shift();
    return entry === undefined
      ? new Promise((resolve) => this.#waiting.push(resolve))
      : Promise.resolve(entry);
  }
}

const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) {
    try {
      each.close();
    } catch {
      // Closed by its test.
    }
  }
});

interface Made {
  readonly node: number;
  readonly log: Log;
  readonly sealFor: (peer: { node: number }) => LeaseSeal;
}

function createLink({
  node,
  log,
  sealFor,
  ...more
}: Made & { readonly incarnation: bigint; readonly handedOn?: HandedOnLink }): LeaseLink {
  const link = new LeaseLink({
    node,
    boottimeMs: () => 1000,
    council: () => council,
    sealFor,
    receive: (datagram) => log.take(datagram),
    count: (reason) => log.push(reason),
    ...more,
  });
  open.push(link);
  return link;
}

/** The next process of a node, which goes on as the same incarnation. */
function nextOf({ node, sealFor }: Made, handedOn: HandedOnLink) {
  const log = new Log();
  const link = createLink({ node, log, sealFor, incarnation: 1n, handedOn });
  return { link, log, port: handedOn.port };
}

async function createPair(incarnations: [bigint, bigint] = [1n, 1n]) {
  const keys = new Map([1, 2, 3].map((node) => [node, createLeaseKey()]));
  const ends = [1, 2].map((node, index) => {
    const log = new Log();
    const sealFor = (peer: { node: number }): LeaseSeal => {
      const own = keys.get(node);
      const theirs = keys.get(peer.node);
      if (!own || !theirs) throw new Error('no key');
      return new LeaseSeal(
        deriveLeaseKeys(own, theirs.publicKey, { set: 'test', ownNode: node, peerNode: peer.node }),
      );
    };
    const link = createLink({ node, log, sealFor, incarnation: incarnations[index] ?? 1n });
    return { node, link, log, sealFor };
  });
  const [a, b] = ends;
  if (!a || !b) throw new Error('two ends');
  const ports = await Promise.all([a.link.listen('127.0.0.1', 0), b.link.listen('127.0.0.1', 0)]);
  const peers = [a, b].map(({ node }, index) => ({
    node,
    name: `node-${node}`,
    address: '127.0.0.1',
    port: ports[index] ?? 0,
    key: '',
  }));
  a.link.configure(peers);
  b.link.configure(peers);
  return { a, b, peers, ports: [ports[0] ?? 0, ports[1] ?? 0] as const };
}

/** A socket between: catches what `a` sends, so that it can be sent again or changed. */
async function createMiddle(): Promise<{
  port: number;
  next(): Promise<Buffer>;
  send(bytes: Uint8Array, port: number): void;
}> {
  const socket = createSocket('udp4');
  open.push(socket);
  await new Promise<void>((resolve) => socket.bind({ address: '127.0.0.1', port: 0 }, resolve));
  const caught: Buffer[] = [];
  const waiting: ((bytes: Buffer) => void)[] = [];
  socket.on('message', (bytes) => {
    const first = waiting.shift();
    if (first) first(bytes);
    else caught.push(bytes);
  });
  return {
    port: socket.address().port,
    next: () => {
      const bytes = caught.shift();
      return bytes ? Promise.resolve(bytes) : new Promise((resolve) => waiting.push(resolve));
    },
    send: (bytes, port) => socket.send(bytes, port, '127.0.0.1'),
  };
}

/** What `a` would send to node 2, caught on the way. */
async function caughtDatagram(
  pair: Awaited<ReturnType<typeof createPair>>,
  middle: Awaited<ReturnType<typeof createMiddle>>,
) {
  pair.a.link.configure([{ node: 2, name: 'node-2', address: '127.0.0.1', port: middle.port, key: '' }]);
  pair.a.link.send(1, 2, [message]);
  return await middle.next();
}

test('a datagram arrives with who sent it', async () => {
  const { a, b } = await createPair([5n, 1n]);
  a.link.send(1, 2, [message]);
  expect(await b.log.next()).toMatchObject({
    type: 'datagram',
    from: 1,
    header: { incarnation: 5n, sequence: 1n },
    messages: [message],
  });
});

test('the next process goes on with the sequence of the one before, and knows what that had let in', async () => {
  const pair = await createPair();
  const { a, b } = pair;
  a.link.send(1, 2, [message]);
  expect(await b.log.next()).toMatchObject({ header: { sequence: 1n } });
  const middle = await createMiddle();
  const bytes = await caughtDatagram(pair, middle);
  middle.send(bytes, pair.ports[1]);
  expect(await b.log.next()).toMatchObject({ header: { sequence: 2n } });

  const next = nextOf(b, b.link.handOn());
  b.link.close();
  expect(await next.link.listen('127.0.0.1', next.port)).toBe(pair.ports[1]);
  next.link.configure(pair.peers);
  middle.send(bytes, pair.ports[1]);
  expect(await next.log.next()).toBe('replayed');
  a.link.configure(pair.peers);
  a.link.send(1, 2, [message]);
  expect(await next.log.next()).toMatchObject({ header: { sequence: 3n } });

  const nextOfA = nextOf(a, a.link.handOn());
  a.link.close();
  await nextOfA.link.listen('127.0.0.1', nextOfA.port);
  nextOfA.link.configure(pair.peers);
  nextOfA.link.send(1, 2, [message]);
  expect(await next.log.next()).toMatchObject({ header: { sequence: 4n } });
});

test('a replayed datagram is dropped', async () => {
  const pair = await createPair();
  const middle = await createMiddle();
  const bytes = await caughtDatagram(pair, middle);
  middle.send(bytes, pair.ports[1]);
  expect(await pair.b.log.next()).toMatchObject({ type: 'datagram' });
  middle.send(bytes, pair.ports[1]);
  expect(await pair.b.log.next()).toBe('replayed');
});

test('a message that has no form on the wire is dropped, the others go', async () => {
  const { a, b } = await createPair();
  a.link.send(1, 2, [{ ...message, round: 2 ** 40 }, message]);
  expect(await a.log.next()).toBe('unsendable');
  expect(await b.log.next()).toMatchObject({ type: 'datagram', messages: [message] });
});

test('a peer that left the configuration and is back hears us again', async () => {
  const { a, b, ports } = await createPair();
  a.link.send(1, 2, [message]);
  expect(await b.log.next()).toMatchObject({ type: 'datagram' });
  a.link.configure([]);
  a.link.configure([{ node: 2, name: 'node-2', address: '127.0.0.1', port: ports[1], key: '' }]);
  a.link.send(1, 2, [message]);
  expect(await b.log.next()).toMatchObject({ type: 'datagram', header: { sequence: 2n } });
});

test('a changed octet breaks the seal', async () => {
  const pair = await createPair();
  const middle = await createMiddle();
  const bytes = await caughtDatagram(pair, middle);
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  middle.send(bytes, pair.ports[1]);
  expect(await pair.b.log.next()).toBe('bad-seal');
});

test('a datagram thrown back at its sender is dropped', async () => {
  const pair = await createPair();
  const middle = await createMiddle();
  const bytes = await caughtDatagram(pair, middle);
  middle.send(bytes, pair.ports[0]);
  // It names node 1 as its sender, and node 1 has no peer 1.
  expect(await pair.a.log.next()).toBe('unknown-sender');
});

test.each([
  ['nothing at all', Buffer.alloc(0)],
  ['too short to name a sender', Buffer.alloc(7)],
  ['a sender that nobody knows', Buffer.from([0, 0, 0, 0, 0, 0, 0, 99, 1, 2, 3])],
])('%s is an unknown sender', async (_name, bytes) => {
  const pair = await createPair();
  const middle = await createMiddle();
  middle.send(bytes, pair.ports[1]);
  expect(await pair.b.log.next()).toBe('unknown-sender');
});

test('a datagram longer than any of ours is dropped unread', async () => {
  const pair = await createPair();
  const middle = await createMiddle();
  middle.send(Buffer.alloc(1201), pair.ports[1]);
  expect(await pair.b.log.next()).toBe('too-long');
});

test('sealed rubbish of a peer is malformed, not a crash', async () => {
  const pair = await createPair();
  const middle = await createMiddle();
  const rubbish = Buffer.alloc(30);
  rubbish.writeUInt32BE(1, 4);
  middle.send(pair.a.sealFor({ node: 2 }).seal(rubbish), pair.ports[1]);
  expect(await pair.b.log.next()).toBe('malformed');
});

test('what the taker of a datagram throws is not put down to the datagram', async () => {
  const { a, b } = await createPair();
  b.log.fault = new Error('the disk is full');
  // Where an exception that nobody caught goes; the runner's own listeners would fail the run.
  const former = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  try {
    const outcome = Promise.race([
      new Promise<unknown>((resolve) => process.once('uncaughtException', resolve)),
      b.log.next(),
    ]);
    a.link.send(1, 2, [message]);
    expect(await outcome).toBe(b.log.fault);
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of former) process.on('uncaughtException', listener);
  }
});

test('a peer whose key is not usable is left out, the others stay', async () => {
  const own = createLeaseKey();
  const log: string[] = [];
  const link = new LeaseLink({
    node: 1,
    incarnation: 1n,
    boottimeMs: () => 1000,
    council: () => council,
    sealFor: ({ node, key }) =>
      new LeaseSeal(deriveLeaseKeys(own, key, { set: 'test', ownNode: 1, peerNode: node })),
    receive: () => {},
    count: (reason) => log.push(reason),
  });
  open.push(link);
  await link.listen('127.0.0.1', 0);
  const middle = await createMiddle();
  const place = { name: 'x', address: '127.0.0.1', port: middle.port };
  // A point of small order, which no honest node has.
  const smallOrder = Buffer.alloc(32).toString('base64url');
  link.configure([
    { node: 2, ...place, key: smallOrder },
    { node: 3, ...place, key: createLeaseKey().publicKey },
  ]);
  expect(log).toEqual(['unusable-key']);
  link.send(1, 2, [message]);
  link.send(1, 3, [message]);
  expect((await middle.next()).readUInt32BE(8)).toBe(3);
});

test('a peer whose address changed is answered where it speaks from, and where it is said to be, until that is the same', async () => {
  const { a, b, ports } = await createPair();
  await a.link.move('127.0.0.2');
  // It has told nobody; its next datagram does.
  a.link.send(1, 2, [message]);
  expect(await b.log.next()).toMatchObject({ type: 'datagram', from: 1 });
  b.link.send(1, 1, [message]);
  expect(await a.log.next()).toMatchObject({ type: 'datagram', from: 2 });

  // Whoever sends one of its datagrams from elsewhere, before it is here, keeps nothing from it.
  const middle = await createMiddle();
  const peers = (address: string) => [
    { node: 1, name: 'node-1', address, port: ports[0], key: '' },
    { node: 2, name: 'node-2', address: '127.0.0.1', port: middle.port, key: '' },
  ];
  a.link.configure(peers('127.0.0.2'));
  b.link.configure(peers('127.0.0.2'));
  a.link.send(1, 2, [message]);
  middle.send(await middle.next(), ports[1]);
  expect(await b.log.next()).toMatchObject({ type: 'datagram', from: 1 });
  b.link.send(1, 1, [message]);
  expect(await a.log.next()).toMatchObject({ type: 'datagram', from: 2 });
  // The copy that went to who had sent it.
  await middle.next();
});

test('where it cannot be, it stays where it was', async () => {
  const { a, b } = await createPair();
  await expect(a.link.move('192.0.2.1')).rejects.toThrow(/EADDRNOTAVAIL/);
  a.link.send(1, 2, [message]);
  expect(await b.log.next()).toMatchObject({ from: 1 });
  b.link.send(1, 1, [message]);
  expect(await a.log.next()).toMatchObject({ from: 2 });
});

// SPDX-License-Identifier: Apache-2.0
import type { SessionSelector, StateKind } from '@vnfpool/client/stateful';
import { expect, onTestFinished, test } from 'vitest';
import type { RelayConfig } from '../../src/relay/config.ts';
import { UdpService } from '../../src/relay/udp-service.ts';
import { UdpSessions } from '../../src/relay/udp-sessions.ts';
import { UdpState } from '../../src/relay/udp-state.ts';
import { echoServer, HOST, relayConfig, Talk, udpClient, WAIT } from './support.ts';

/* Relays that give sessions to each other, over real sockets; the test does what agents do. */

async function open(more: Partial<RelayConfig> & Pick<RelayConfig, 'backends'>) {
  const service = await UdpService.open(relayConfig(more));
  onTestFinished(() => service.close());
  return { service, sessions: new UdpSessions(service), state: new UdpState(service) };
}
type Relay = Awaited<ReturnType<typeof open>>;

async function listen({ service }: Relay): Promise<number> {
  service.listen();
  await expect.poll(() => service.trouble, WAIT).toBeNull();
  return Number(service.status(null).listen?.split(':').at(-1));
}

async function* octets(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function carry(from: Relay, to: Relay, kind: StateKind): Promise<number> {
  return await to.sessions.import(kind, octets(from.sessions.export(kind)));
}

/** As agents do it; gives how many moved. */
async function move(from: Relay, to: Relay, ...selection: SessionSelector[]): Promise<number> {
  const forward = to.sessions.expect();
  if (from.sessions.select(selection) === 0) {
    from.sessions.resume();
    return 0;
  }
  await carry(from, to, 'snapshot');
  // Packets come in between.
  await new Promise((resolve) => setImmediate(resolve));
  await carry(from, to, 'delta');
  from.sessions.quiesce();
  await new Promise((resolve) => setImmediate(resolve));
  const count = await carry(from, to, 'last');
  expect(count).toBe(from.sessions.selectedCount);
  to.sessions.accept();
  await new Promise((resolve) => setImmediate(resolve));
  from.sessions.moved(forward);
  from.sessions.moved(forward);
  return count;
}

const places = (servers: readonly { readonly place: RelayConfig['backends'][number] }[]) =>
  servers.map(({ place }) => place);
const countersOf = ({ service }: Relay) => service.status(null).counters;
const sessionsOf = ({ service }: Relay) => service.status(null).sessions;

test('a thousand sessions talk, a third of them moves amid packets: no packet is lost', async () => {
  const servers = [await echoServer(1), await echoServer(2)];
  const [first, second] = [
    await open({ backends: places(servers) }),
    await open({ backends: places(servers) }),
  ];
  const talk = new Talk(await listen(first));
  await talk.open(1_000);
  talk.start();
  await expect.poll(() => talk.heard.every((each) => each > 0), WAIT).toBe(true);
  expect(await move(first, second, { type: 'ratio', ratio: 0.3 })).toBe(300);
  const before = talk.total.heard;
  await expect.poll(() => talk.total.heard, WAIT).toBeGreaterThan(before + 3_000);
  expect(await talk.end()).toBe(true);
  expect(talk.total.heard).toBe(talk.total.sent);
  expect(talk.strange).toBe(0);
  // Neither clients nor servers see it: the same server, by the same port.
  expect(talk.servers.every(({ size }) => size === 1)).toBe(true);
  expect(servers.map(({ peers }) => peers.size)).toEqual([500, 500]);
  expect(sessionsOf(first)).toEqual({ served: 700, fromElsewhere: 0, elsewhere: 300 });
  expect(sessionsOf(second)).toEqual({ served: 300, fromElsewhere: 300, elsewhere: 0 });
  expect(countersOf(first)).toMatchObject({ movedOut: 300, heldDropped: 0, 'forwarding.heldDropped': 0 });
  // The first one's socket answers for both; the second has served.
  expect(countersOf(second)).toMatchObject({ movedIn: 300, fromClients: 0 });
  const [some] = second.service.relay.table.sessions();
  expect(some?.up.packets).toBeGreaterThan(3);
}, 90_000);

test('the one that has them is killed: after a while the first one serves them again, by the same servers', async () => {
  const servers = [await echoServer(1), await echoServer(2)];
  const [first, second] = [
    await open({ backends: places(servers) }),
    await open({ backends: places(servers) }),
  ];
  const clients: Awaited<ReturnType<typeof udpClient>>[] = [];
  const port = await listen(first);
  for (let at = 0; at < 6; at += 1) clients.push(await udpClient(port));
  const sayAll = async (text: string, which = clients): Promise<void> => {
    const before = which.map(({ heard }) => heard.length);
    for (const { say } of which) say(text);
    await expect
      .poll(() => which.every(({ heard }, at) => heard.length === (before[at] ?? 0) + 1), WAIT)
      .toBe(true);
  };
  await sayAll('hello');
  expect(await move(first, second, { type: 'count', count: 4 })).toBe(4);
  await sayAll('moved');
  second.service.close();
  // Nobody has them now; those that stayed are not touched by it.
  for (const { say } of clients.slice(0, 4)) say('lost');
  await sayAll('stayed', clients.slice(4));
  await expect.poll(() => countersOf(first)['takenBack'], WAIT).toBe(4);
  await sayAll('back');
  expect(clients.flatMap(({ heard }) => heard).some((each) => each.endsWith('lost'))).toBe(false);
  for (const { heard } of clients) expect(new Set(heard.map((each) => each[0])).size).toBe(1);
  expect(servers.map(({ peers }) => peers.size)).toEqual([3, 3]);
}, 60_000);

test('by the address of their clients; there and back, and to a third', async () => {
  const server = await echoServer(1);
  const relays = [1, 2, 3].map(() => open({ backends: places([server]) }));
  const [first, second, third] = (await Promise.all(relays)) as [Relay, Relay, Relay];
  const talk = new Talk(await listen(first));
  await talk.open(10);
  talk.start();
  await expect.poll(() => talk.heard.every((each) => each > 0), WAIT).toBe(true);
  expect(await move(first, second, { type: 'contact', contact: '192.0.2.1' })).toBe(0);
  expect(await move(first, second, { type: 'sip-uri', uri: 'sip:bob@example.test' })).toBe(0);
  expect(await move(first, second, { type: 'contact', contact: HOST })).toBe(10);
  expect(await move(second, first, { type: 'count', count: 3 })).toBe(3);
  expect(await move(second, third, { type: 'ratio', ratio: 0.5 })).toBe(4);
  const before = talk.total.heard;
  await expect.poll(() => talk.total.heard, WAIT).toBeGreaterThan(before + 500);
  expect([first, second, third].map((each) => sessionsOf(each).served)).toEqual([3, 3, 4]);
  expect(await move(third, first, { type: 'all' })).toBe(4);
  expect(await move(second, first, { type: 'all' })).toBe(3);
  expect(await talk.end()).toBe(true);
  expect(talk.total.heard).toBe(talk.total.sent);
  expect([first, second, third].map((each) => sessionsOf(each).served)).toEqual([10, 0, 0]);
  expect(server.peers.size).toBe(10);
}, 60_000);

test('a transfer that fails: all is served where it was, and what waited is not lost', async () => {
  const server = await echoServer(1);
  const [first, second] = [
    await open({ backends: places([server]) }),
    await open({ backends: places([server]) }),
  ];
  const talk = new Talk(await listen(first));
  await talk.open(10);
  talk.start();
  await expect.poll(() => talk.heard.every((each) => each > 0), WAIT).toBe(true);
  second.sessions.expect();
  first.sessions.select([{ type: 'all' }]);
  await carry(first, second, 'snapshot');
  first.sessions.quiesce();
  await expect.poll(() => first.service.relay.table.numbered(1)?.held?.length ?? 0, WAIT).toBeGreaterThan(0);
  first.sessions.resume();
  second.sessions.discard();
  expect(await talk.end()).toBe(true);
  expect(talk.total.heard).toBe(talk.total.sent);
  expect([sessionsOf(first).served, sessionsOf(second).served]).toEqual([10, 0]);
  expect(first.service.port.open).toBe(0);
}, 60_000);

test('what cannot be taken is refused: too many sessions, sessions without a grant, what is no session', async () => {
  const server = await echoServer(1);
  const first = await open({ backends: places([server]) });
  const second = await open({ backends: places([server]), sessionsMax: 2 });
  const port = await listen(first);
  for (let at = 0; at < 3; at += 1) {
    const client = await udpClient(port);
    client.say('hello');
    await expect.poll(() => client.heard.length, WAIT).toBe(1);
  }
  first.sessions.select([{ type: 'all' }]);
  await expect(carry(first, second, 'snapshot')).rejects.toMatchObject({ code: 'overloaded' });
  first.sessions.resume();
  first.sessions.select([{ type: 'count', count: 1 }]);
  const lines = Buffer.concat([...first.sessions.export('snapshot')])
    .toString()
    .trimEnd()
    .split('\n');
  const give = (...given: string[]): Promise<number> =>
    second.sessions.import('snapshot', octets([Buffer.from(`${given.join('\n')}\n`)]));
  expect(await give(...lines)).toBe(1);
  await expect(give(...lines.filter((line) => !line.includes('"grant"')))).rejects.toThrow(/without/);
  await expect(give(...lines, '["set","s:x",{"number":1,"session":{}}]')).rejects.toThrow(/no session/);
  await expect(give(...lines, '["set","s:x",7]')).rejects.toThrow(/no session/);
  expect(second.sessions.count).toBe(0);
}, 60_000);

test('all moves, also what came from elsewhere and what is elsewhere; ports towards servers stay where they can', async () => {
  const server = await echoServer(1);
  const backends = places([server]);
  const service = { address: HOST, port: 4_000 };
  const [first, second, third] = [
    await open({ backends, service }),
    await open({ backends, service }),
    await open({ backends, service }),
  ] as const;
  const port = await listen(first);
  const clients = [await udpClient(port), await udpClient(port), await udpClient(port)];
  for (const each of clients) {
    each.say('hello');
    await expect.poll(() => each.heard.length, WAIT).toBe(1);
  }
  expect(await move(first, second, { type: 'count', count: 1 })).toBe(1);
  await third.state.import('snapshot', octets(first.state.export('snapshot')));
  first.service.relay.quiesce();
  await third.state.import('last', octets(first.state.export('last')));
  first.service.close();
  third.state.takeOver();
  // The address goes along: here, the same port.
  const taken = await open({ backends, service, listen: { address: HOST, port } });
  await taken.state.import('snapshot', octets(third.state.export('snapshot')));
  await taken.state.import('last', octets(third.state.export('last')));
  third.service.close();
  taken.state.takeOver();
  await listen(taken);
  for (const each of clients) {
    each.say('more');
    await expect.poll(() => each.heard, WAIT).toEqual(['1 hello', '1 more']);
  }
  expect(server.peers.size).toBe(3);
  expect(countersOf(taken)['portsChanged']).toBe(0);
  expect([sessionsOf(taken), sessionsOf(second)]).toEqual([
    { served: 2, fromElsewhere: 0, elsewhere: 1 },
    { served: 1, fromElsewhere: 1, elsewhere: 0 },
  ]);
}, 60_000);

test('the address comes to the one that has the sessions: it serves them directly, by the ports that servers know', async () => {
  const server = await echoServer(1);
  const backends = places([server]);
  const service = { address: HOST, port: 4_000 };
  const first = await open({ backends, service });
  const port = await listen(first);
  const second = await open({ backends, service, listen: { address: HOST, port } });
  const talk = new Talk(port, 8);
  await talk.open(20);
  talk.start();
  await expect.poll(() => talk.heard.every((each) => each > 0), WAIT).toBe(true);
  expect(await move(first, second, { type: 'all' })).toBe(20);
  expect(await talk.end()).toBe(true);
  first.service.close();
  await listen(second);
  const before = talk.total.heard;
  talk.start();
  await expect.poll(() => talk.total.heard, WAIT).toBeGreaterThan(before + 200);
  expect(await talk.end()).toBe(true);
  expect(talk.total.heard).toBe(talk.total.sent);
  expect(countersOf(second)).toMatchObject({ direct: 20, began: 0, portsChanged: 0 });
  expect(sessionsOf(second)).toEqual({ served: 20, fromElsewhere: 0, elsewhere: 0 });
  expect(server.peers.size).toBe(20);
}, 60_000);

test('one that was copied goes on, and its sessions elsewhere hear it and not the copy', async () => {
  const server = await echoServer(1);
  const backends = places([server]);
  const [first, second, copy] = [
    await open({ backends }),
    await open({ backends }),
    await open({ backends }),
  ] as const;
  const client = await udpClient(await listen(first));
  client.say('hello');
  await expect.poll(() => client.heard.length, WAIT).toBe(1);
  await move(first, second, { type: 'all' });
  await copy.state.import('snapshot', octets(first.state.export('snapshot')));
  await copy.state.import('last', octets(first.state.export('last')));
  copy.state.takeOver();
  first.state.release();
  for (let at = 2; at < 12; at += 1) {
    client.say('more');
    await expect.poll(() => client.heard.length, WAIT).toBe(at);
  }
  expect(countersOf(first)['forwarded']).toBe(20);
}, 60_000);

test('a state that is none is refused, and changes nothing', async () => {
  const server = await echoServer(1);
  const first = await open({ backends: places([server]) });
  for (const line of ['["set","s:x",{}]', '["set","l:x",{}]', '["set","y",1]', 'x'])
    await expect(
      first.state.import('snapshot', octets([Buffer.from(`["clear"]\n${line}\n`)])),
    ).rejects.toThrow();
  first.state.discard();
  first.state.takeOver();
  expect(sessionsOf(first).served).toBe(0);
});

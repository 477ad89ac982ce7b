// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { bindUdp, echoServer, startRelay, Talk, udpClient, WAIT } from './support.ts';

/* A relay of UDP by itself, with real sockets. */

describe('a relay of UDP', () => {
  test('each client keeps its server, and each server sees each client by a port of its own', async () => {
    const servers = [await echoServer(1), await echoServer(2)];
    const { port, status } = await startRelay({ backends: servers.map(({ place }) => place) });
    const talk = new Talk(port);
    await talk.open(20);
    talk.start();
    await expect.poll(() => talk.total.heard, WAIT).toBeGreaterThan(200);
    expect(await talk.end()).toBe(true);
    expect(talk.servers.every(({ size }) => size === 1)).toBe(true);
    expect(servers.map(({ peers }) => peers.size)).toEqual([10, 10]);
    const { sessions, counters, backends } = status();
    expect(sessions).toEqual({ served: 20, fromElsewhere: 0, elsewhere: 0 });
    expect(Object.values(backends)).toEqual([10, 10]);
    expect(counters).toMatchObject({ began: 20, fromClients: talk.total.sent, toClients: talk.total.heard });
  });

  test('datagrams keep their boundaries, empty and large', async () => {
    const server = await echoServer(1);
    const { port } = await startRelay({ backends: [server.place] });
    const client = await udpClient(port);
    const large = Buffer.alloc(60_000, 'x');
    for (const each of ['', 'a', large]) client.say(each);
    await expect.poll(() => client.heard.map(({ length }) => length), WAIT).toEqual([2, 3, 60_002]);
  });

  test('over IPv6', async () => {
    const server = await echoServer(6, '::1');
    const { port } = await startRelay({
      backends: [server.place],
      listen: { address: '::1', port: 0 },
      forward: { address: '::1', port: 0 },
    });
    const client = await udpClient(port, '::1');
    client.say('hello');
    await expect.poll(() => client.heard, WAIT).toEqual(['6 hello']);
  });

  test('at its bound a new client is not served and counted; those that are there are; after idleness there is room', async () => {
    const server = await echoServer(1);
    const { port, status } = await startRelay({ backends: [server.place], sessionsMax: 2, idleMs: 300 });
    const clients = [await udpClient(port), await udpClient(port), await udpClient(port)];
    for (const [at, each] of clients.entries()) {
      each.say('hello');
      await expect.poll(() => each.heard.length + (status().counters['refused'] ?? 0), WAIT).toBe(1);
      expect(each.heard.length).toBe(at < 2 ? 1 : 0);
    }
    expect(status().counters['refused']).toBe(1);
    await expect.poll(() => status().counters['expired'], WAIT).toBe(2);
    expect(status().sessions.served).toBe(0);
    clients[2]?.say('again');
    await expect.poll(() => clients[2]?.heard, WAIT).toEqual(['1 again']);
  });

  test('what others than the server say to the socket of a session reaches nobody', async () => {
    const server = await echoServer(1);
    const { port, status } = await startRelay({ backends: [server.place] });
    const client = await udpClient(port);
    client.say('hello');
    await expect.poll(() => client.heard.length, WAIT).toBe(1);
    const [peer = ''] = server.peers;
    const stranger = await bindUdp();
    stranger.send('boo', Number(peer.split(' ')[1]), '127.0.0.1');
    await expect.poll(() => status().counters['foreign'], WAIT).toBe(1);
    client.say('more');
    await expect.poll(() => client.heard, WAIT).toEqual(['1 hello', '1 more']);
  });

  test('strange datagrams to its port for moved sessions are ignored and counted', async () => {
    const server = await echoServer(1);
    const { port, status } = await startRelay({ backends: [server.place] });
    const stranger = await bindUdp();
    const [, forwardPort] = /:(\d+)$/.exec(status().forward ?? '') ?? [];
    const say = (bytes: Uint8Array): void => stranger.send(bytes, Number(forwardPort), '127.0.0.1');
    say(new Uint8Array(3));
    say(new Uint8Array(64));
    say(Buffer.from(`56460101${'ab'.repeat(8)}${'00'.repeat(12)}${'00'.repeat(16)}`, 'hex'));
    await expect
      .poll(() => [status().counters['forwarding.malformed'], status().counters['forwarding.unknown']], WAIT)
      .toEqual([2, 1]);
    const client = await udpClient(port);
    client.say('hello');
    await expect.poll(() => client.heard, WAIT).toEqual(['1 hello']);
  });

  test('a port that is taken is waited for', async () => {
    const server = await echoServer(1);
    const first = await startRelay({ backends: [server.place] });
    const second = startRelay({
      backends: [server.place],
      listen: { address: '127.0.0.1', port: first.port },
    });
    await first.relay.stop();
    const { port } = await second;
    const client = await udpClient(port);
    client.say('hello');
    await expect.poll(() => client.heard, WAIT).toEqual(['1 hello']);
  });
});

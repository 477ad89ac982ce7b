// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Conntrack, type ConntrackEntry } from '../../src/conntrack/index.ts';
import { createNamespace, inNamespace, type NetworkNamespace } from '../../src/namespaces/index.ts';
import { ipText } from '../../src/netlink/index.ts';
import {
  FirstPacketTable,
  PacketQueue,
  type QueuedPacket,
  readFirstPacket,
  readOverflow,
  removeFirstPacketTable,
} from '../../src/packet-queue/index.ts';
import { labMissing, openUdp, type Udp, until } from '../support/lab.ts';

/*
 * First packets of flows that the kernel translates, all in one namespace: from 127.0.0.1 to 127.0.0.2, as seen there from 127.0.0.9; what is for
 * 127.0.0.3 gets there too. By IPv6 the same with the last group.
 */
const RULES = `
table inet nat {
  chain before { type nat hook output priority -100;
    ip daddr 127.0.0.3 dnat ip to 127.0.0.2
    ip6 daddr fd00::3 dnat ip6 to fd00::2
  }
  chain after { type nat hook postrouting priority srcnat;
    ip saddr 127.0.0.1 meta l4proto udp snat ip to 127.0.0.9:20000-20999
    ip6 saddr fd00::1 meta l4proto udp snat ip6 to [fd00::9]:20000-20999
  }
}`;
const TABLE = 'vnfpool-first-lab';

function run(words: readonly string[], input = ''): void {
  const [program = '', ...rest] = words;
  const { status, stderr } = spawnSync(program, rest, { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
}

describe.skipIf(labMissing !== '')(`first packets ${labMissing}`, () => {
  const closers: (() => void)[] = [];
  let namespace: NetworkNamespace;
  const within = <Result>(work: () => Result): Result => inNamespace(namespace.fd, work);
  let table: Conntrack;

  beforeEach(() => {
    namespace = createNamespace();
    closers.push(() => namespace.close());
    within(() => {
      run(['ip', 'link', 'set', 'lo', 'up']);
      for (const last of [1, 2, 3, 9])
        run(['ip', 'address', 'add', `fd00::${last}/128`, 'dev', 'lo', 'nodad']);
      run(['nft', '-f', '-'], RULES);
    });
    table = within(() => new Conntrack());
    closers.push(() => table.close());
  });
  afterEach(() => {
    for (const close of closers.splice(0).reverse()) close();
  });

  const open = (address: string, port: number): Udp => {
    const udp = openUdp({ namespace } as Parameters<typeof openUdp>[0], address, port);
    closers.push(() => udp.close());
    return udp;
  };
  const hold = (packetsMax = 100) => {
    const came: QueuedPacket[] = [];
    const listener = {
      packets: (packets: readonly QueuedPacket[]) => void came.push(...packets),
      failed: (error: Error) => {
        throw error;
      },
    };
    const queue = within(() => new PacketQueue({ packetsMax, octets: 160 }, listener));
    closers.push(() => queue.close());
    const rules = within(() => new FirstPacketTable(TABLE, queue.number));
    closers.push(() => rules.close());
    return { came, queue, rules };
  };
  const entries = (): ConntrackEntry[] => [...table.dump()].flat();

  test.each([
    ['IPv4', '127.0.0.1', '127.0.0.3', '127.0.0.2', '127.0.0.9'],
    ['IPv6', 'fd00::1', 'fd00::3', 'fd00::2', 'fd00::9'],
  ])('wait ahead of the table, and what they were is known: %s', async (_, from, to, at, seenAs) => {
    const { came, queue, rules } = hold();
    const [client, server] = [open(from, 5000), open(at, 7000)];
    client.send('first', to, 7000);
    await until('the packet waits', () => came.length === 1);
    expect(entries()).toEqual([]);
    expect(server.poll()).toEqual([]);

    const [waiting] = came;
    const packet = waiting && readFirstPacket(waiting.bytes);
    if (waiting === undefined || packet === undefined) throw new Error('no packet');
    expect([packet.tuple.source, packet.tuple.destination].map(ipText)).toEqual([seenAs, at]);
    const original = rules.originalOf(packet);
    expect(original).toMatchObject({ protocol: 17, layer4: { source: 5000, destination: 7000 } });
    expect([original?.source, original?.destination].map((each) => each && ipText(each))).toEqual([from, to]);

    queue.accept([waiting.id]);
    await until('it has arrived', () => server.poll().length === 1);
    const [entry] = entries();
    expect(entry?.original).toEqual(original);
    expect(entry?.reply.destination).toEqual(packet.tuple.source);
    expect(entry?.reply.layer4).toMatchObject({
      destination: packet.tuple.layer4?.kind === 'ports' ? packet.tuple.layer4.source : null,
    });

    // The flow has begun: what follows does not wait, nor what is not translated.
    client.send('second', to, 7000);
    await until('it passes', () => server.poll().length === 2);
    open('127.0.0.4', 5000).send('plain', '127.0.0.5', 7000);
    expect(came).toHaveLength(1);
  });

  test('that are dropped have been nowhere', async () => {
    const { came, queue } = hold();
    const [client, server] = [open('127.0.0.1', 5000), open('127.0.0.2', 7000)];
    client.send('lost', '127.0.0.2', 7000);
    await until('it waits', () => came.length === 1);
    queue.drop(came.map(({ id }) => id));
    client.send('again', '127.0.0.2', 7000);
    await until('it is first again', () => came.length === 2);
    queue.accept(came.map(({ id }) => id));
    await until('the second arrives', () => server.poll().length === 1);
    expect(server.received).toEqual(['again']);
    expect(entries()).toHaveLength(1);
  });

  test('are dropped with their queue, and pass when the rules are gone', async () => {
    const { came, queue } = hold();
    const server = open('127.0.0.2', 7000);
    const send = (port: number): void => open('127.0.0.1', port).send(`from ${port}`, '127.0.0.2', 7000);
    send(5000);
    await until('it waits', () => came.length === 1);
    queue.close();
    send(5001);
    expect(entries()).toEqual([]);
    within(() => removeFirstPacketTable(TABLE));
    send(5002);
    await until('it passes', () => server.poll().length > 0);
    expect(server.received).toEqual(['from 5002']);
    // Once more, of what is not there any more.
    within(() => removeFirstPacketTable(TABLE));
  });

  test('beyond what may wait are dropped, and counted', async () => {
    const { came, queue } = hold(2);
    const server = open('127.0.0.2', 7000);
    for (const port of [5000, 5001, 5002, 5003]) open('127.0.0.1', port).send('x', '127.0.0.2', 7000);
    await until('two wait', () => came.length === 2);
    expect(within(() => readOverflow(queue.number))).toBe(2);
    queue.accept(came.map(({ id }) => id));
    await until('they arrive', () => server.poll().length === 2);
  });

  test('go to the queue of who came last, and its word keeps the rules alive', async () => {
    const first = hold();
    const second = hold();
    expect(second.queue.number).not.toBe(first.queue.number);
    second.rules.live();
    open('127.0.0.1', 5000).send('x', '127.0.0.2', 7000);
    await until('it waits', () => second.came.length === 1);
    expect(first.came).toEqual([]);
  });
});

// SPDX-License-Identifier: Apache-2.0
import type { SessionSelector, StateKind } from '@vnfpool/client/stateful';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import { decodeSipMessage, headerValue, headerValues } from '@vnfpool/wire/sip';
import { expect, onTestFinished, test } from 'vitest';

/* Calls that go from one proxy of examples/ims to another, without sockets for SIP and with a clock of the test. */

const folder = '../../../../examples/ims/';
const { SipProxy } = (await import(`${folder}sip-proxy.mjs` as string)) as {
  SipProxy: new (options: object) => Proxy;
};
const { CallSessions } = (await import(`${folder}call-sessions.mjs` as string)) as {
  CallSessions: new (options: object) => Sessions;
};
const { ForwardingPort } = await import('@vnfpool/client/forwarding');

interface Packet {
  readonly session: number;
  readonly address: string;
  readonly port: number;
  readonly payload: Uint8Array;
}
interface Output {
  readonly bytes?: Uint8Array;
  readonly address?: string;
  readonly port?: number;
  readonly forward?: 'arrived' | 'send';
  readonly transfer?: string;
  readonly packet?: Packet;
  readonly ended?: number;
  readonly drop?: string;
}
interface Proxy {
  readonly counters: Record<string, number>;
  readonly tables: Record<'transactions' | 'dialogs' | 'away' | 'via', { readonly size: number }>;
  readonly forwarding: {
    fromHome(transfer: string, packet: Packet, now: number): void;
    fromHolder(transfer: string, packet: Packet): void;
    elsewhereEnded(transfer: string, session: number): void;
    transferOver(transfer: string, waited: readonly Packet[], now: number): void;
  };
  take(): Output[];
  takeOver(now: number): void;
  tick(now: number): void;
  handle(bytes: Uint8Array, source: object, now: number): void;
}
interface Sessions {
  readonly count: number;
  readonly selectedCount: number;
  select(selection: readonly SessionSelector[]): number;
  export(kind: StateKind): AsyncIterable<Uint8Array>;
  quiesce(): void;
  resume(): void;
  moved(forward: null): void;
  expect(): unknown;
  import(kind: StateKind, chunks: AsyncIterable<Uint8Array>): Promise<number>;
  accept(): number;
  discard(): void;
}

const ALICE = { address: '192.0.2.1', port: 5060 };
const BOB = { address: '192.0.2.2', port: 5070 };

/** What goes over the network of SIP: by which proxy's socket, and where to. */
interface Sent {
  readonly by: string;
  readonly to: string;
  readonly bytes: Uint8Array;
}

class World {
  now = Date.now();
  readonly proxies = new Map<string, { readonly proxy: Proxy; readonly sessions: Sessions }>();
  #sent: Sent[] = [];

  async add(name: string): Promise<void> {
    const proxy = new SipProxy({
      domain: 'example.test',
      advertised: { host: `192.0.2.${name}`, port: 5060 },
      timers: {},
    });
    proxy.takeOver(this.now);
    // Packets between proxies go by hand; the port gives grants, and its own messages go nowhere.
    const nothing = (): void => undefined;
    const port = await ForwardingPort.open({
      address: '127.0.0.1',
      onArrived: nothing,
      onSend: nothing,
      onEnded: nothing,
      onOver: nothing,
    });
    onTestFinished(() => port.close());
    const sessions = new CallSessions({ proxy, port, flush: () => this.#flush(name) });
    this.proxies.set(name, { proxy, sessions });
  }

  at(name: string): { readonly proxy: Proxy; readonly sessions: Sessions } {
    const found = this.proxies.get(name);
    if (!found) throw new Error(`no proxy ${name}`);
    return found;
  }

  /** A message arrives at the proxy `1`, which phones know; gives what goes out anywhere. */
  give(text: string, source: object): Sent[] {
    this.at('1').proxy.handle(encodeUtf8(text), source, this.now);
    this.#flush('1');
    return this.#sent.splice(0);
  }

  pass(ms: number): Sent[] {
    for (let left = ms; left > 0; left -= 500) {
      this.now += 500;
      for (const [name, { proxy }] of this.proxies) {
        proxy.tick(this.now);
        this.#flush(name);
      }
    }
    return this.#sent.splice(0);
  }

  async move(from: string, to: string, between: () => void = () => undefined): Promise<number> {
    const [source, destination] = [this.at(from), this.at(to)];
    destination.sessions.expect();
    source.sessions.select([{ type: 'all' }]);
    await destination.sessions.import('snapshot', source.sessions.export('snapshot'));
    between();
    await destination.sessions.import('delta', source.sessions.export('delta'));
    source.sessions.quiesce();
    between();
    const count = await destination.sessions.import('last', source.sessions.export('last'));
    expect(count).toBe(source.sessions.selectedCount);
    destination.sessions.accept();
    source.sessions.moved(null);
    source.sessions.moved(null);
    return count;
  }

  /** What proxies say to each other, at once; whoever knows the transfer takes it. */
  #flush(name: string): void {
    for (const output of this.at(name).proxy.take()) {
      const { bytes, forward, transfer = '', packet, ended } = output;
      if (bytes) this.#sent.push({ by: name, to: `${output.address}:${output.port}`, bytes });
      for (const [other, { proxy }] of this.proxies) {
        if (other === name) continue;
        const { forwarding } = proxy;
        const knows = JSON.stringify([...entries(proxy.tables.away), ...entries(proxy.tables.via)]).includes(
          transfer,
        );
        if (!knows || transfer === '') continue;
        if (forward === 'arrived' && packet) forwarding.fromHome(transfer, packet, this.now);
        if (forward === 'send' && packet) forwarding.fromHolder(transfer, packet);
        if (ended !== undefined) forwarding.elsewhereEnded(transfer, ended);
        this.#flush(other);
      }
    }
  }
}

const entries = (table: object): unknown[] => [...(table as { entries(): Iterable<unknown> }).entries()];

const say = (line: string, fields: Record<string, string>): string =>
  `${line}\r\n${Object.entries({ 'Max-Forwards': '70', ...fields, 'Content-Length': '0' })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;

const call = (method: string, number: number, to: string, more: Record<string, string> = {}): string =>
  say(`${method} ${to === '' ? 'sip:bob@example.test' : 'sip:192.0.2.2:5070'} SIP/2.0`, {
    Via: `SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK${method}${number}`,
    From: '<sip:alice@example.test>;tag=a',
    To: `<sip:bob@example.test>${to}`,
    'Call-ID': 'call',
    CSeq: `${number} ${method}`,
    Contact: '<sip:192.0.2.1>',
    ...more,
  });

/** The answer to what was sent. */
function answer({ bytes }: Sent, status: number): string {
  const request = decodeSipMessage(bytes);
  const [vias, rest] = [headerValues(request, 'Via'), ['From', 'Call-ID', 'CSeq']];
  const fields = Object.fromEntries(rest.map((name) => [name, headerValue(request, name) ?? '']));
  const to = headerValue(request, 'To') ?? '';
  return say(`SIP/2.0 ${status} Fine`, {
    ...fields,
    Via: vias.join(', '),
    To: to.includes('tag=') ? to : `${to};tag=b`,
    Contact: '<sip:192.0.2.2:5070>',
  });
}

const kinds = (sent: readonly Sent[]): string[] =>
  sent.map(({ by, to, bytes }) => {
    const message = decodeSipMessage(bytes);
    return `${by} ${message.type === 'response' ? message.status : message.method} ${to}`;
  });

async function ringing(...names: string[]): Promise<{ readonly world: World; readonly invite: Sent }> {
  const world = new World();
  for (const name of names) await world.add(name);
  const register = say('REGISTER sip:example.test SIP/2.0', {
    Via: 'SIP/2.0/UDP 192.0.2.2:5070;branch=z9hG4bKr',
    From: '<sip:bob@example.test>;tag=r',
    To: '<sip:bob@example.test>',
    'Call-ID': 'register',
    CSeq: '1 REGISTER',
    Contact: '<sip:192.0.2.2:5070>',
  });
  expect(kinds(world.give(register, BOB))).toEqual(['1 200 192.0.2.2:5070']);
  const [, invite] = world.give(call('INVITE', 1, ''), ALICE);
  if (!invite) throw new Error('not invited');
  world.give(answer(invite, 180), BOB);
  return { world, invite };
}

const route = { Route: '<sip:192.0.2.1:5060;lr>' };

test('an invitation moves while it rings: the second one deals with it, and the first one sends', async () => {
  const { world, invite } = await ringing('1', '2');
  expect(await world.move('1', '2')).toBe(1);
  const [first, second] = [world.at('1'), world.at('2')];
  expect([first.sessions.count, second.sessions.count]).toEqual([0, 1]);
  expect([first.proxy.tables.dialogs.size, second.proxy.tables.dialogs.size]).toEqual([0, 1]);
  // A repetition meets the transaction, as does the answer.
  expect(kinds(world.give(call('INVITE', 1, ''), ALICE))).toEqual(['1 180 192.0.2.1:5060']);
  expect(kinds(world.give(answer(invite, 200), BOB))).toEqual(['1 200 192.0.2.1:5060']);
  expect(kinds(world.give(call('ACK', 1, ';tag=b', route), ALICE))).toEqual(['1 ACK 192.0.2.2:5070']);
  const [bye] = world.give(call('BYE', 2, ';tag=b', route), ALICE);
  if (!bye) throw new Error('no goodbye');
  expect(bye).toMatchObject({ by: '1', to: '192.0.2.2:5070' });
  // By the name of the first, so that the answer finds its way.
  expect(headerValues(decodeSipMessage(bye.bytes), 'Via')[0]).toContain('192.0.2.1:5060');
  expect(kinds(world.give(answer(bye, 200), BOB))).toEqual(['1 200 192.0.2.1:5060']);
  expect(second.proxy.counters).toMatchObject({ 'dialogs.confirmed': 1, 'dialogs.ended': 1 });
  expect(first.proxy.counters['dialogs.confirmed']).toBeUndefined();
  // All is forgotten in time, at both.
  world.pass(60_000);
  for (const { proxy } of [first, second])
    expect([proxy.tables.via.size, proxy.tables.away.size, proxy.tables.transactions.size]).toEqual([
      0, 0, 0,
    ]);
});

test('what comes in the moment of the move waits and then goes on; the same Call-ID may begin anew', async () => {
  const { world, invite } = await ringing('1', '2');
  let turn = 0;
  await world.move('1', '2', () => {
    turn += 1;
    // While the last of it goes.
    if (turn === 2) expect(world.give(answer(invite, 486), BOB)).toEqual([]);
  });
  expect(kinds(world.pass(500))).toContain('1 486 192.0.2.1:5060');
  const again = world.give(call('INVITE', 7, ''), ALICE);
  expect(kinds(again)).toEqual(['1 100 192.0.2.1:5060', '1 INVITE 192.0.2.2:5070']);
  expect(world.at('1').sessions.count).toBe(1);
});

test('there and back, and by a third: the call goes on', async () => {
  const { world, invite } = await ringing('1', '2', '3');
  world.give(answer(invite, 200), BOB);
  await world.move('1', '2');
  await world.move('2', '3');
  expect(world.at('3').sessions.count).toBe(1);
  expect(kinds(world.give(call('INFO', 2, ';tag=b', route), ALICE))).toEqual(['1 INFO 192.0.2.2:5070']);
  await world.move('3', '1');
  const [bye] = world.give(call('BYE', 3, ';tag=b', route), ALICE);
  if (!bye) throw new Error('no goodbye');
  expect(kinds(world.give(answer(bye, 200), BOB))).toEqual(['1 200 192.0.2.1:5060']);
  expect(world.at('1').proxy.counters['dialogs.ended']).toBe(1);
  // In time nothing is left of the way round.
  world.pass(60_000);
  for (const { proxy } of world.proxies.values())
    expect([proxy.tables.away.size, proxy.tables.via.size]).toEqual([0, 0]);
});

test('the one that has it is not heard: the first one goes on with it as it was', async () => {
  const { world, invite } = await ringing('1', '2');
  world.give(answer(invite, 200), BOB);
  await world.move('1', '2');
  const { proxy } = world.at('1');
  const [[, away] = [null, null]] = entries(proxy.tables.away) as [string, { transfer: string }][];
  proxy.forwarding.transferOver(away?.transfer ?? '', [], world.now);
  world.proxies.delete('2');
  const [bye] = world.give(call('BYE', 3, ';tag=b', route), ALICE);
  expect(bye).toMatchObject({ by: '1', to: '192.0.2.2:5070' });
  expect(proxy.counters['calls.takenBack']).toBe(1);
});

test('a call that is elsewhere and of which nothing is heard for twelve hours is forgotten', async () => {
  const { world, invite } = await ringing('1', '2');
  world.give(answer(invite, 200), BOB);
  await world.move('1', '2');
  // Its end at the second one was told, and that was lost on the way.
  world.proxies.delete('2');
  const { proxy } = world.at('1');
  for (let at = 0; at < 4_330; at += 1) {
    if (at === 4_000) expect(proxy.tables.away.size).toBe(1);
    world.now += 10_000;
    proxy.tick(world.now);
  }
  expect(proxy.tables.away.size).toBe(0);
});

test('a move that fails changes nothing; what is none, or here already, is refused', async () => {
  const { world, invite } = await ringing('1', '2');
  const [first, second] = [world.at('1'), world.at('2')];
  second.sessions.expect();
  first.sessions.select([{ type: 'all' }]);
  await second.sessions.import('snapshot', first.sessions.export('snapshot'));
  first.sessions.quiesce();
  expect(world.give(answer(invite, 200), BOB)).toEqual([]);
  expect(world.pass(1_000)).toEqual([]);
  first.sessions.resume();
  expect(kinds(world.pass(500))).toContain('1 200 192.0.2.1:5060');
  second.sessions.discard();
  expect([first.sessions.count, second.sessions.count]).toEqual([1, 0]);
  first.sessions.select([{ type: 'all' }]);
  const lines = [];
  for await (const chunk of first.sessions.export('snapshot')) lines.push(Buffer.from(chunk).toString());
  const give = (text: string): Promise<number> =>
    second.sessions.import(
      'snapshot',
      (async function* () {
        yield encodeUtf8(text);
      })(),
    );
  expect(await give(lines.join(''))).toBe(1);
  await expect(give(lines.join('').replace('"grant"', '"granted"'))).rejects.toThrow();
  for (const wrong of [
    '7',
    '{}',
    '{"session":1,"own":{"host":"h","port":1},"record":{"dialogs":{"x":1},"transactions":{}}}',
  ])
    await expect(give(`${lines.join('')}["set","x",${wrong}]\n`)).rejects.toThrow(/no call/);
  await expect(first.sessions.import('snapshot', first.sessions.export('snapshot'))).rejects.toThrow(
    /already/,
  );
});

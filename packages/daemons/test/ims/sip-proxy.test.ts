// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import {
  decodeSipMessage,
  encodeSipMessage,
  headerValue,
  headerValues,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  withHeader,
} from '@vnfpool/wire/sip';
import { expect, test } from 'vitest';
import { responseTo } from './phone.ts';

/* The proxy of examples/ims without a socket, and with a clock of the test. */

interface Output {
  readonly bytes?: Uint8Array;
  readonly address?: string;
  readonly port?: number;
  readonly ask?: string;
  readonly aor?: string;
}
interface ProxyOfExample {
  readonly counters: Record<string, number>;
  readonly tables: {
    readonly state: {
      export(kind: string): AsyncIterable<Uint8Array>;
      import(kind: string, chunks: AsyncIterable<Uint8Array>): Promise<void>;
    };
    readonly users: { readonly size: number };
    readonly transactions: { readonly size: number };
    readonly dialogs: { readonly size: number };
  };
  take(): Output[];
  takeOver(now: number): void;
  tick(now: number): void;
  probe(bytes: Uint8Array, source: object, own?: object): boolean;
  handle(bytes: Uint8Array, source: object, now: number): void;
  admit(id: string, verdict: object | null, now: number): void;
}
const { SipProxy } = (await import('../../../../examples/ims/sip-proxy.mjs' as string)) as {
  SipProxy: new (options: object) => ProxyOfExample;
};

const ALICE = { address: '192.0.2.1', port: 5060 };
const BOB = { address: '192.0.2.2', port: 5070 };
const ADVERTISED = { host: '192.0.2.9', port: 5060 };

/** What came out, with where it went. */
interface Sent {
  readonly message: SipMessage;
  readonly to: string;
}

class World {
  now = 1_000_000;
  readonly proxy: ProxyOfExample;

  constructor(options: object = {}) {
    this.proxy = new SipProxy({ domain: 'example.test', advertised: ADVERTISED, timers: {}, ...options });
    this.proxy.takeOver(this.now);
  }

  take(): Sent[] {
    return this.proxy
      .take()
      .flatMap(({ bytes, address, port }) =>
        bytes === undefined ? [] : [{ message: decodeSipMessage(bytes), to: `${address}:${port}` }],
      );
  }

  give(message: SipMessage | Uint8Array, source: object = ALICE): Sent[] {
    const bytes = message instanceof Uint8Array ? message : encodeSipMessage(message);
    this.proxy.handle(bytes, source, this.now);
    return this.take();
  }

  /** What goes out as time passes, in steps of 50 ms; with the time of each. */
  pass(ms: number): (Sent & { readonly at: number })[] {
    const sent: (Sent & { at: number })[] = [];
    const start = this.now;
    for (let step = 0; step < ms / 50; step += 1) {
      this.now += 50;
      this.proxy.tick(this.now);
      sent.push(...this.take().map((each) => ({ ...each, at: this.now - start })));
    }
    return sent;
  }

  register(): this {
    const [answer] = this.give(request('REGISTER', { To: '<sip:bob@example.test>' }), BOB);
    expect(answer?.message).toMatchObject({ status: 200 });
    return this;
  }

  /** An INVITE as it arrives at bob. */
  invite(fields: Record<string, string> = {}): SipRequest {
    const sent = this.give(request('INVITE', fields));
    const [trying, invited] = sent;
    expect(sent.map(({ to }) => to)).toEqual(['192.0.2.1:5060', '192.0.2.2:5070']);
    expect(trying?.message).toMatchObject({ type: 'response', status: 100 });
    return invited?.message as SipRequest;
  }
}

function request(method: string, fields: Record<string, string> = {}, uri?: string): SipRequest {
  const register = method === 'REGISTER';
  const headers = {
    Via: `SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-${method}`,
    'Max-Forwards': '70',
    From: '<sip:alice@example.test>;tag=a',
    To: '<sip:bob@example.test>',
    'Call-ID': register ? 'register' : 'call',
    CSeq: `1 ${method}`,
    Contact: register ? '<sip:192.0.2.2:5070>' : '<sip:192.0.2.1>',
    ...fields,
  };
  return {
    type: 'request',
    method,
    uri: uri ?? (register ? 'sip:example.test' : 'sip:bob@example.test'),
    headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
    body: new Uint8Array(),
  };
}

function reply(invite: SipRequest, status: number): SipResponse {
  const made = withHeader(responseTo(invite, status, 'Fine'), 'To', ['<sip:bob@example.test>;tag=b']);
  return withHeader(made, 'Contact', ['<sip:192.0.2.2:5070>']);
}

const statusOf = (sent: readonly Sent[]): (number | string)[] =>
  sent.map(({ message }) => (message.type === 'response' ? message.status : message.method));

/** For an answer that is no success. */
const ACK: SipRequest = request('ACK', { Via: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-INVITE' });

/** A request within the call from alice to bob. */
const within = (method: string, branch: string, fields: Record<string, string> = {}): SipRequest =>
  request(
    method,
    {
      Via: `SIP/2.0/UDP 192.0.2.1;branch=${branch}`,
      To: '<sip:bob@example.test>;tag=b',
      Route: '<sip:192.0.2.9:5060;lr>',
      CSeq: `${method === 'ACK' ? 1 : 2} ${method}`,
      ...fields,
    },
    'sip:192.0.2.2:5070',
  );

test('a call from invitation to goodbye', () => {
  const world = new World().register();
  const invite = world.invite();
  expect(invite.uri).toBe('sip:192.0.2.2:5070');
  expect(headerValue(invite, 'Max-Forwards')).toBe('69');
  expect(headerValue(invite, 'Record-Route')).toBe('<sip:192.0.2.9:5060;lr>');
  expect(headerValues(invite, 'Via')).toHaveLength(2);
  const [ringing] = world.give(reply(invite, 180), BOB);
  expect(headerValues(ringing?.message as SipMessage, 'Via')).toEqual([
    'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-INVITE',
  ]);
  expect(statusOf(world.give(reply(invite, 200), BOB))).toEqual([200]);
  // Repeated by bob until alice has acknowledged.
  expect(statusOf(world.give(reply(invite, 200), BOB))).toEqual([200]);
  const [ack] = world.give(within('ACK', 'z9hG4bK-2'));
  expect(ack).toMatchObject({ to: '192.0.2.2:5070', message: { method: 'ACK' } });
  expect(headerValues(ack?.message as SipMessage, 'Route')).toEqual([]);
  const [bye] = world.give(within('BYE', 'z9hG4bK-3'));
  expect(bye).toMatchObject({ to: '192.0.2.2:5070' });
  expect(statusOf(world.give(reply(bye?.message as SipRequest, 200), BOB))).toEqual([200]);
  // A repetition gets the same; the call is forgotten in time, and so is all else.
  expect(statusOf(world.give(within('BYE', 'z9hG4bK-3')))).toEqual([200]);
  world.pass(50_000);
  expect([world.proxy.tables.dialogs.size, world.proxy.tables.transactions.size]).toEqual([0, 0]);
  expect(statusOf(world.give(within('BYE', 'z9hG4bK-4')))).toEqual([481]);
});

test('an invitation that nobody answers is repeated, and ends with 408', () => {
  const world = new World().register();
  world.invite();
  const sent = world.pass(33_000);
  expect(sent.filter(({ message }) => message.type === 'request').map(({ at }) => at)).toEqual([
    500, 1500, 3500, 7500, 15_500, 31_500,
  ]);
  // The answer is repeated as long as there is no ACK.
  expect(statusOf(sent).filter((each) => each !== 'INVITE')).toEqual([408, 408]);
  expect(world.give(ACK)).toEqual([]);
  expect(world.pass(5_000)).toEqual([]);
});

test('repetitions of an invitation get what is known, and are not sent on', () => {
  const world = new World().register();
  const invite = world.invite();
  expect(statusOf(world.give(request('INVITE')))).toEqual([100]);
  world.give(reply(invite, 180), BOB);
  expect(statusOf(world.give(request('INVITE')))).toEqual([180]);
  expect(world.pass(10_000)).toEqual([]);
  const busy = world.give(reply(invite, 486), BOB);
  expect(busy.map(({ to }) => to)).toEqual(['192.0.2.2:5070', '192.0.2.1:5060']);
  expect(statusOf(busy)).toEqual(['ACK', 486]);
  expect(headerValue(busy[0]?.message as SipMessage, 'To')).toBe('<sip:bob@example.test>;tag=b');
  expect(statusOf(world.give(request('INVITE')))).toEqual([486]);
  expect(world.pass(600)).toHaveLength(1);
  expect(world.give(ACK)).toEqual([]);
  expect(world.pass(5_000)).toEqual([]);
  expect(world.proxy.tables.dialogs.size).toBe(0);
});

test('an invitation is given up: before there was a response, and after', () => {
  for (const early of [true, false]) {
    const world = new World().register();
    const invite = world.invite();
    const cancel = request('CANCEL', { Via: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-INVITE' });
    if (!early) world.give(reply(invite, 180), BOB);
    const sent = world.give(cancel);
    if (early) sent.push(...world.give(reply(invite, 180), BOB));
    expect(new Set(statusOf(sent))).toEqual(new Set(early ? [180, 200, 'CANCEL'] : [200, 'CANCEL']));
    const away = sent.find(({ message }) => message.type === 'request')?.message as SipRequest;
    expect(headerValues(away, 'Via')).toEqual(headerValues(invite, 'Via').slice(0, 1));
    expect(statusOf(world.pass(500))).toEqual(['CANCEL']);
    expect(world.give(responseTo(away, 200, 'OK'), BOB)).toEqual([]);
    expect(statusOf(world.give(reply(invite, 487), BOB))).toEqual(['ACK', 487]);
    expect(statusOf(world.give(cancel))).toEqual([200]);
  }
});

test('one that rings for too long is given up by the proxy', () => {
  const world = new World({ timers: { timerCMs: 1_000 } }).register();
  world.give(reply(world.invite(), 180), BOB);
  const sent = world.pass(34_000);
  expect(statusOf(sent)[0]).toBe('CANCEL');
  expect(statusOf(sent)).toContain(487);
  expect(world.proxy.tables.dialogs.size).toBe(0);
});

test.each<[string, SipRequest, number]>([
  ['nobody is registered', request('INVITE', {}, 'sip:carol@example.test'), 480],
  ['another domain', request('INVITE', {}, 'sip:bob@192.0.2.77'), 403],
  ['by a way that a stranger wants', request('INVITE', { Route: '<sip:192.0.2.77;lr>' }), 403],
  ['no hops are left', request('INVITE', { 'Max-Forwards': '0' }), 483],
  ['a scheme that is not ours', request('INVITE', {}, 'tel:+49123'), 416],
  ['a secure one', request('INVITE', {}, 'sips:bob@example.test'), 416],
  ['an extension nobody knows', request('INVITE', { 'Proxy-Require': 'magic' }), 420],
  ['a call nobody knows', within('INFO', 'z9hG4bK-9'), 481],
  ['CANCEL of nothing', request('CANCEL'), 481],
  ['two tags', request('INVITE', { From: '<sip:alice@example.test>;tag=a;tag=b' }), 400],
  ['CSeq of another method', request('INVITE', { CSeq: '1 BYE' }), 400],
  ['a registration elsewhere', request('REGISTER', {}, 'sip:elsewhere.test'), 404],
  ['a wildcard that does not go', request('REGISTER', { Contact: '*' }), 400],
  ['a contact by name', request('REGISTER', { Contact: '<sip:bob.example.test>' }), 400],
  ['a registration that is too brief', request('REGISTER', { Expires: '5' }), 423],
])('refused: %s', (_, message, status) => {
  const world = new World().register();
  // Its own transaction, not that of bob's registration.
  const top = headerValue(message, 'Via')?.replace('z9hG4bK-', 'z9hG4bK-other-') ?? '';
  const bad = withHeader(withHeader(message, 'Via', [top]), 'Call-ID', ['other']);
  expect(statusOf(world.give(bad))).toEqual([status]);
  expect(world.proxy.tables.dialogs.size).toBe(0);
});

test('nothing is answered to what is no message, to an ACK, or to a stray response', () => {
  const world = new World().register();
  expect(world.give(encodeUtf8('\r\n\r\n'))).toEqual([]);
  expect(world.give(encodeUtf8('INVITE sip:bob@example.test SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n'))).toEqual([]);
  expect(world.give(within('ACK', 'z9hG4bK-8'))).toEqual([]);
  expect(world.give(request('ACK'))).toEqual([]);
  expect(
    world.give(reply(request('INVITE', { Via: 'SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKx' }), 200)),
  ).toEqual([]);
  expect(world.proxy.counters).toMatchObject({
    'dropped.malformed': 2,
    'dropped.ack': 2,
    'dropped.stray': 1,
  });
});

test('a loop is found: a contact that leads back here', () => {
  const world = new World();
  const contact = '<sip:bob@192.0.2.9:5060>';
  world.give(request('REGISTER', { Contact: contact }), BOB);
  let message: SipMessage = request('INVITE');
  const seen: (number | string)[] = [];
  for (let hop = 0; hop < 5 && !seen.includes(482); hop += 1) {
    const sent = world.give(message, hop === 0 ? ALICE : { address: '192.0.2.9', port: 5060 });
    seen.push(...statusOf(sent));
    message = sent.at(-1)?.message ?? message;
  }
  expect(seen).toContain(482);
});

test('registrations: repeated, out of order, renewed, expired, taken back', () => {
  const world = new World().register();
  const again = (cseq: number, fields: Record<string, string> = {}) => {
    const Via = `SIP/2.0/UDP 192.0.2.2:5070;branch=z9hG4bK-r${cseq}${fields['Expires'] ?? ''}`;
    const [sent] = world.give(request('REGISTER', { Via, CSeq: `${cseq} REGISTER`, ...fields }), BOB);
    const message = sent?.message as SipResponse;
    return [message.status, ...headerValues(message, 'Contact')];
  };
  expect(statusOf(world.give(request('REGISTER')))).toEqual([200]);
  expect(again(1)).toEqual([500]);
  expect(again(2, { Expires: '100' })).toEqual([200, '<sip:192.0.2.2:5070>;expires=100']);
  expect(again(3, { Contact: '<sip:192.0.2.3>;q=0.5;expires=200' })).toEqual([
    200,
    '<sip:192.0.2.2:5070>;expires=100',
    '<sip:192.0.2.3>;expires=200',
  ]);
  world.invite();
  world.pass(101_000);
  const rest = world.give(request('INVITE', { Via: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-i2' }));
  expect(rest.map(({ to }) => to)).toEqual(['192.0.2.1:5060', '192.0.2.3:5060']);
  expect(again(4, { Contact: '*', Expires: '0' })).toEqual([200]);
  expect(world.proxy.tables.users.size).toBe(0);
});

test('the store of subscribers is asked once, and its word holds', () => {
  const world = new World({ asks: true });
  const ask = (branch: string) => {
    const message = request('REGISTER', { Via: `SIP/2.0/UDP 192.0.2.2:5070;branch=z9hG4bK${branch}` });
    world.proxy.handle(encodeSipMessage(message), BOB, world.now);
    return world.proxy.take();
  };
  const [asked] = ask('1');
  expect(asked?.aor).toBe('sip:bob@example.test');
  expect(ask('1')).toEqual([]);
  world.proxy.admit(asked?.ask ?? '', { may: false }, world.now);
  expect(statusOf(world.take())).toEqual([403]);
  world.proxy.admit(ask('2')[0]?.ask ?? '', null, world.now);
  expect(statusOf(world.take())).toEqual([504]);
  world.proxy.admit(ask('3')[0]?.ask ?? '', { may: true, expiresMaxS: 90 }, world.now);
  const [sent] = world.take();
  expect(headerValue(sent?.message as SipMessage, 'Contact')).toBe('<sip:192.0.2.2:5070>;expires=90');
});

test('full tables answer 503, and what is there goes on', () => {
  const world = new World({ bounds: { usersMax: 1, transactionsMax: 3, dialogsMax: 1 } }).register();
  const carol = { To: '<sip:carol@example.test>', Via: 'SIP/2.0/UDP 192.0.2.3;branch=z9hG4bKc' };
  expect(statusOf(world.give(request('REGISTER', carol)))).toEqual([503]);
  const invite = world.invite();
  expect(statusOf(world.give(request('INVITE', { Via: 'SIP/2.0/UDP 192.0.2.3;branch=z9hG4bKd' })))).toEqual([
    503,
  ]);
  expect(statusOf(world.give(reply(invite, 200), BOB))).toEqual([200]);
  // Whoever invents tags makes no dialogs without bound.
  for (let tag = 0; tag < 50; tag += 1)
    world.give(withHeader(reply(invite, 200), 'To', [`<sip:bob@example.test>;tag=t${tag}`]), BOB);
  expect(world.proxy.tables.dialogs.size).toBe(8);
});

test('another one goes on with what was exported: it repeats, answers repetitions, and knows the calls', async () => {
  const before = new World().register();
  const invite = before.invite();
  before.give(reply(invite, 180), BOB);
  const after = new World();
  await after.proxy.tables.state.import('snapshot', before.proxy.tables.state.export('snapshot'));
  after.proxy.takeOver(after.now);
  expect(statusOf(after.give(request('INVITE')))).toEqual([180]);
  expect(statusOf(after.give(reply(invite, 200), BOB))).toEqual([200]);
  expect(statusOf(after.give(within('ACK', 'z9hG4bK-2')))).toEqual(['ACK']);
  expect(statusOf(after.give(within('BYE', 'z9hG4bK-3')))).toEqual(['BYE']);
  expect(statusOf(after.pass(500))).toEqual(['BYE']);
});

test('OPTIONS are answered in any role, counters only where that is wanted', () => {
  const world = new World({ tells: true });
  const options = request(
    'OPTIONS',
    { Accept: 'application/json', Via: 'SIP/2.0/UDP 192.0.2.1;rport' },
    'sip:192.0.2.9:5060',
  );
  expect(world.proxy.probe(encodeSipMessage(options), { address: '192.0.2.8', port: 4000 })).toBe(true);
  const [sent] = world.take();
  expect(sent).toMatchObject({ to: '192.0.2.8:4000', message: { status: 200 } });
  expect(JSON.parse(new TextDecoder().decode(sent?.message.body))).toMatchObject({ users: 0, dialogs: 0 });
  const quiet = new World();
  quiet.proxy.probe(encodeSipMessage(options), ALICE);
  expect(quiet.take()[0]?.message.body).toHaveLength(0);
  expect(quiet.proxy.probe(encodeSipMessage(request('OPTIONS')), ALICE)).toBe(false);
  expect(quiet.proxy.probe(encodeUtf8('OPTIONS x'), ALICE)).toBe(false);
});

test('OPTIONS are answered where the proxy runs, if that is not what it advertises', () => {
  const { proxy } = new World();
  const options = encodeSipMessage(request('OPTIONS', {}, 'sip:192.0.2.21:5060'));
  expect(proxy.probe(options, ALICE)).toBe(false);
  expect(proxy.probe(options, ALICE, { host: '192.0.2.21', port: 5060 })).toBe(true);
});

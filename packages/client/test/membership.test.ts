// SPDX-License-Identifier: Apache-2.0
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { PoolElement, type PoolElementClientOptions, type PoolElementEvent, PoolUser } from '@vnfpool/client';
import { asapRule } from '@vnfpool/runtime/asap';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { type AsapMessage, encodeAsap } from '@vnfpool/wire/asap';
import { CAUSE, errorCause, type PoolElement as FoundElement } from '@vnfpool/wire/parameters';
import { expect, onTestFinished, test } from 'vitest';
import { messagesOf, OpenRegistrar, scriptedRegistrar } from './open-scope.ts';

const fast = { backoffMinMs: 10, backoffMaxMs: 50, updateSpacingMs: 1 };
const echo = new TextEncoder().encode('echo');

function element(options: Partial<PoolElementClientOptions>) {
  const events: PoolElementEvent[] = [];
  const made = new PoolElement({
    security: 'open',
    poolHandle: 'echo',
    transport: { type: 'tcp', address: '127.0.0.1', port: 7 },
    tuning: fast,
    onEvent: (event) => events.push(event),
    ...options,
  });
  onTestFinished(() => made.close());
  return { element: made, events, names: () => events.map(({ event }) => event) };
}

function user(options: Partial<ConstructorParameters<typeof PoolUser>[0]>) {
  const made = new PoolUser({ security: 'open', ...options });
  onTestFinished(() => made.close());
  return made;
}

test('the registrar dies: the element registers at another, users find it there', async () => {
  const one = await new OpenRegistrar(1).listen();
  const two = await new OpenRegistrar(2).listen();
  const registrars = [one.address, two.address];
  const { element: made, names } = element({ registrars });
  await made.register();
  const [home, other] = one.elements.length > 0 ? [one, two] : [two, one];
  await home.stop();
  await expect.poll(names).toEqual(['registered', 'detached', 'registered']);
  expect(other.elements).toEqual([made.id]);
  expect((await user({ registrars: [other.address] }).resolve('echo')).element.id).toBe(made.id);
});

test('a registrar that never answers is passed over', async () => {
  const silent = await scriptedRegistrar(() => {});
  const good = await new OpenRegistrar(2).listen();
  const { element: made } = element({
    registrars: [silent, good.address],
    tuning: { ...fast, attemptsAtOnce: 1, registrationTimeoutMs: 50 },
  });
  await made.register();
  expect(good.elements).toEqual([made.id]);
});

test('adoption: a registrar opens an association, says so, and has the element', async () => {
  const asapTransports: unknown[] = [];
  const front = await scriptedRegistrar((message, say) => {
    if (message.type !== 'registration') return;
    asapTransports.push(message.element.asapTransport);
    const { poolHandle, element: registered } = message;
    say({ type: 'registration-response', rejected: false, poolHandle, elementId: registered.id, causes: [] });
  });
  const { element: made, names } = element({ registrars: [front], asap: { host: '127.0.0.1' } });
  await made.register();
  const [at] = asapTransports as [{ port: number }];
  const connection = await new TcpTransport({ rule: asapRule }).connect({ host: '127.0.0.1', port: at.port });
  onTestFinished(() => connection.close());
  const next = messagesOf(connection);
  const say = (message: AsapMessage) => connection.send(encodeAsap(message));
  say({ type: 'endpoint-keep-alive', becomeHome: true, registrarId: 9, poolHandle: echo });
  expect(await next()).toMatchObject({ type: 'endpoint-keep-alive-ack', elementId: made.id });
  expect(await next()).toMatchObject({ type: 'registration', element: { id: made.id } });
  say({ type: 'registration-response', rejected: false, poolHandle: echo, elementId: made.id, causes: [] });
  made.update({ type: 'round-robin' });
  expect(await next()).toMatchObject({ type: 'registration' });
  expect(names()).toEqual(['registered', 'adopted']);
  // The new home dies too: back to one that can be found.
  connection.close();
  await expect.poll(names).toEqual(['registered', 'adopted', 'detached', 'registered']);
});

test('a refusal is told in words', async () => {
  const registrar = await scriptedRegistrar((message, say) => {
    if (message.type === 'registration') say({ type: 'error', causes: [errorCause(0x100b)] });
  });
  await expect(element({ registrars: [registrar] }).element.register()).rejects.toMatchObject({
    code: 'rejected',
    message: 'pool policy not supported',
  });
});

test('updates: what the registrar tells by itself is used at once, and told', async () => {
  const found = (id: number): FoundElement => ({
    id,
    homeRegistrar: 1,
    registrationLife: 60,
    userTransport: { type: 'tcp', address: '127.0.0.1', port: 7 },
    policy: { type: 'round-robin' },
  });
  const response = (...ids: number[]): AsapMessage => ({
    type: 'handle-resolution-response',
    updatesAccepted: true,
    poolHandle: echo,
    policy: { type: 'round-robin' },
    elements: ids.map(found),
    causes: [],
  });
  let push: (message: AsapMessage) => void = () => {};
  const questions: AsapMessage[] = [];
  const registrar = await scriptedRegistrar((message, say) => {
    questions.push(message);
    push = say;
    say(response(1));
  });
  const told: number[][] = [];
  const alice = user({
    registrars: [registrar],
    tuning: { updates: true },
    onPoolChanged: (_handle, elements) => told.push(elements.map(({ id }) => id)),
  });
  expect((await alice.resolve('echo')).element.id).toBe(1);
  expect(questions).toMatchObject([{ type: 'handle-resolution', sendUpdates: true }]);
  push(response(2, 3));
  await expect.poll(() => told).toEqual([[1], [2, 3]]);
  expect((await alice.resolve('echo')).element.id).toBe(2);
  expect(alice.cached('echo').map(({ id }) => id)).toEqual([2, 3]);
  const gone: AsapMessage = {
    type: 'handle-resolution-response',
    updatesAccepted: false,
    poolHandle: echo,
    elements: [],
    causes: [errorCause(CAUSE.unknownPoolHandle)],
  };
  push(gone);
  await expect.poll(() => told.at(-1)).toEqual([]);
  expect(questions).toHaveLength(1);
});

test('the cache is filled and emptied on demand', async () => {
  const registrar = await new OpenRegistrar(1).listen();
  const { element: made } = element({ registrars: [registrar.address] });
  await made.register();
  const alice = user({ registrars: [registrar.address] });
  expect(alice.cached('echo')).toEqual([]);
  await alice.resolve('echo');
  expect(alice.cached('echo').map(({ id }) => id)).toEqual([made.id]);
  alice.purge('echo');
  expect(alice.cached('echo')).toEqual([]);
});

test('registrars that announce themselves are found', async () => {
  const registrar = await new OpenRegistrar(1).listen();
  const probe = createSocket('udp4').bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  const alice = user({ announcements: { group: '127.0.0.1', port } });
  const { element: made } = element({ registrars: [registrar.address] });
  await made.register();
  const announcer = createSocket('udp4');
  const { host: address, port: tcpPort } = registrar.address;
  const announce = encodeAsap({
    type: 'server-announce',
    registrarId: 1,
    transports: [{ type: 'tcp', address, port: tcpPort }],
  });
  announcer.send(Uint8Array.of(1, 2, 3), port, '127.0.0.1');
  // As registrars do: again and again.
  const again = setInterval(() => announcer.send(announce, port, '127.0.0.1'), 20);
  onTestFinished(() => {
    clearInterval(again);
    announcer.close();
  });
  expect((await alice.resolve('echo')).element.id).toBe(made.id);
});

test('options that cannot be meant are refused at once', () => {
  const registrars = [{ host: '127.0.0.1', port: 1 }];
  expect(() => new PoolUser({ security: 'open' })).toThrow(RangeError);
  expect(() => new PoolUser({ registrars })).toThrow(RangeError);
  expect(() => element({ registrars, poolHandle: '' })).toThrow(RangeError);
  expect(() => element({ registrars, profile: 'rsplib', poolHandle: 'x'.repeat(33) })).toThrow(RangeError);
});

test('load: of the sessions, of the application, or of no meaning', async () => {
  const registrar = await new OpenRegistrar(1).listen();
  const registrars = [registrar.address];
  const made = new PoolElement({
    registrars,
    security: 'open',
    poolHandle: 'echo',
    listen: { host: '127.0.0.1' },
    policy: { type: 'least-used', load: 0 },
    capacity: 4,
    tuning: fast,
  });
  onTestFinished(() => made.close());
  await made.serve(async (session) => {
    for await (const _ of session);
  });
  const alice = user({ registrars });
  const load = async () => {
    const { policy } = (await alice.resolve('echo', { staleMs: 0 })).element;
    return 'load' in policy ? policy.load / 0xffffffff : undefined;
  };
  const session = await alice.open('echo');
  await expect.poll(load).toBeCloseTo(0.25);
  session.close();
  await expect.poll(load).toBe(0);
  made.setLoad(0.5);
  await expect.poll(load).toBeCloseTo(0.5);
  expect(() => element({ registrars }).element.setLoad(0.5)).toThrow(RangeError);
});

test('leaving: sessions go on, new ones do not come', async () => {
  const registrar = await new OpenRegistrar(1).listen();
  const registrars = [registrar.address];
  const made = new PoolElement({
    registrars,
    security: 'open',
    poolHandle: 'echo',
    listen: { host: '127.0.0.1' },
  });
  onTestFinished(() => made.close());
  await made.serve(async (session) => {
    for await (const message of session) await session.send(message);
  });
  const alice = user({ registrars });
  const session = await alice.open('echo');
  await made.deregister();
  await session.send('still there');
  const { value } = await session[Symbol.asyncIterator]().next();
  expect(new TextDecoder().decode(value as Uint8Array)).toBe('still there');
  alice.purge('echo');
  await expect(alice.open('echo')).rejects.toMatchObject({ code: 'unknown-pool' });
});

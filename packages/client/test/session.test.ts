// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import {
  cookieSeal,
  PoolElement,
  type PoolElementClientOptions,
  PoolError,
  PoolUser,
  type PoolUserClientOptions,
  type ServeOptions,
  type Session,
  type SessionEvent,
  type SessionHandler,
  type SessionOptions,
} from '@vnfpool/client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { OpenRegistrar } from './open-scope.ts';

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
const fast = { backoffMinMs: 10, backoffMaxMs: 50, updateSpacingMs: 1 };

const echo: SessionHandler = async (session) => {
  for await (const message of session) await session.send(message);
};
/** Counts; its state is the number so far. */
const counter: SessionHandler = async (session) => {
  let count = Number(text(session.restored ?? new Uint8Array(0)) || '0');
  for await (const message of session) {
    count += 1;
    session.saveState(`${count}`);
    await session.send(`${text(message)}${count}`);
  }
};

interface ElementOptions extends Partial<PoolElementClientOptions> {
  readonly handler?: SessionHandler;
  readonly serve?: ServeOptions;
  readonly use?: 'data' | 'data-and-control';
}

async function scope() {
  const registrar = await new OpenRegistrar(1).listen();
  const registrars = [registrar.address];
  const element = async ({ handler = echo, serve = {}, use, ...options }: ElementOptions = {}) => {
    const made = new PoolElement({
      registrars,
      security: 'open',
      poolHandle: 'echo',
      listen: { host: '127.0.0.1', ...(use === undefined ? {} : { use }) },
      tuning: fast,
      ...options,
    });
    onTestFinished(() => made.close());
    await made.serve(handler, { heartbeatMs: 100, ...serve });
    return made;
  };
  const user = (options: Partial<PoolUserClientOptions> = {}) => {
    const made = new PoolUser({ registrars, security: 'open', ...options });
    onTestFinished(() => made.close());
    return made;
  };
  return { registrar, registrars, element, user };
}

function reader(session: Session): () => Promise<string | undefined> {
  const messages = session[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await messages.next();
    return done === true ? undefined : text(value);
  };
}

/** The session has come to this element. */
const at = (session: Session, element: PoolElement) =>
  expect.poll(() => session.element?.id, { timeout: 4000 }).toBe(element.id);

function story(options: SessionOptions = {}): SessionOptions & { readonly events: SessionEvent[] } {
  const events: SessionEvent[] = [];
  return { ...options, events, onEvent: (event) => events.push(event), heartbeatMs: 100, pauseMs: 10 };
}

describe.each(['data-and-control', 'data'] as const)('sessions, %s', (use) => {
  test('messages go to and fro, and either end ends it', async () => {
    const { element, user } = await scope();
    await element({
      use,
      handler: async (session) => {
        for await (const message of session) {
          if (text(message) === 'bye') return;
          await session.send(message);
        }
      },
    });
    const session = await user().open('echo');
    const read = reader(session);
    await session.send('a');
    expect(await read()).toBe('a');
    await session.send('bye');
    expect(await read()).toBeUndefined();
    expect(session.over).toBe(true);
    await expect(session.send('b')).rejects.toMatchObject({ code: 'closed' });
  });

  test('a server that speaks first is heard', async () => {
    const { element, user } = await scope();
    await element({ use, handler: (session) => session.send('noon') });
    const session = await user().open('echo');
    const read = reader(session);
    expect(await read()).toBe('noon');
    expect(await read()).toBeUndefined();
  });

  test('what is sent faster than it is read is held back, and all of it comes', async () => {
    const { element, user } = await scope();
    const lines = 400;
    const block = randomBytes(16 * 1024);
    await element({
      use,
      handler: async (session) => {
        for (let line = 0; line < lines; line += 1) await session.send(block);
      },
    });
    // While it does not read, the server's questions wait: it has to say often enough that it is there.
    const session = await user().open('echo', { receiveBytesMax: 64 * 1024, heartbeatMs: 100 });
    let bytes = 0;
    const hash = createHash('sha256');
    for await (const message of session) {
      bytes += message.length;
      hash.update(message);
      // Lets the sender run ahead as far as it may.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    expect(bytes).toBe(lines * block.length);
    const expected = createHash('sha256');
    for (let line = 0; line < lines; line += 1) expected.update(block);
    expect(hash.digest('hex')).toBe(expected.digest('hex'));
  });
});

describe('failover', () => {
  test('the server dies in mid-session: another goes on, the state first', async () => {
    const { element, user, registrar } = await scope();
    const first = await element({ handler: counter, policy: { type: 'priority', priority: 2 } });
    const second = await element({ handler: counter, policy: { type: 'priority', priority: 1 } });
    const options = story();
    const session = await user().open('echo', options);
    const read = reader(session);
    await session.send('a');
    expect(await read()).toBe('a1');
    await session.send('b');
    expect(await read()).toBe('b2');
    expect(session.element?.id).toBe(first.id);
    first.close();
    await at(session, second);
    await session.send('c');
    expect(await read()).toBe('c3');
    expect(options.events.map(({ event }) => event).filter((event) => event !== 'cookie')).toEqual([
      'opened',
      'failing-over',
      'failed-over',
    ]);
    const failedOver = options.events.find(({ event }) => event === 'failed-over');
    expect(failedOver).toMatchObject({ from: { id: first.id }, to: { id: second.id }, cookieSent: true });
    expect(registrar.elements).toEqual([second.id]);
  });

  test('ten times in a row, counting on', async () => {
    const { element, user } = await scope();
    let serving = await element({ handler: counter });
    const session = await user().open('echo', story());
    const read = reader(session);
    for (let round = 1; round <= 10; round += 1) {
      await session.send('x');
      expect(await read()).toBe(`x${round}`);
      const next = await element({ handler: counter });
      serving.close();
      await at(session, next);
      serving = next;
    }
  });

  test('a sealed state goes on only where the secret is known', async () => {
    const { element, user } = await scope();
    const secret = randomBytes(32);
    const seal = (key: Uint8Array) => cookieSeal({ secrets: [key], poolHandle: 'echo' });
    const refused: string[] = [];
    const first = await element({ handler: counter, serve: { cookies: seal(secret) } });
    const session = await user().open('echo', story());
    const read = reader(session);
    await session.send('a');
    expect(await read()).toBe('a1');
    const second = await element({ handler: counter, serve: { cookies: seal(secret) } });
    first.close();
    await at(session, second);
    await session.send('b');
    expect(await read()).toBe('b2');
    const stranger = await element({
      handler: counter,
      serve: { cookies: seal(randomBytes(32)), onCookieRefused: (fault) => refused.push(fault) },
    });
    second.close();
    await at(session, stranger);
    await session.send('c');
    expect(await read()).toBe('c1');
    expect(refused).toEqual(['unknown secret']);
  });

  test('the order of the business card decides who goes on', async () => {
    const { element, user } = await scope();
    const others = [
      await element({ handler: counter, policy: { type: 'priority', priority: 8 } }),
      await element({ handler: counter, policy: { type: 'priority', priority: 1 } }),
    ];
    const alice = user();
    const known = await alice.resolve('echo', { items: 10 });
    const found = [known.element, ...known.alternatives];
    const last = others[1] as PoolElement;
    const first = await element({
      handler: counter,
      policy: { type: 'priority', priority: 9 },
      serve: { standIns: () => found.filter(({ id }) => id === last.id) },
    });
    const options = story();
    const session = await user().open('echo', options);
    const read = reader(session);
    await session.send('a');
    await read();
    first.close();
    await at(session, last);
    await session.send('b');
    expect(await read()).toBe('b2');
    expect(options.events.map(({ event }) => event)).toContain('business-card');
  });

  test('unacknowledged messages are sent again, acknowledged ones are not', async () => {
    const { element, user } = await scope();
    const deaf: SessionHandler = async (session) => {
      for await (const message of session) if (text(message) === 'a') await session.send('got a');
    };
    const first = await element({ handler: deaf, policy: { type: 'priority', priority: 2 } });
    await element({ policy: { type: 'priority', priority: 1 } });
    const options = story({ resend: 'unacknowledged' });
    const session = await user().open('echo', options);
    const read = reader(session);
    const number = await session.send('a');
    expect(await read()).toBe('got a');
    session.acknowledge(number);
    await session.send('b');
    await session.send('c');
    first.close();
    expect([await read(), await read()]).toEqual(['b', 'c']);
    expect(options.events.find(({ event }) => event === 'failed-over')).toMatchObject({
      resent: 2,
      returned: [],
    });
  });

  test('the registrar dies with the server: the cache names another, though it is old', async () => {
    const { element, user, registrar } = await scope();
    const first = await element({ policy: { type: 'priority', priority: 2 } });
    const second = await element({ policy: { type: 'priority', priority: 1 } });
    const session = await user({ tuning: { staleMs: 0 } }).open('echo', story({ resolveTimeoutMs: 50 }));
    expect(session.element?.id).toBe(first.id);
    await registrar.stop();
    first.close();
    await at(session, second);
  });

  test('by the application, when an element is of no use', async () => {
    const { element, user } = await scope();
    await element();
    await element();
    const session = await user().open('echo', story());
    const former = session.element?.id;
    session.failOver('too slow');
    await session.send('a');
    expect(await reader(session)()).toBe('a');
    expect(session.element?.id).not.toBe(former);
  });

  test('nobody is left: the session ends with an error, and gives back what it could not send', async () => {
    const { element, user } = await scope();
    const only = await element();
    const options = story({ triesMax: 2 });
    const session = await user().open('echo', options);
    only.close();
    await expect.poll(() => session.element).toBeUndefined();
    await session.send('lost').catch(() => {});
    await expect(reader(session)()).rejects.toMatchObject({ code: 'unreachable' });
    expect(options.events.at(-1)).toMatchObject({ event: 'failed' });
    await expect(session.send('x')).rejects.toBeInstanceOf(PoolError);
  });

  test('a plain stream: closing is the end, unless the application says otherwise', async () => {
    const { element, user } = await scope();
    const first = await element({ use: 'data', policy: { type: 'priority', priority: 2 } });
    const second = await element({ use: 'data', policy: { type: 'priority', priority: 1 } });
    const ends = await user().open('echo', story());
    const goesOn = await user().open('echo', story({ peerClose: 'fail-over' }));
    expect([ends.element?.id, goesOn.element?.id]).toEqual([first.id, first.id]);
    first.close();
    expect(await reader(ends)()).toBeUndefined();
    await expect.poll(() => goesOn.element?.id).toBe(second.id);
    await goesOn.send('a');
    expect(await reader(goesOn)()).toBe('a');
  });
});

describe('what comes over the channel', () => {
  /** An element whose sessions are sockets of the test's own. */
  async function raw(onSocket: (socket: Socket) => void) {
    const made = await scope();
    const server = createServer((socket) => {
      socket.on('error', () => {});
      onTestFinished(() => void socket.destroy());
      onSocket(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const transport = { type: 'tcp', address: '127.0.0.1', port, use: 'data-and-control' } as const;
    const bad = new PoolElement({
      registrars: made.registrars,
      security: 'open',
      poolHandle: 'echo',
      policy: { type: 'priority', priority: 9 },
      transport,
    });
    onTestFinished(() => bad.close());
    await bad.register();
    const good = await made.element({ policy: { type: 'priority', priority: 1 } });
    return { ...made, bad, good };
  }

  test('an element that falls silent is lost', async () => {
    const { user, bad, good } = await raw(() => {});
    const session = await user().open('echo', { ...story(), heartbeatMs: 20 });
    expect(session.element?.id).toBe(bad.id);
    await at(session, good);
  });

  test('one that answers heartbeats is not', async () => {
    let beats = 0;
    const { user, bad } = await raw((socket) => {
      socket.on('data', () => {
        beats += 1;
        socket.write(Buffer.from('00000000fffffffe', 'hex'));
      });
    });
    const session = await user().open('echo', { ...story(), heartbeatMs: 20 });
    await expect.poll(() => beats, { timeout: 20_000 }).toBeGreaterThan(5);
    expect(session.element?.id).toBe(bad.id);
  });

  test('who does not read for long says so by heartbeats, and accuses nobody', async () => {
    const blocks = 16;
    const block = Buffer.alloc(16 * 1024, 7);
    const header = Buffer.alloc(8);
    header.writeUInt32BE(block.length, 0);
    let beats = 0;
    const { user, bad } = await raw((socket) => {
      for (let count = 0; count < blocks; count += 1) socket.write(Buffer.concat([header, block]));
      socket.on('data', () => {
        beats += 1;
      });
    });
    const told = story();
    const session = await user().open('echo', { ...told, heartbeatMs: 20, receiveBytesMax: block.length });
    await expect.poll(() => beats, { timeout: 20_000 }).toBeGreaterThan(8);
    let bytes = 0;
    for await (const message of session) {
      bytes += message.length;
      if (bytes === blocks * block.length) session.close();
    }
    expect(bytes).toBe(blocks * block.length);
    expect(told.events.map(({ event }) => event)).not.toContain('failing-over');
    expect(bad.registered).toBe(true);
  });

  test.each([
    ['nothing that can be read', '47455420'.repeat(4)],
    ['an ASAP message that is none', '000000040000000b0b000002'],
    ['a heartbeat with a payload', '00000001ffffffff00'],
  ])('%s: the session goes on elsewhere', async (_name, hex) => {
    const { user, good } = await raw((socket) => void socket.write(Buffer.from(hex, 'hex')));
    const session = await user().open('echo', story());
    await at(session, good);
  });

  test('an element is not troubled by what it cannot read', async () => {
    const { user, good } = await raw((socket) => void socket.destroy());
    const { element: found } = await user().resolve('echo');
    const target = [found, ...(await user().resolve('echo')).alternatives].find(({ id }) => id === good.id);
    const to = target?.userTransport;
    if (to?.type !== 'tcp') throw new Error('no element over TCP');
    const socket = connect(to.port, to.address);
    socket.on('error', () => {});
    socket.write(randomBytes(64).fill(0xff, 0, 4));
    await once(socket, 'close');
    const session = await user().open('echo', story());
    await at(session, good);
    await session.send('a');
    expect(await reader(session)()).toBe('a');
  });
});

describe('bounds', () => {
  test('opening: unknown pool, time, signal, close', async () => {
    const { user, element } = await scope();
    const alice = user();
    await expect(alice.open('nobody')).rejects.toMatchObject({ code: 'unknown-pool' });
    await expect(alice.open('echo', { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    });
    await element();
    const ending = new AbortController();
    const session = await alice.open('echo', { signal: ending.signal });
    const waiting = reader(session)();
    ending.abort();
    expect(await waiting).toBeUndefined();
    const other = await alice.open('echo');
    alice.close();
    expect(other.over).toBe(true);
    await expect(alice.open('echo')).rejects.toMatchObject({ code: 'closed' });
  });

  test('a message beyond the bound is not sent', async () => {
    const { user, element } = await scope();
    await element();
    const session = await user().open('echo', { messageBytesMax: 10 });
    await expect(session.send(new Uint8Array(11))).rejects.toBeInstanceOf(RangeError);
  });

  test('messages go out however long both ends admit them', async () => {
    const { user, element } = await scope();
    const messageBytesMax = 8 * 1024 * 1024;
    await element({ serve: { messageBytesMax } });
    const session = await user().open('echo', { messageBytesMax });
    const answers = session[Symbol.asyncIterator]();
    for (const bytes of [messageBytesMax, 1, messageBytesMax - 1]) {
      await session.send(new Uint8Array(bytes));
      expect((await answers.next()).value?.length).toBe(bytes);
    }
    // 32 MB through four sockets, on a machine that does other things as well.
  }, 30_000);

  test('who sends without waiting is held back, in order, and does not lose the element by it', async () => {
    const { user, element } = await scope();
    const got: number[] = [];
    await element({
      handler: async (session) => {
        for await (const message of session) got.push(message[0] ?? -1);
      },
    });
    const events: string[] = [];
    const session = await user().open('echo', { onEvent: ({ event }) => events.push(event) });
    const sent = Array.from({ length: 60 }, (_, index) => session.send(new Uint8Array(200_000).fill(index)));
    expect(await Promise.all(sent)).toEqual(sent.map((_, index) => index + 1));
    await expect.poll(() => got).toEqual(sent.map((_, index) => index));
    expect(events).toEqual(['opened']);
  });

  test('unacknowledged messages hold back the sender, who can be called off', async () => {
    const { user, element } = await scope();
    await element();
    const session = await user().open('echo', { resend: 'unacknowledged', bytesMax: 4 });
    await session.send('abcd');
    const ending = new AbortController();
    const aborted = session.send('e', { signal: ending.signal });
    ending.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
    const sent = session.send('f');
    session.acknowledge(1);
    expect(await sent).toBe(2);
  });

  test('sessions beyond the bound are refused, and their users go elsewhere', async () => {
    const { user, element } = await scope();
    const full = await element({ policy: { type: 'priority', priority: 2 }, serve: { sessionsMax: 1 } });
    const other = await element({ policy: { type: 'priority', priority: 1 } });
    const one = await user().open('echo', story());
    const two = await user().open('echo', story());
    await at(two, other);
    await two.send('a');
    expect(await reader(two)()).toBe('a');
    expect(one.element?.id).toBe(full.id);
  });

  test('a handler that throws loses its session; the error is told', async () => {
    const { user, element } = await scope();
    const errors: unknown[] = [];
    await element({
      handler: () => Promise.reject(new Error('my own')),
      serve: { onError: (error) => errors.push(error) },
    });
    const session = await user().open('echo', story({ triesMax: 1 }));
    await expect(reader(session)()).rejects.toMatchObject({ code: 'unreachable' });
    expect(errors.length).toBeGreaterThan(0);
  });
});

describe('one message, §6', () => {
  async function collecting() {
    const made = await scope();
    const got: string[] = [];
    const collect =
      (name: string): SessionHandler =>
      async (session) => {
        for await (const message of session) got.push(`${name}:${text(message)}`);
      };
    const a = await made.element({ handler: collect('a'), policy: { type: 'priority', priority: 2 } });
    const b = await made.element({ handler: collect('b'), policy: { type: 'priority', priority: 1 } });
    return { ...made, got, a, b };
  }

  test('to whom the policy chooses; to the one used last; to all but one', async () => {
    const { user, got, a, b } = await collecting();
    const alice = user();
    expect((await alice.send('echo', 'x')).delivered).toMatchObject([{ id: a.id }]);
    expect((await alice.send('echo', 'y', { to: 'last' })).delivered).toMatchObject([{ id: a.id }]);
    await alice.send('echo', 'z', { to: 'all' });
    await alice.send('echo', 'w', { to: 'all', except: a.id });
    await expect.poll(() => got.toSorted()).toEqual(['a:x', 'a:y', 'a:z', 'b:w', 'b:z']);
    expect(b.registered).toBe(true);
  });

  test('a message that no element would take is not delivered', async () => {
    const { user, got } = await collecting();
    await expect(user().send('echo', new Uint8Array(300_000))).rejects.toBeInstanceOf(RangeError);
    expect(got).toEqual([]);
  });

  test('failover, or none', async () => {
    const { user, got, a } = await collecting();
    const alice = user();
    await alice.resolve('echo');
    const bob = user();
    await bob.resolve('echo');
    a.close();
    await expect(bob.send('echo', 'x', { failover: false })).rejects.toMatchObject({ code: 'unreachable' });
    expect((await alice.send('echo', 'y')).failed).toMatchObject([{ element: { id: a.id } }]);
    await expect.poll(() => got).toEqual(['b:y']);
  });
});

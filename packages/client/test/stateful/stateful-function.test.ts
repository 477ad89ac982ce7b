// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  type PoolError,
  StatefulFunction,
  type StatefulFunctionOptions,
  TrackedMap,
  TrackedSessions,
} from '@vnfpool/client';
import { describe, expect, onTestFinished, test, vi } from 'vitest';

// Processes and deadlines: a busy machine may take its time.
vi.setConfig({ testTimeout: 30_000 });

type Line = Readonly<Record<string, unknown>>;

/** An agent that says what a test wants. The real one is met in the tests of packages/daemons. */
class FakeAgent {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'vnfpool-'));
  readonly path: string = join(this.folder, 's');
  readonly #lines: Line[] = [];
  #wake: (() => void) | undefined;
  #socket?: Socket;
  #id = 0;

  async listen(welcome: Line | string): Promise<this> {
    await this.serve('s', (socket) => {
      this.#socket = socket;
      createInterface({ input: socket })
        .on('error', () => undefined)
        .on('line', (line) => {
          const said = JSON.parse(line) as Line;
          if (said['op'] === 'hello') this.say(welcome);
          this.#lines.push(said);
          this.#wake?.();
        });
    });
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
    return this;
  }

  async serve(name: string, take: (socket: Socket) => void): Promise<string> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      take(socket);
    });
    const path = join(this.folder, name);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    onTestFinished(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return path;
  }

  say(line: Line | string): void {
    this.#socket?.write(typeof line === 'string' ? line : `${JSON.stringify(line)}\n`);
  }

  /** Asks, and gives the answer. */
  ask(order: Line): { readonly id: number; readonly answer: Promise<Line> } {
    this.#id += 1;
    const id = this.#id;
    this.say({ id, ...order });
    return { id, answer: this.heard((line) => line['id'] === id) };
  }

  async heard(wanted: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.#lines.findIndex(wanted);
      if (found >= 0) return this.#lines.splice(found, 1)[0] ?? {};
      await new Promise<void>((resolve) => {
        const before = this.#wake;
        this.#wake = () => {
          before?.();
          resolve();
        };
      });
    }
  }

  hangUp(): void {
    this.#socket?.destroy();
  }
}

const WELCOME = { op: 'welcome', v: 1, name: 'kv#1', role: null, epoch: null };

async function begin(options: Partial<StatefulFunctionOptions> = {}, welcome: Line = WELCOME) {
  const agent = await new FakeAgent().listen(welcome);
  const state = new TrackedMap();
  const made = await StatefulFunction.start({ state, path: agent.path, ...options });
  onTestFinished(() => made.close());
  return { agent, state, made };
}

test('says hello with its format, is welcomed, and hears its role', async () => {
  const roles: string[] = [];
  const { agent, made } = await begin(
    { onRole: (role, epoch) => void roles.push(`${role}/${epoch}`) },
    { ...WELCOME, role: 'standby', epoch: '3' },
  );
  expect(await agent.heard(({ op }) => op === 'hello')).toEqual({ op: 'hello', v: 1, format: 'kv/1' });
  expect(made).toMatchObject({ name: 'kv#1', role: 'standby', epoch: '3' });
  expect(await agent.ask({ op: 'role', role: 'active', epoch: '4' }).answer).toMatchObject({ ok: true });
  expect(roles).toEqual(['standby/3', 'active/4']);
  made.tellHealth(false, 'no peers');
  expect(await agent.heard(({ op }) => op === 'health')).toEqual({
    op: 'health',
    ok: false,
    reason: 'no peers',
  });
});

test('without an agent a function is alone, and active', async () => {
  const roles: string[] = [];
  const made = await StatefulFunction.start({
    state: new TrackedMap(),
    onRole: (role) => void roles.push(role),
  });
  expect(roles).toEqual(['active']);
  expect(await made.change(() => 7)).toBe(7);
});

test('quiesced: what is under way ends first, what comes waits, and goes on after resume', async () => {
  const { agent, made, state } = await begin({ waitingMax: 2 });
  let finish = (): void => undefined;
  const slow = made.change(
    () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
  );
  const quiesce = agent.ask({ op: 'quiesce' });
  await expect.poll(() => made.quiesced).toBe(true);
  const waiting = [made.change(() => state.set('a', 1)), made.change(() => state.set('b', 1))];
  await expect(made.change(() => undefined)).rejects.toMatchObject({ code: 'overloaded' });
  finish();
  await slow;
  expect(await quiesce.answer).toMatchObject({ ok: true });
  expect(state.size).toBe(0);
  expect(await agent.ask({ op: 'resume' }).answer).toMatchObject({ ok: true });
  await Promise.all(waiting);
  expect(state.size).toBe(2);
});

test('a quiesce that was given up does not hold up the resume', async () => {
  const { agent, made } = await begin();
  void made.change(() => new Promise(() => undefined));
  const { id } = agent.ask({ op: 'quiesce' });
  agent.say({ op: 'cancel', id });
  expect(await agent.ask({ op: 'resume' }).answer).toMatchObject({ ok: true });
  expect(made.quiesced).toBe(false);
});

test('an agent that is gone is looked for: all stays as it is until it is back and says otherwise', async () => {
  const ends: PoolError[] = [];
  const roles: string[] = [];
  const { agent, made } = await begin(
    { onEnd: (error) => void ends.push(error), onRole: (role) => void roles.push(role) },
    { ...WELCOME, role: 'active', epoch: '3' },
  );
  await agent.ask({ op: 'quiesce' }).answer;
  const waiting = made.change(() => 'changed');
  await agent.heard(({ op }) => op === 'hello');
  agent.hangUp();
  await agent.heard(({ op }) => op === 'hello');
  expect([made.role, made.epoch, made.quiesced]).toEqual(['active', '3', true]);
  expect(await agent.ask({ op: 'resume' }).answer).toMatchObject({ ok: true });
  expect(await waiting).toBe('changed');
  expect([roles, ends]).toEqual([['active', 'active'], []]);
});

test('a function that is closed looks for no agent any more, and who waits is told', async () => {
  const ends: PoolError[] = [];
  const { agent, made } = await begin({ onEnd: (error) => void ends.push(error) });
  await agent.ask({ op: 'quiesce' }).answer;
  const waiting = made.change(() => undefined);
  agent.hangUp();
  made.close();
  made.close();
  await expect(waiting).rejects.toMatchObject({ code: 'closed' });
  await expect(made.change(() => undefined)).rejects.toMatchObject({ code: 'closed' });
  expect(ends).toMatchObject([{ code: 'closed' }]);
});

test('an agent that refuses is not asked again', async () => {
  const ends: PoolError[] = [];
  const { agent } = await begin({ onEnd: (error) => void ends.push(error) });
  agent.say({ op: 'refused', reason: 'not understood' });
  await expect.poll(() => ends).toMatchObject([{ code: 'refused' }]);
});

test('a handler that fails is an answer with its words', async () => {
  const { agent } = await begin({
    onRole: () => {
      throw new Error('no licence');
    },
  });
  expect(await agent.ask({ op: 'role', role: 'active', epoch: '1' }).answer).toMatchObject({
    ok: false,
    error: 'no licence',
  });
});

describe('state', () => {
  test('an import that breaks off in the middle changes nothing', async () => {
    const { agent, state } = await begin();
    state.set('here', 1);
    const data = await agent.serve('d', (socket) =>
      socket.end(Buffer.from('\0\0\0\x0e["set","a",1]\n', 'latin1')),
    );
    expect(await agent.ask({ op: 'import', kind: 'snapshot', data }).answer).toMatchObject({ ok: false });
    expect([...state.entries()]).toEqual([['here', 1]]);
  });

  test('an import that is not read to its end is not confirmed', async () => {
    const { agent } = await begin({
      state: {
        export: () => [],
        import: async (_kind, chunks) => {
          for await (const _ of chunks) return;
        },
        discard: () => undefined,
      },
    });
    const data = await agent.serve('d', (socket) => socket.write(Buffer.from('\0\0\0\x01x', 'latin1')));
    expect(await agent.ask({ op: 'import', kind: 'snapshot', data }).answer).toMatchObject({
      ok: false,
      error: 'the state was not read to its end',
    });
  });

  test('an export that the agent gives up is left, and its changes are not lost', async () => {
    const { agent, state } = await begin();
    for (let each = 0; each < 40_000; each += 1) state.set(`key ${each}`, 'x'.repeat(100));
    // Never read: it stands still in the middle.
    const data = await agent.serve('d', (socket) => socket.pause());
    const { id, answer } = agent.ask({ op: 'export', kind: 'snapshot', data });
    agent.say({ op: 'cancel', id });
    expect(await answer).toMatchObject({ ok: false });
    const chunks: Buffer[] = [];
    const again = await agent.serve('e', (socket) => socket.on('data', (chunk) => chunks.push(chunk)));
    expect(await agent.ask({ op: 'export', kind: 'delta', data: again }).answer).toMatchObject({ ok: true });
    await expect.poll(() => Buffer.concat(chunks).toString('latin1').match(/"set"/g)?.length).toBe(40_000);
  });

  test('nobody at the data socket is an answer, too', async () => {
    const { agent } = await begin();
    const data = join(agent.folder, 'nobody');
    for (const op of ['export', 'import'])
      expect(await agent.ask({ op, kind: 'snapshot', data }).answer).toMatchObject({ ok: false });
  });
});

test('its rate of changes is told, and that it has ended', async () => {
  const { agent, made, state } = await begin();
  await made.change(() => state.set('a', 'x'.repeat(500)));
  const told = await agent.heard(({ op }) => op === 'changes');
  expect(Number(told['bytesPerSecond'])).toBeGreaterThan(0);
  expect(await agent.heard(({ op }) => op === 'changes')).toMatchObject({ bytesPerSecond: 0 });
});

test('an agent that says no, or nothing, or what nobody understands', async () => {
  const start = async (welcome: Line | string) => {
    const { path } = await new FakeAgent().listen(welcome);
    return StatefulFunction.start({ state: new TrackedMap(), path, timeoutMs: 200 });
  };
  await expect(start({ op: 'refused', reason: 'another connection' })).rejects.toMatchObject({
    code: 'refused',
    message: 'the agent says: another connection',
  });
  await expect(start('')).rejects.toMatchObject({ code: 'timeout' });
  await expect(start('hello?\n')).rejects.toMatchObject({ code: 'internal' });
  await expect(start('x'.repeat(70_000))).rejects.toMatchObject({ code: 'internal' });
  const nobody = StatefulFunction.start({ state: new TrackedMap(), path: '/nonexistent/s' });
  await expect(nobody).rejects.toMatchObject({ code: 'closed' });
});

describe('single sessions', () => {
  test('it says that they can move and how many there are, and does what it is asked', async () => {
    const state = new TrackedMap();
    for (const key of ['a', 'b', 'c']) state.set(key, 1);
    const forward = { address: '192.0.2.11', port: 7 };
    const { agent } = await begin({
      state,
      sessions: new TrackedSessions(state, { forward: () => forward }),
    });
    expect(await agent.heard(({ op }) => op === 'hello')).toMatchObject({ sessions: true });
    expect(await agent.heard(({ op }) => op === 'sessions')).toEqual({ op: 'sessions', count: 3 });
    const two = [{ type: 'count', count: 2 }];
    expect(await agent.ask({ op: 'select', sessions: two }).answer).toMatchObject({ ok: true, count: 2 });
    const data = await agent.serve('d', (socket) => void socket.resume());
    const scope = 'sessions';
    const exported = agent.ask({ op: 'export', kind: 'snapshot', data, scope });
    expect(await exported.answer).toMatchObject({ ok: true, count: 2 });
    expect(await agent.ask({ op: 'quiesce', scope }).answer).toMatchObject({ ok: true });
    expect(await agent.ask({ op: 'moved', forward }).answer).toMatchObject({ ok: true });
    expect(await agent.heard(({ op }) => op === 'sessions')).toEqual({ op: 'sessions', count: 1 });
    expect([...state.entries()]).toEqual([['c', 1]]);
    expect(await agent.ask({ op: 'expect' }).answer).toMatchObject({ ok: true, forward });
    const line = Buffer.from('["set","d",1]\n');
    const block = Buffer.concat([Buffer.of(0, 0, 0, line.length), line, Buffer.alloc(4)]);
    const coming = await agent.serve('e', (socket) => void socket.end(block));
    const imported = agent.ask({ op: 'import', kind: 'snapshot', data: coming, scope });
    expect(await imported.answer).toMatchObject({ ok: true, count: 1 });
    expect(state.has('d')).toBe(false);
    expect(await agent.ask({ op: 'accept' }).answer).toMatchObject({ ok: true, count: 1 });
    expect(state.has('d')).toBe(true);
    for (const op of ['discard', 'resume'])
      expect(await agent.ask({ op, scope }).answer).toMatchObject({ ok: true });
  });

  test('a function without them refuses, and goes on', async () => {
    const { agent } = await begin();
    expect(await agent.ask({ op: 'select', sessions: [{ type: 'all' }] }).answer).toMatchObject({
      ok: false,
      error: 'single sessions cannot be moved',
    });
    expect(await agent.ask({ op: 'resume', scope: 'sessions' }).answer).toMatchObject({ ok: false });
    expect(await agent.ask({ op: 'resume' }).answer).toMatchObject({ ok: true });
  });
});

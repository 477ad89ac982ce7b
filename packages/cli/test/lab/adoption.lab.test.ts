// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { functionsIn } from './functions-left.ts';
import { HandLab, told } from './hand-lab.ts';
import { isThere as alive, commandLine, lives, mentioning } from './host.ts';
import { instanceOf, isWhole, RunningSet, slotOf } from './running-set.ts';
import { type Child, notBuilt, until } from './support.ts';

/* Agents that restart, as processes: their functions do not notice. */

const missing = notBuilt || (process.platform === 'linux' ? '' : 'processes are looked up in /proc');
const KV = fileURLToPath(new URL('../../../../examples/stateful/kv.mjs', import.meta.url));
const RESTARTS = 10;

interface Status {
  readonly status: string;
  readonly gone: boolean;
  readonly reason: string;
  readonly report: {
    readonly pid: number | null;
    readonly port: number | null;
    readonly restarts: number;
  } | null;
}

let lab: HandLab;
beforeEach(() => {
  lab = new HandLab();
});
afterEach(() => lab.close());

function statuses(manager: Child): Status[] {
  return told(manager).filter(({ event }) => event === 'function-status') as unknown as Status[];
}

function registrations(manager: Child): Record<string, unknown>[] {
  return told(manager).filter(({ event }) => event === 'node-registered');
}

/** The agent of node 1, once the manager has heard of it so often. */
async function agent(manager: Child, at: string, ...more: readonly string[]): Promise<Child> {
  const before = registrations(manager).length;
  const child = lab.node('a', at, '--plain', '--loopback', ...more);
  await until('the node is registered', () => {
    if (child.isOver()) throw new Error(child.stderr());
    return registrations(manager).length > before;
  });
  return child;
}

/** A manager that adds this function to node 1, and an agent that runs it. */
async function running(
  specification: object,
): Promise<{ manager: Child; at: string; child: Child; pid: number }> {
  const spec = lab.file('spec.json', JSON.stringify(specification));
  const [manager, at] = await lab.serve(
    ['wait 1', `add 1 101 --name it --spec ${spec}`, 'wait 1 101 Running'],
    '--plain',
    '--stay',
  );
  const child = await agent(manager, at);
  const { report } = await until('the function runs', () =>
    statuses(manager).find(({ status, report: its }) => status === 'Running' && (its?.pid ?? null) !== null),
  );
  return { manager, at, child, pid: report?.pid ?? 0 };
}

async function killed(child: Child): Promise<void> {
  child.process.kill('SIGKILL');
  await child.ended;
}

const stateOf = (name: string): string => `${lab.folder}/a/${name}`;
const SLEEPER = { command: ['/bin/sh', '-c', 'echo begun; exec sleep 600'] };

/** Counts with a function without a pause, over one connection; what it answered. */
function count(port: number): { readonly answers: readonly string[]; readonly failure: () => string | null } {
  const answers: string[] = [];
  let failure: string | null = null;
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const ask = (): void => void socket.write('add n\n');
  socket.once('connect', ask);
  socket.on('error', (error) => {
    failure ??= error.message;
  });
  socket.once('close', () => {
    failure ??= 'closed';
  });
  createInterface({ input: socket })
    .on('error', () => undefined)
    .on('line', (line) => {
      answers.push(line);
      setTimeout(ask, 1);
    });
  return { answers, failure: () => failure };
}

describe.skipIf(missing !== '')(`an agent without a set that restarts ${missing}`, () => {
  test(`${RESTARTS} agents in a row are killed under a function that counts: no answer is missing`, async () => {
    const kv = [process.execPath, KV, '--address', '{address}', '--port', '{port}'];
    const state = { via: 'socket', format: 'kv/1' };
    const health = { type: 'tcp', intervalMs: 500, timeoutMs: 2000, rise: 1, fall: 2 };
    const { manager, at, child, pid } = await running({ command: kv, port: 0, state, health });
    const port =
      statuses(manager).findLast(({ report }) => (report?.port ?? null) !== null)?.report?.port ?? 0;
    const client = count(port);
    await until('it counts', () => client.answers.length > 10);

    let last = child;
    for (let n = 0; n < RESTARTS; n += 1) {
      await killed(last);
      const answered = client.answers.length;
      await until('it counts on without an agent', () => client.answers.length > answered);
      last = await agent(manager, at);
    }
    const answered = client.answers.length;
    await until('it counts on', () => client.answers.length > answered + 10);
    expect(client.failure()).toBeNull();
    expect(client.answers).toEqual(client.answers.map((_answer, at_) => `value ${at_ + 1}`));

    // The manager sees one process in one table.
    const seen = registrations(manager);
    expect(new Set(seen.map(({ bootTime }) => bootTime)).size).toBe(1);
    expect(seen.slice(1).map(({ resumed }) => resumed)).toEqual(Array(RESTARTS).fill(true));
    const since = statuses(manager);
    expect(since.findLast(({ report }) => report !== null)?.report).toMatchObject({ pid, port, restarts: 0 });
    const first = since.findIndex(({ status }) => status === 'Running');
    expect(new Set(since.slice(first).map(({ status }) => status))).toEqual(new Set(['Running']));
    // It is told its role, and its output is told, as ever.
    expect(readFileSync(stateOf('output/function_101.log'), 'utf8')).toContain(
      `listening on 127.0.0.1:${port}`,
    );
    last.process.kill('SIGTERM');
    expect((await last.ended).code).toBe(0);
    expect(alive(pid)).toBe(false);
  }, 240_000);

  test('a function that ends while no agent looks after it is started again, and why is told', async () => {
    const { manager, at, child, pid } = await running(SLEEPER);
    await killed(child);
    process.kill(pid, 'SIGKILL');
    await until('it has ended', () => !functionsIn(lab.folder).some(lives));
    await agent(manager, at);
    const again = await until('it runs again', () =>
      statuses(manager).find(
        ({ status, report }) => status === 'Running' && report?.pid !== pid && report?.pid,
      ),
    );
    expect(again.report?.restarts).toBe(1);
    const reasons = statuses(manager).map(({ reason }) => reason);
    expect(reasons.some((reason) => reason.includes('while no agent looked after it'))).toBe(true);
  }, 120_000);

  test('output stays within its bound while no agent runs, and nothing is left once the function has ended', async () => {
    const go = `${lab.folder}/go`;
    const long =
      'while [ ! -e "$0" ]; do sleep 0.05; done; yes 0123456789abcdef | head -c 6000000; exec sleep 600';
    const { child, pid } = await running({ command: ['/bin/sh', '-c', long, go] });
    await killed(child);
    writeFileSync(go, '');
    const log = stateOf('output/function_101.log');
    await until('it is cut', () => existsSync(`${log}.1`) && statSync(log).size < 4 << 20);
    expect(alive(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
    await until('who cut it is gone', () =>
      mentioning(lab.folder).every((each) => commandLine(each).includes('serve')),
    );
  }, 120_000);

  test('a function that ends under an agent that found it is told at once', async () => {
    const { manager, at, child, pid } = await running(SLEEPER);
    await killed(child);
    await agent(manager, at);
    process.kill(pid, 'SIGKILL');
    const ended = await until('its end is told', () =>
      statuses(manager).find(({ reason }) => reason.startsWith('ended (')),
    );
    expect(ended.reason).toMatch(/^ended \((killed by SIGKILL|ended, nobody saw how)\)/);
  }, 120_000);

  test('SIGUSR2: the agent ends, the function stays, the next agent has it and can end it', async () => {
    const { manager, at, child, pid } = await running(SLEEPER);
    child.process.kill('SIGUSR2');
    expect((await child.ended).code).toBe(0);
    expect(alive(pid)).toBe(true);
    const next = await agent(manager, at);
    expect(told(manager).filter(({ event }) => event === 'node-left')).toEqual([]);
    // What the manager called it is known to the next one, too.
    await until('its name is told again', () =>
      told(manager).findLast(({ information }) => (information as { name?: string })?.name === 'it'),
    );
    next.process.kill('SIGTERM');
    expect((await next.ended).code).toBe(0);
    expect(alive(pid)).toBe(false);
    // With its functions the table is gone.
    await agent(manager, at);
    const times = registrations(manager).map(({ bootTime }) => bootTime);
    expect(times[1]).toBe(times[0]);
    expect(times[2]).not.toBe(times[0]);
  }, 120_000);

  test('a second agent of the folder is refused, and nothing happens to the function', async () => {
    const { at, pid } = await running(SLEEPER);
    const second = lab.node('a', at, '--plain', '--loopback');
    const { code, stderr } = await second.ended;
    expect(code).toBe(1);
    expect(stderr).toContain('is locked by process');
    expect(alive(pid)).toBe(true);
  }, 120_000);

  test('a damaged file is named, and nothing is ended; without it the function is', async () => {
    const { manager, at, child, pid } = await running(SLEEPER);
    await killed(child);
    const file = stateOf('functions/101.json');
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, 100));
    const { code, stderr } = await lab.node('a', at, '--plain', '--loopback').ended;
    expect(code).toBe(1);
    expect(stderr).toContain(`${file} is damaged`);
    expect(alive(pid)).toBe(true);
    rmSync(file);
    await agent(manager, at);
    await until('it is ended', () => !functionsIn(lab.folder).some(lives) && !alive(pid));
  }, 120_000);

  test('a function that left others behind and ended goes whole; one that ignores its signal ends all the same', async () => {
    const child = stateOf('child');
    const script =
      'trap "" TERM; setsid sh -c \'trap "" TERM; echo $$ > "$0"; while :; do sleep 1; done\' "$0" & while :; do sleep 1; done';
    const command = ['/bin/sh', '-c', script, child];
    const stop = { signal: 'SIGTERM', graceMs: 200 };
    const { manager, at, child: first, pid } = await running({ command, stop });
    const stray = await until('its child runs', () =>
      existsSync(child) ? Number(readFileSync(child, 'utf8')) : null,
    );
    await killed(first);
    const next = await agent(manager, at);
    next.process.kill('SIGTERM');
    expect((await next.ended).code).toBe(0);
    await until('both are gone', () => !alive(pid) && !alive(stray));
  }, 120_000);
});

describe.skipIf(missing !== '')(`agents of a set that restart ${missing}`, () => {
  test('the agent of the holder is killed: its functions stay as they are, and its slot is served by the rules', async () => {
    const set = await RunningSet.start({ args: ['--mode', 'loopback'] });
    try {
      const before = await set.whole();
      const former = slotOf(before, 'web');
      const node = former.node ?? '';
      const there = before.instances.filter((instance) => instance.node === node);
      expect(there.length).toBeGreaterThan(0);
      const agentPid = (await set.lab()).find(({ name }) => name === node)?.pid ?? 0;
      process.kill(agentPid, 'SIGKILL');
      await until('it is started again', async () => {
        const now = (await set.lab()).find(({ name }) => name === node);
        return now?.state === 'running' && now.pid !== agentPid;
      });
      const after = await set.untilState('the set is whole, and the node is back', (state) => {
        const isBack = state.nodes.some(({ name, status }) => name === node && status === 'registered');
        return isWhole(state) && isBack && slotOf(state, 'web').epoch > former.epoch;
      });
      for (const { name, pid, restarts } of there)
        expect(instanceOf(after, name)).toMatchObject({ pid, restarts });
      // A holder without an agent is no holder: its lease ran out, and the next one took the slot.
      expect(slotOf(after, 'web').holder).not.toBe(former.holder);
      const told_ = after.events.map(({ message }) => message);
      expect(told_.some((message) => message.includes('with the functions that it had'))).toBe(true);
    } finally {
      await set.takeDown();
    }
  }, 240_000);
});

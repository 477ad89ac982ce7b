// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { testSet } from '@vnfpool/testkit/certificates';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { endAll, endFunctions } from './functions-left.ts';
import { bin, type Child, notBuilt, start, until, vnfpool } from './support.ts';

/* A manager in the hand and nodes without a set, as processes that speak the protocol over loopback. */

const missing = notBuilt || (process.platform === 'linux' ? '' : 'processes are looked up in /proc');
const SLEEPER = '{"command":["/bin/sh","-c","echo begun; exec sleep 600"]}';

let folder: string;
let children: Child[];

beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/vnfpool-mobility-`);
  children = [];
});
afterEach(async () => {
  await endAll(children);
  endFunctions(folder);
  rmSync(folder, { recursive: true, force: true });
});

function launch(...args: readonly string[]): Child {
  const child = start([process.execPath, bin, ...args]);
  children.push(child);
  return child;
}

/** Lines of JSON that a process wrote. */
function told(child: Child): Record<string, unknown>[] {
  return child
    .stdout()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A manager that does these commands; the port that it chose. */
async function serve(commands: readonly string[], ...more: readonly string[]): Promise<[Child, string]> {
  const manager = launch(
    'mobility',
    'serve',
    '--listen',
    '127.0.0.1:0',
    '--json',
    '--timeout',
    '30s',
    ...more,
    ...commands.flatMap((line) => ['--command', line]),
  );
  const ready = await until('the manager listens', () => {
    const found = told(manager).find((line) => line['ready'] === true);
    // It may have done everything, and ended, before we look.
    if (found === undefined && manager.isOver()) throw new Error(manager.stderr());
    return found;
  });
  return [manager, `127.0.0.1:${String(ready['port'])}`];
}

function node(name: string, manager: string, ...more: readonly string[]): Child {
  return launch(
    'node',
    '--manager',
    manager,
    '--state',
    `${folder}/${name}`,
    '--listen',
    '127.0.0.1',
    ...more,
  );
}

/** The result of the command that begins so. */
function answerTo(manager: Child, command: string): Record<string, unknown> | undefined {
  return told(manager).find(
    (line) => typeof line['command'] === 'string' && line['command'].startsWith(command),
  );
}

function file(name: string, text: string): string {
  writeFileSync(`${folder}/${name}`, text);
  return `${folder}/${name}`;
}

describe.skipIf(missing !== '')(`service mobility by hand ${missing}`, () => {
  test('a function by its specification: started, asked for, stopped; every step is told', async () => {
    const spec = file('sleeper.json', SLEEPER);
    const [manager, at] = await serve(
      [
        'wait 1',
        `add 1 101 --spec ${spec}`,
        'wait 1 101 Running',
        `add 1 101 --spec ${spec}`,
        'get 1 101',
        'get 1 node',
        'nodes',
        'delete 1 101',
        'wait 1 101 gone',
        'delete 1 101',
      ],
      '--plain',
    );
    node('a', at, '--plain');
    const { code, stderr } = await manager.ended;
    expect([code, stderr]).toEqual([0, '']);
    const lines = told(manager);
    expect(lines.filter(({ done }) => done === false)).toEqual([]);
    // One result each, in order; the second ADD was a repeat, the second DELETE of an absent function.
    const codes = lines.filter(({ command }) => command !== undefined).map(({ result }) => result);
    expect(codes).toHaveLength(10);
    expect(answerTo(manager, 'get 1 101')).toMatchObject({
      result: { code: 0, functions: [{ functionId: 101, information: { status: 'Running' } }] },
    });
    expect(answerTo(manager, 'nodes')).toMatchObject({
      nodes: [{ nodeId: 1, state: 'registered', functions: [{ functionId: 101, status: 'Running' }] }],
    });
    const statuses = lines
      .filter(({ event }) => event === 'function-status')
      .map(({ status, gone }) => (gone === true ? 'gone' : status));
    const changes = statuses.filter((status, at_) => status !== statuses[at_ - 1]);
    expect(changes).toEqual(['Starting', 'Running', 'Terminating', 'gone']);
  });

  test('programs by function name, from the catalogue of the node and from nowhere else', async () => {
    const catalogue = file('programs.yaml', `HSS:\n  command: [/bin/sh, -c, exec sleep 600]\n`);
    const spec = file('sleeper.json', SLEEPER);
    const [manager, at] = await serve(
      ['wait 7', 'add 7 101 --name HSS', 'wait 7 101 Running', 'get 7 101', 'add 7 101 --name HSS'],
      '--plain',
      '--stay',
    );
    const agent = node('a', at, '--plain', '--node-id', '7', '--catalogue', catalogue);
    await until(
      'the repeat is answered',
      () => told(manager).filter(({ command }) => command !== undefined)[4],
    );
    expect(answerTo(manager, 'get 7 101')).toMatchObject({
      result: { functions: [{ information: { name: 'HSS', status: 'Running' } }] },
    });
    manager.process.kill('SIGTERM');
    expect((await manager.ended).code).toBe(0);
    expect(agent.isOver()).toBe(false);

    const [second] = await serve([`add 8 1 --spec ${spec}`, 'nodes'], '--plain', '--stay');
    const { code, stdout, stderr } = await second.ended;
    expect(code).toBe(1);
    expect(stderr).toContain(
      `command 1, add 8 1 --spec ${spec}: failed (code 128): the node is not registered`,
    );
    expect(stdout).not.toContain('"command":"nodes"');
  });

  test('what a catalogue does not have is refused, with number and words', async () => {
    const catalogue = file('programs.yaml', `HSS:\n  command: [/bin/sh, -c, exec sleep 600]\n`);
    const spec = file('sleeper.json', SLEEPER);
    for (const [order, refusal] of [
      ['add 1 101 --name AMF', 128],
      [`add 1 101 --spec ${spec}`, 130],
    ] as const) {
      const [manager, at] = await serve(['wait 1', order], '--plain');
      const agent = node(`node-${order.length}`, at, '--plain', '--catalogue', catalogue);
      expect((await manager.ended).code).toBe(1);
      expect(answerTo(manager, 'add')).toMatchObject({ done: false, result: { code: refusal, error: 6 } });
      agent.process.kill('SIGTERM');
      expect((await agent.ended).code).toBe(0);
    }
  });

  test('an agent that is ended takes its functions along and says good-bye; its number stays', async () => {
    const spec = file('sleeper.json', SLEEPER);
    const [manager, at] = await serve(
      ['wait 1', `add 1 101 --spec ${spec}`, 'wait 1 101 Running'],
      '--plain',
      '--stay',
    );
    const agent = node('a', at, '--plain');
    const running = await until('the function runs', () =>
      told(manager).find(({ event, status }) => event === 'function-status' && status === 'Running'),
    );
    const { pid } = running['report'] as { pid: number };
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    agent.process.kill('SIGINT');
    expect((await agent.ended).code).toBe(0);
    await until('the node left', () => told(manager).find(({ event }) => event === 'node-left'));
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    node('a', at, '--plain');
    const registrations = await until('it is back', () => {
      const found = told(manager).filter(({ event }) => event === 'node-registered');
      return found.length === 2 ? found : undefined;
    });
    expect(registrations.map((each) => each['node'])).toEqual([1, 1]);
    expect(registrations.map(({ resumed }) => resumed)).toEqual([false, false]);
  });

  test('two nodes ask for a number and get different ones; one that must leave, leaves', async () => {
    const [manager, at] = await serve(['wait 1', 'wait 2', 'nodes', 'deregister 2'], '--plain');
    node('a', at, '--plain');
    node('b', at, '--plain');
    expect((await manager.ended).code).toBe(0);
    expect(answerTo(manager, 'nodes')).toMatchObject({ nodes: [{ nodeId: 1 }, { nodeId: 2 }] });
    expect(told(manager).find(({ event }) => event === 'node-left')).toMatchObject({ node: 2 });
  });

  test('a function moves with its state, and every step is told', async () => {
    const taken = `${folder}/taken`;
    const nothing = ['/bin/sh', '-c', 'exit 0'];
    const hooks = {
      export: ['/bin/sh', '-c', 'echo what it knows'],
      import: ['/bin/sh', '-c', `cat > ${taken}`],
      quiesce: nothing,
      resume: nothing,
    };
    const spec = file(
      'moving.json',
      JSON.stringify({ ...JSON.parse(SLEEPER), hooks, state: { via: 'hooks' } }),
    );
    const [manager, at] = await serve(
      [
        'wait 1',
        'wait 2',
        `add 1 101 --spec ${spec}`,
        'wait 1 101 Running',
        'move 1 101 --to 2',
        'wait 2 101 Running',
        'wait 1 101 gone',
        'nodes',
      ],
      '--plain',
    );
    node('a', at, '--plain');
    node('b', at, '--plain');
    const { code, stderr } = await manager.ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(answerTo(manager, 'nodes')).toMatchObject({
      nodes: [
        { nodeId: 1, functions: [] },
        { nodeId: 2, functions: [{ functionId: 101, status: 'Running' }] },
      ],
    });
    expect(readFileSync(taken, 'utf8')).toBe('what it knows\n');
  });

  test('a plain order to move is refused: nobody would know who brings the state', async () => {
    const spec = file('sleeper.json', SLEEPER);
    const [manager, at] = await serve(
      ['wait 1', 'wait 2', `add 1 101 --spec ${spec}`, 'wait 1 101 Running', 'move 1 101 --to 2 --plain'],
      '--plain',
    );
    node('a', at, '--plain');
    node('b', at, '--plain');
    expect((await manager.ended).code).toBe(1);
    expect(answerTo(manager, 'move')).toMatchObject({ done: false, result: { code: 130, error: 3 } });
  });

  test('a node that has served the manager of a set does not follow one without', async () => {
    const [manager, at] = await serve(['wait 1'], '--plain', '--stay');
    mkdirSync(`${folder}/a`);
    writeFileSync(`${folder}/a/manager-term`, '3\n');
    const agent = node('a', at, '--plain');
    await until('the node says why', () => agent.stderr().includes('term 0 is below 3'));
    expect(manager.isOver()).toBe(false);
    expect(agent.stderr()).not.toContain('"managed"');
  });

  test('with certificates: the node that they name, whatever it says; strangers are told of', async () => {
    const set = await testSet('lab');
    const stranger = await testSet('other');
    const write = (name: string, { key, certificate }: { key: string; certificate: string }, ca: string) => [
      '--key',
      file(`${name}.key`, key),
      '--cert',
      file(`${name}.pem`, certificate),
      '--ca',
      file(`${name}-ca.pem`, ca),
    ];
    const own = await set.credentials({ role: 'manager', name: 'm' });
    const of12 = await set.credentials({ role: 'node', name: 'host-12', id: 12 });
    const strange = await stranger.credentials({ role: 'node', name: 'host-13', id: 13 });
    const named = await set.credentials({ role: 'user', name: 'plain-name' });
    const [manager, at] = await serve(
      ['wait 12', 'get 12 node', 'wait 14'],
      '--node',
      'plain-name=14',
      ...write('manager', own, own.ca),
    );
    node('stranger', at, ...write('stranger', strange, own.ca));
    await until('the stranger is told of', () =>
      told(manager).find(({ event }) => event === 'connection-refused'),
    );
    node('a', at, ...write('a', of12, own.ca));
    node('mapped', at, ...write('mapped', named, own.ca));
    expect((await manager.ended).code).toBe(0);
    const who = told(manager).filter(({ event }) => event === 'node-registered');
    expect(new Map(who.map(({ node: id, name }) => [id, name]))).toEqual(
      new Map([
        [12, 'host-12'],
        [14, 'plain-name'],
      ]),
    );
  });

  test('lines of standard input: errors name the line, the rest goes on', async () => {
    const commands = file('commands', 'nodes\n\n# a remark\nfoo\nadd 1\nnodes\nquit\nbar\n');
    const { stdout, stderr, code } = await runShell(
      `exec ${process.execPath} ${bin} mobility serve --plain --listen 127.0.0.1:0 < ${commands}`,
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/^listening at 127\.0\.0\.1:\d+ over plain TCP: nobody is authenticated\n/);
    expect(stdout.match(/no node is registered/g)).toHaveLength(2);
    expect(stderr.split('\n')).toEqual([
      'line 4: there is no command "foo"; say help',
      expect.stringMatching(/^line 5: add: say add NODE FUNCTION/),
      'vnfpool: 2 commands were not done',
      '',
    ]);
  });

  test.each([
    { args: ['mobility', 'serve'], says: 'Say --cert, --key and --ca; or --plain' },
    {
      args: ['mobility', 'serve', '--plain', '--listen', '192.0.2.1:0'],
      says: '--plain at 192.0.2.1: whoever is on the path could start programs',
    },
    { args: ['mobility', 'serve', '--plain', '--node', 'a=1'], says: '--node is of certificates' },
    { args: ['mobility', 'serve', '--plain', '--cert', 'x'], says: "'--plain' cannot be used with option" },
    {
      args: ['node', '--state', 's', '--listen', '127.0.0.1', '--plain'],
      says: '--plain is of a node without a set',
    },
    {
      args: ['node', '--state', 's', '--listen', '127.0.0.1', '--manager', '127.0.0.1', '--join', 'x'],
      says: '--join is of a node of a set',
    },
    {
      args: [
        'node',
        '--state',
        's',
        '--listen',
        '127.0.0.1',
        '--manager',
        '127.0.0.1',
        '--plain',
        '--node-id',
        '0',
      ],
      says: 'It is a number from 1 to 4294967294',
    },
  ])('said wrongly: $args', async ({ args, says }) => {
    const { code, stderr } = await vnfpool(...args);
    expect(stderr).toContain(says);
    expect(code).toBe(2);
  });
});

async function runShell(command: string): Promise<{ stdout: string; stderr: string; code: number | null }> {
  const child = start(['/bin/sh', '-c', command]);
  children.push(child);
  return await child.ended;
}

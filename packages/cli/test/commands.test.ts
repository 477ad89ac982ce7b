// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError, createManagementApi } from '@vnfpool/daemons/management-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { event } from '../../daemons/test/management-api/edge-state.ts';
import { Bench } from './fixtures/bench.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.make();
});

afterEach(() => bench.close());

describe('get', () => {
  test.each(['sets', 'pools', 'instances', 'nodes', 'slots', 'failovers', 'traffic'])('%s', async (what) => {
    const table = await bench.run(['get', what]);
    expect([table.code, table.err]).toEqual([0, '']);
    expect(table.out).toMatchSnapshot('table');
    expect((await bench.run(['get', what, '-o', 'wide'])).out).toMatchSnapshot('wide');
    const json = await bench.run(['get', what, '-o', 'json']);
    const yaml = await bench.run(['get', what, '-o', 'yaml']);
    const expected = { items: bench.backend.view[what as 'pools'] };
    expect(JSON.parse(json.out)).toEqual(expected);
    expect(parse(yaml.out)).toEqual(expected);
  });

  test('--pool asks for less; nothing is said as nothing', async () => {
    expect((await bench.run(['get', 'slots', '--pool', 'web'])).out).not.toContain('calc');
    expect((await bench.run(['get', 'instances', '--pool', 'calc'])).out).toBe('no instances\n');
    expect(JSON.parse((await bench.run(['get', 'instances', '--pool', 'calc', '-o', 'json'])).out)).toEqual({
      items: [],
    });
  });

  test('control characters of others do not reach the terminal', async () => {
    const { out } = await bench.run(['get', 'instances', '-o', 'wide']);
    expect(out).toContain('listen: address in use red');
    expect(out).not.toContain('\u001b');
  });

  test('colours only where they are welcome', async () => {
    expect((await bench.run(['get', 'pools'], { colour: true })).out).toContain('\u001b[31mdown\u001b[0m');
  });
});

describe('explain, status, failover', () => {
  test('explain pool', async () => {
    expect((await bench.run(['explain', 'pool', 'web'])).out).toMatchSnapshot();
    expect(await bench.run(['explain', 'pool', 'none'])).toEqual({
      code: 1,
      out: '',
      err: 'vnfpool: there is no pool none\n',
    });
  });

  test('explain slot says which rule refuses whom', async () => {
    expect((await bench.run(['explain', 'slot', 'web/0'])).out).toMatchSnapshot();
    expect(await bench.run(['explain', 'slot', 'web/7'])).toMatchObject({
      code: 1,
      err: 'vnfpool: there is no slot web/7\n',
    });
    expect(await bench.run(['explain', 'slot', 'web'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('POOL/NUMBER'),
    });
  });

  test('a set that is frozen says so first, and thaw ends it', async () => {
    const sets = bench.backend.view.sets.map((set) => ({
      ...set,
      frozen: { since: bench.backend.view.at, reason: '2 of 3 nodes were lost at once (node-b, node-c)' },
    }));
    bench.backend.change({ sets });
    expect((await bench.run(['status'])).out.split('\n')[2]).toBe(
      'set edge is frozen: 2 of 3 nodes were lost at once (node-b, node-c); `vnfpool thaw` if they are gone for good',
    );
    expect(await bench.run(['thaw'])).toMatchObject({ code: 0, out: expect.stringContaining('thawed') });
    expect(bench.backend.asked.at(-1)).toEqual({ what: 'thaw', with: undefined });
    bench.backend.refusal = new ApiError(409, 'not-ready', 'Nothing is frozen.');
    expect(await bench.run(['thaw'])).toMatchObject({ code: 1, err: 'vnfpool: Nothing is frozen.\n' });
  });

  test('a council whose members do not hear each other: status and council show say who', async () => {
    const who = 'node-a hears nothing of node-b, node-c; node-b hears nothing of node-c';
    const cut = (together: number): void =>
      bench.backend.change({
        sets: bench.backend.view.sets.map((set) => ({
          ...set,
          councils: set.councils.map((council) => ({ ...council, reachable: 3, cut: { together, who } })),
        })),
      });
    cut(1);
    expect((await bench.run(['status'])).out.split('\n')[2]).toBe(
      `council main: ${who}; no majority of it hears each other, so nobody can take or keep a slot`,
    );
    const shown = (await bench.run(['council', 'show'])).out.split('\n');
    expect(shown).toContain(`${who}.`);
    expect(shown).toContain(
      '2 of 3 have to agree, and only 1 of 3 that can be reached hear each other: nobody can take a slot.',
    );
    cut(2);
    expect((await bench.run(['status'])).out.split('\n')[2]).toBe(`council main: ${who}`);
    expect((await bench.run(['council', 'show'])).out).toContain('2 of 3 have to agree, 3 can be reached.');
  });

  test('a council that does not survive a node: status and council show say it', async () => {
    const weakness = 'The council is node-a alone: when node-a is gone, no slot is granted or renewed.';
    bench.backend.change({
      sets: bench.backend.view.sets.map((set) => ({
        ...set,
        councils: set.councils.map((council) => ({ ...council, weakness })),
      })),
    });
    expect((await bench.run(['status'])).out.split('\n')[2]).toBe(weakness);
    expect((await bench.run(['council', 'show'])).out.split('\n')).toContain(weakness);
  });

  test('status', async () => {
    const { code, out } = await bench.run(['status']);
    expect(code).toBe(0);
    expect(out).toMatchSnapshot();
  });

  test('failover show draws the steps', async () => {
    const { out } = await bench.run(['failover', 'show']);
    expect(out).toMatchSnapshot();
    expect((await bench.run(['failover', 'show', 'f1'])).out).toBe(out);
    expect(await bench.run(['failover', 'show', 'f9'])).toMatchObject({
      code: 1,
      err: 'vnfpool: no failover f9 is kept\n',
    });
  });

  test('failover list is get failovers', async () => {
    expect((await bench.run(['failover', 'list'])).out).toBe((await bench.run(['get', 'failovers'])).out);
  });
});

describe('plan and apply', () => {
  test('what would be done, and why', async () => {
    bench.backend.plannedChanges = [
      { action: 'create', subject: 'pool web', detail: '1 slot, 1 standby', reason: 'declared' },
      { action: 'change', subject: 'pool calc', detail: 'slots 1 → 2', reason: '' },
      { action: 'delete', subject: 'pool old', detail: '', reason: 'no longer declared' },
    ];
    const plan = await bench.run(['plan', 'set.yaml']);
    expect(plan.out).toBe(
      '+ pool web: 1 slot, 1 standby (declared)\n~ pool calc: slots 1 → 2\n- pool old (no longer declared)\nset edge: 3 changes; nothing was applied\n',
    );
    expect(bench.backend.asked).toEqual([
      { what: 'plan', with: { text: 'set: edge\n', file: join(process.cwd(), 'set.yaml') } },
    ]);
    expect((await bench.run(['apply', 'set.yaml'])).out).toContain(
      'set edge: applied 3 changes, generation 4\n',
    );
  });

  test('nothing to do', async () => {
    expect((await bench.run(['apply', '-'])).out).toBe('set edge: nothing to do, generation 4\n');
  });

  test.each(['plan', 'apply'])('%s tells what is hardly meant, and does it all the same', async (command) => {
    bench.backend.warnings = ['The council is node-a alone.', 'Council west\nis node-c alone.'];
    const { code, out } = await bench.run([command, 'set.yaml']);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^! The council is node-a alone\.\n! Council west.?is node-c alone\.\nset edge: nothing to do/,
    );
  });

  test.each(['plan', 'apply'])(
    '%s tells faults with their place, and that nothing was applied',
    async (verb) => {
      bench.backend.refusal = new ApiError(422, 'declaration-invalid', 'the declaration has 2 faults', [
        { file: 'set.yaml', line: 7, column: 5, path: 'pools.web.slots', message: 'must be at least 1' },
        { file: 'set.yaml', line: 9, column: 1, path: '', message: 'unexpected end' },
      ]);
      expect(await bench.run([verb, 'set.yaml'])).toEqual({
        code: 1,
        out: '',
        err: 'set.yaml:7:5 pools.web.slots: must be at least 1\nset.yaml:9:1 unexpected end\nvnfpool: the declaration has 2 faults; nothing was applied\n',
      });
    },
  );

  test('a file that cannot be read, or is too long', async () => {
    const unreadable = await bench.run(['apply', 'none.yaml'], {
      readText: () => Promise.reject(new Error('ENOENT')),
    });
    expect(unreadable).toMatchObject({ code: 1, err: 'vnfpool: none.yaml cannot be read: ENOENT\n' });
    const long = await bench.run(['apply', 'long.yaml'], {
      readText: () => Promise.resolve('x'.repeat(1_000_001)),
    });
    expect(long.code).toBe(1);
    expect(bench.backend.asked).toEqual([]);
  });
});

test('delete set', async () => {
  expect(await bench.run(['delete', 'set', 'edge'])).toEqual({
    code: 0,
    out: 'set edge: deleted\n',
    err: '',
  });
  expect(await bench.run(['delete', 'set', 'none'])).toEqual({
    code: 1,
    out: '',
    err: 'vnfpool: there is no set none\n',
  });
});

test('token create prints the secret alone', async () => {
  const made = await bench.run(['token', 'create', '--role', 'node', '--name', 'node-a', '--ttl', '30m']);
  expect(made).toEqual({
    code: 0,
    out: 'join-secret-1\n',
    err: 'for node node-a, to be used within 30 min\n',
  });
  expect(bench.backend.asked[0]?.with).toEqual({ role: 'node', name: 'node-a', ttlMs: 1_800_000 });
  expect((await bench.run(['token', 'list'])).out).toMatchSnapshot();
});

describe('events', () => {
  test('oldest first; since an event or a time', async () => {
    const subjects = async (...args: string[]): Promise<unknown[]> => {
      const { out } = await bench.run(['events', '-o', 'json', ...args]);
      return (JSON.parse(out) as { items: { id: number }[] }).items.map(({ id }) => id);
    };
    expect(await subjects()).toEqual([1, 2, 3]);
    expect(await subjects('--since', '2')).toEqual([3]);
    expect(await subjects('--since', '8s')).toEqual([2, 3]);
    expect((await bench.run(['events', '--since', '3'])).out).toBe('no events\n');
    expect((await bench.run(['events'])).out).toMatch(/^\d\d:\d\d:\d\d\.000 {2}pool web {10}event 1\n/);
  });

  test('--follow goes on, also over a restart of the manager, without gap or repeat', async () => {
    const stop = new AbortController();
    const ids: number[] = [];
    let err = '';
    let wake = (): void => undefined;
    const seen = (id: number): Promise<void> =>
      new Promise((resolve) => {
        wake = () => ids.includes(id) && resolve();
        wake();
      });
    const running = bench.run(['events', '--follow', '--since', '2', '-o', 'json'], {
      signal: stop.signal,
      err: (text) => {
        err += text;
      },
      out: (text) => {
        ids.push((JSON.parse(text) as { id: number }).id);
        wake();
      },
    });
    await seen(3);
    bench.backend.happen(event(4));
    await seen(4);
    await bench.stop();
    bench.backend.happen(event(5));
    await bench.start();
    await seen(5);
    bench.backend.happen(event(6));
    await seen(6);
    stop.abort();
    expect((await running).code).toBe(0);
    expect(ids).toEqual([3, 4, 5, 6]);
    expect(err.split('\n').length).toBeLessThanOrEqual(2);
  });
});

describe('exit codes and finding the API', () => {
  test.each([
    ['no command', []],
    ['an unknown command', ['frobnicate']],
    ['an unknown noun', ['get', 'things']],
    ['a missing argument', ['plan']],
    ['an unknown option', ['status', '--colour']],
    ['a format that is none', ['get', 'pools', '-o', 'xml']],
    ['a slot that is none', ['handover', 'web']],
    ['a duration without unit', ['token', 'create', '--role', 'node', '--name', 'a', '--ttl', '60']],
    ['a role that is none', ['token', 'create', '--role', 'king', '--name', 'a']],
    ['a missing option', ['token', 'create', '--role', 'node']],
    ['an address that is none', ['status', '--api', 'ftp://x']],
  ])('2 for %s', async (_what, args) => {
    const { code, out, err } = await bench.run(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).not.toBe('');
  });

  test.each([['--help'], ['--version'], ['get', '--help'], ['token', 'create', '--help']])(
    '0 for %s %s',
    async (...args) => {
      const { code, out, err } = await bench.run(args);
      expect([code, err]).toEqual([0, '']);
      expect(out).not.toBe('');
    },
  );

  test('3 when nothing runs here', async () => {
    await bench.stop();
    const { code, err } = await bench.run(['status']);
    expect(code).toBe(3);
    expect(err).toContain('no set is running here: start one with `vnfpool up FILE`');
  });

  test('3 when the manager does not answer, with the place of its log', async () => {
    await bench.stop();
    const { code, err } = await bench.run(['status', '--state', bench.folder]);
    expect(code).toBe(3);
    expect(err).toContain(`the manager does not answer at unix:${bench.socket}: ENOENT`);
    expect(err).toContain(`${bench.folder}/manager.log`);
  });

  test('3 when a registrar does not answer: it is not called a manager', async () => {
    const { code, err } = await bench.run(['handlespace', '--state', bench.folder]);
    expect(code).toBe(3);
    expect(err).toContain(`no registrar answers at unix:${bench.folder}/registrar.sock: ENOENT`);
    expect(err).not.toContain('manager');
  });

  test.each([
    [
      'a name that leads out of its folder',
      ['registrar', '--open', '--name', 'a/../b'],
      '--name "a/../b": it is',
    ],
    ['no interface', ['resolve', '--open', '--announce-interface', 'eth0', 'web'], 'It is an address'],
    ['no meaning of closing', ['user', '--open', '--peer-close', 'maybe', 'web'], 'fail-over, end'],
  ])('2 for %s', async (_, args, said) => {
    const { code, err } = await bench.run(args);
    expect([code, err]).toEqual([2, expect.stringContaining(said)]);
  });

  test('3 when it stays silent', async () => {
    bench.backend.tokens = () => new Promise(() => undefined);
    const { code, err } = await bench.run(['token', 'list', '--timeout', '50ms']);
    expect(code).toBe(3);
    expect(err).toContain('no answer within 0.05 s');
  });

  test('several sets: their names, and --set', async () => {
    await mkdir(join(bench.base, 'core'));
    const other = createManagementApi(bench.backend, { log: { error: () => undefined } });
    await other.listenUnix(join(bench.base, 'core', 'api.sock'));
    const { code, err } = await bench.run(['status']);
    expect([code, err]).toEqual([
      2,
      'vnfpool: several sets are running here: core, edge; choose one with --set NAME\n',
    ]);
    expect((await bench.run(['status', '--set', 'core'])).code).toBe(0);
    await other.close();
  });

  test('over TCP with and without token', async () => {
    const token = 'a-token-that-is-long-enough';
    const { port } = (await bench.api?.listenTcp('127.0.0.1', 0, token)) ?? { port: 0 };
    const env = { VNFPOOL_API: `http://127.0.0.1:${port}` };
    expect((await bench.run(['get', 'pools'], { env: { ...env, VNFPOOL_TOKEN: token } })).code).toBe(0);
    expect((await bench.run(['get', 'pools', '--api', `${env.VNFPOOL_API}/#token=${token}`])).code).toBe(0);
    const refused = await bench.run(['get', 'pools'], { env });
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('VNFPOOL_TOKEN');
    expect(refused.err).not.toContain(token);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { functionId } from '@vnfpool/core';
import type { AgentInput } from '@vnfpool/core/agent';
import { openFunctionGroups } from '@vnfpool/platform/cgroups';
import { createLinuxClocks } from '@vnfpool/platform/clocks';
import { isAlive, readProcessStat, startProgram } from '@vnfpool/platform/processes';
import type { ContainerSpecification, FunctionSpecification } from '@vnfpool/wire/mobility';
import pino from 'pino';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { FunctionContainers } from '../../../src/node/containers/index.ts';
import { FunctionHost } from '../../../src/node/function-host.ts';
import { FunctionNetworks } from '../../../src/node/function-networks.ts';
import { FunctionStates } from '../../../src/node/function-states.ts';
import type { KeptFunction, RunRecord } from '../../../src/node/kept-function.ts';
import { BESIDE, refusedAt, removeBeside } from '../limit-cases.ts';
import { makeRootFileSystem, noRootFileSystem } from './root-file-system.ts';

// Containers of this machine's runtime, with a file system that we make.
const base = mkdtempSync(join(tmpdir(), 'vnfpool-'));
const opened = await FunctionContainers.open(mkdtempSync(join(base, 'probe-')));
const reason = typeof opened === 'string' ? opened : noRootFileSystem();
const rootfs = reason === null ? makeRootFileSystem(`${base}/root`) : '';
const ID = functionId(1);
const patient = { timeout: 20_000 };
const id = randomBytes(3).toString('hex');

// Where our own group is somebody's who bounds us, too, there may be room beside it.
const where = (await refusedAt('auto', { memoryBytes: 32 << 20 })) === '' ? 'auto' : BESIDE;
const processes = await refusedAt('auto', { processes: 12 });
const memory = await refusedAt(where, { memoryBytes: 32 << 20 });
afterAll(() => {
  removeBeside();
  rmSync(base, { recursive: true, force: true });
});

/** An agent that is gone, and a function of it that is not. */
interface Former {
  readonly folder: string;
  readonly label: string;
  readonly record: RunRecord;
}

async function createHost(where = 'auto', former?: Former, runtime?: 'crun' | 'runc') {
  const folder = former?.folder ?? mkdtempSync(join(base, 'node-'));
  const label = former?.label ?? `ct-${randomBytes(4).toString('hex')}`;
  const keep = new Set(former === undefined ? [] : [former.record.name]);
  const records: RunRecord[] = [];
  const given: AgentInput[] = [];
  const warnings: string[] = [];
  const give = (input: AgentInput) => given.push(input);
  const containers = await FunctionContainers.open(folder, runtime);
  const logger = pino({ level: 'silent' });
  const states = new FunctionStates({ folder: `${folder}/s`, give, logger });
  const host = new FunctionHost({
    folder,
    address: '127.0.0.1',
    freePorts: true,
    clocks: createLinuxClocks(),
    give,
    groups: await openFunctionGroups({ label, where, keep }),
    table: { keepRun: (_id, record) => void records.push(record) },
    networks: FunctionNetworks.open(id),
    containers,
    states,
    warn: (message) => warnings.push(message),
  });
  onTestFinished(async () => {
    await host.close();
    expect(warnings).toEqual([]);
  });
  const start = (
    script: string,
    more: Partial<FunctionSpecification> = {},
    container: ContainerSpecification = { rootfs },
  ) => {
    const specification: FunctionSpecification = {
      v: 1,
      kind: 'container',
      command: ['/bin/sh', '-c', `exec 2>&1; ${script}`],
      container,
      ...more,
    };
    return host.start({ type: 'start', functionId: ID, run: 1, name: 'web#1', specification });
  };
  const stop = (graceMs = 5_000) =>
    host.stop({ type: 'stop', functionId: ID, run: 1, signal: 'SIGTERM', graceMs });
  const of = <Type extends AgentInput['type']>(type: Type) =>
    given.filter((input): input is AgentInput & { type: Type } => input.type === type);
  /** What it has written, once its last line is `end`; what it waits for when it is to go on. */
  const output = async (last = 'end') => {
    await expect.poll(() => of('output').at(-1)?.lines.at(-1), patient).toBe(last);
    return of('output').at(-1)?.lines ?? [];
  };
  const exit = async () => {
    await expect.poll(() => of('exited'), patient).toHaveLength(1);
    return of('exited')[0]?.reason;
  };
  return { host, folder, label, records, start, stop, of, output, exit, states, containers };
}

/** What the kernel lets a container have that runs the system's own programs. */
const SYSTEM = ['/usr', '/lib', '/lib64'].map((path) => ({ target: path, source: path }));
const python = existsSync('/usr/bin/python3') ? '' : ' [there is no /usr/bin/python3]';
const kvPy = fileURLToPath(new URL('../../../../../examples/stateful/kv.py', import.meta.url));
const never = new AbortController().signal;

/** Processes whose command has this word. */
const running = (word: string): number[] =>
  readdirSync('/proc').flatMap((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(word)
        ? [Number(name)]
        : [];
    } catch {
      return [];
    }
  });
/** A length of sleep that nobody else sleeps. */
const uncommon = () => String(1_000_000 + randomBytes(3).readUIntBE(0, 3));

describe.skipIf(reason !== null)(
  `functions of kind container${reason === null ? '' : ` [${reason}]`}`,
  () => {
    test('a program sees its own file system, name and processes, and has no more rights than it is given', async () => {
      const { start, output } = await createHost();
      await start(
        'hostname; echo $$; touch /x || echo read-only; touch /tmp/x && echo tmp; grep CapEff /proc/self/status; echo $GREETING {name}; echo end; exec sleep 600',
        { env: { GREETING: 'hello' } },
      );
      expect(await output()).toEqual([
        'web-1',
        '1',
        'touch: /x: Read-only file system',
        'read-only',
        'tmp',
        // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, NET_BIND_SERVICE.
        'CapEff:\t00000000000004fb',
        'hello web#1',
        'end',
      ]);
    });

    test('another user has no rights; capabilities that are named are there, and its mounts', async () => {
      const { start, output, folder } = await createHost();
      mkdirSync(`${folder}/shared`, { mode: 0o777 });
      chmodSync(`${folder}/shared`, 0o777);
      writeFileSync(`${folder}/note`, 'written by the host\n');
      await start(
        'id -u; id -g; grep CapEff /proc/self/status; cat /etc/note; touch /etc/note || echo no; echo back > /data/f; touch /big/x && echo big; pwd; echo end; exec sleep 600',
        { directory: '/data' },
        {
          rootfs,
          user: '1234:99',
          capabilities: ['NET_RAW'],
          mounts: [
            { target: '/etc/note', source: `${folder}/note` },
            { target: '/data', source: `${folder}/shared`, readonly: false },
            { target: '/big', sizeBytes: 65_536 },
          ],
        },
      );
      expect(await output()).toEqual([
        '1234',
        '99',
        'CapEff:\t0000000000002000',
        'written by the host',
        expect.stringMatching(/^touch: \/etc\/note: /),
        'no',
        'big',
        '/data',
        'end',
      ]);
      expect(readFileSync(`${folder}/shared/f`, 'utf8')).toBe('back\n');
    });

    test('it gets the signal, its exit code is told, and nothing is left of it', async () => {
      const { start, stop, output, exit, folder, host } = await createHost();
      await start('trap "exit 7" TERM; echo end; while :; do sleep 1; done');
      await output();
      await stop();
      expect(await exit()).toBe('exit code 7');
      await host.close();
      expect(readdirSync(`${folder}/containers/bundles`)).toEqual([]);
      expect(readdirSync(`${folder}/containers/runtime/crun`)).toEqual([]);
    });

    test.each(['auto', 'none'] as const)(
      'groups %s: one that ignores the signal is killed with all that it started',
      async (where) => {
        const { start, stop, output, exit } = await createHost(where);
        const seconds = uncommon();
        await start(`trap "" TERM; (sleep ${seconds} &); echo end; while :; do sleep 1; done`);
        await output();
        expect(running(seconds)).not.toEqual([]);
        await stop(100);
        expect(await exit()).toBe('killed by SIGKILL');
        // The first process of a container has its command line, too.
        await expect.poll(() => running(seconds), patient).toEqual([]);
      },
    );

    test.skipIf(processes !== '')(
      `one that forks without end is bounded, counted, and ended whole${processes}`,
      async () => {
        const { host, start, stop, exit } = await createHost();
        await start('f() { while :; do (f) & done; }; (f) & exec sleep 600', { limits: { processes: 12 } });
        const usage = () => host.views()[0]?.usage;
        await expect.poll(() => usage()?.refusedStarts, patient).toBeGreaterThan(0);
        // The runtime that waits for it is one of them.
        expect(usage()?.threads).toBeLessThanOrEqual(12);
        await stop(0);
        expect(await exit()).toBe('killed by SIGKILL');
      },
    );

    test.skipIf(memory !== '')(
      `one that grows without bound is ended, and the reason says why${memory}`,
      async () => {
        const { start, exit } = await createHost(where);
        await start('x=x; while :; do x=$x$x; done', { limits: { memoryBytes: 32 << 20 } });
        expect(await exit()).toContain('more memory than its limit of 33554432');
      },
    );

    test('what does not start says why', async () => {
      const { start, exit } = await createHost();
      await start('', { command: ['/bin/none'] });
      expect(await exit()).toMatch(/its container does not start: .*\/bin\/none/);
    });

    test('what is not there is refused beforehand', async () => {
      const { host } = await createHost();
      const refusal = (container: ContainerSpecification, limits = {}) => host.refusal({ container, limits });
      expect(refusal({ rootfs })).toBeNull();
      expect(refusal({ rootfs: '/nowhere/root' })).toBe('container.rootfs: there is no folder /nowhere/root');
      expect(refusal({ bundle: base })).toContain('container.bundle: ENOENT');
      expect(refusal({ rootfs, mounts: [{ target: '/a', source: '/nowhere' }] })).toContain('no /nowhere');
      const mounts = [{ target: '/a', source: base, readonly: false }];
      expect(refusal({ rootfs, mounts }, { storageBytes: 1_048_576 })).toMatch(
        /not enforceable: storage .*\/a/,
      );
    });

    test('its storage is bounded, and its root stays as it was', async () => {
      const { start, output, host } = await createHost();
      await start(
        'dd if=/dev/zero of=/data/big bs=65536 count=64 || echo full; touch /bin/new && echo new; echo end; exec sleep 600',
        { limits: { storageBytes: 2_097_152 } },
      );
      const said = await output();
      expect(said.join()).toContain('No space left on device');
      expect(said).toContain('full');
      expect(readdirSync(`${rootfs}/data`)).toEqual([]);
      expect(readdirSync(`${rootfs}/bin`)).not.toContain('new');
      await expect.poll(() => host.information(ID).storageFreeBytes, patient).toBeLessThan(100_000n);
      expect(host.information(ID).storageBytes).toBeGreaterThan(1_900_000n);
    });

    test('it has a network of its own where one is declared', async () => {
      const { start, host, of, output } = await createHost();
      const peer = `c${id}`;
      const netns = {
        interfaces: [
          {
            name: 'eth0',
            peer,
            addresses: ['2001:db8:73::2/64', '198.18.74.2/30'],
            peerAddresses: ['2001:db8:73::1/64', '198.18.74.1/30'],
          },
        ],
      };
      await start('ls /sys/class/net; echo end; while :; do nc -l -p {port}; done', {
        netns,
        port: 0,
      });
      await output();
      expect(of('started')).toMatchObject([{ address: '2001:db8:73::2', port: 49_152 }]);
      const check = { type: 'tcp', intervalMs: 100, timeoutMs: 2_000, rise: 1, fall: 1 } as const;
      const at = { functionId: ID, run: 1, address: '2001:db8:73::2', port: 49_152 };
      await expect
        .poll(async () => {
          await host.check({ type: 'check-health', ...at, check });
          return of('health').at(-1)?.ok;
        }, patient)
        .toBe(true);
      // Not the host's.
      expect(of('output').at(-1)?.lines.slice(0, -1).sort()).toEqual(['eth0', 'lo']);
    });

    test('a command that checks its health runs inside, and is ended there when it is late', async () => {
      const { start, host, of, output } = await createHost();
      await start('echo inside > /tmp/mark; echo end; exec sleep 600');
      await output();
      const ask = async (script: string, timeoutMs: number) => {
        const check = {
          type: 'command',
          command: ['/bin/sh', '-c', script],
          intervalMs: 500,
          timeoutMs,
          rise: 1,
          fall: 1,
        } as const;
        const at = { functionId: ID, run: 1, address: '127.0.0.1', port: null };
        await host.check({ type: 'check-health', ...at, check });
        return of('health').at(-1);
      };
      expect(await ask('grep -q inside /tmp/mark', 10_000)).toMatchObject({ ok: true });
      const seconds = uncommon();
      expect(await ask(`sleep ${seconds}; :`, 1_000)).toMatchObject({ ok: false });
      await expect.poll(() => running(seconds), patient).toEqual([]);
    });

    test.each(['0', '1234'])('user %s: hooks run inside; state goes in and out', async (user) => {
      const { start, output, states } = await createHost();
      const inside = (script: string) => ['/bin/sh', '-c', script];
      await start(
        'echo end; exec sleep 600',
        {
          state: { via: 'hooks', format: 'text/1' },
          hooks: {
            export: inside('cat /tmp/state; hostname; echo $GREETING $VNFPOOL_KIND'),
            import: inside('cat > /tmp/state; touch $VNFPOOL_FOLDER/imported'),
            quiesce: inside('exit 3'),
            resume: inside(':'),
          },
          env: { GREETING: 'hello' },
        },
        { rootfs, user },
      );
      await output();
      const state = await states.of(ID);
      const words = async function* () {
        yield Buffer.from('what was moved\n');
      };
      await state.import('snapshot', words(), never);
      let text = '';
      await state.export('snapshot', async (chunk) => void (text += Buffer.from(chunk).toString()), never);
      expect(text).toBe('what was moved\nweb-1\nhello snapshot\n');
      await expect(state.quiesce(never)).rejects.toThrow('hook quiesce: exit code 3');
      expect(readdirSync(state.folder ?? '')).toContain('imported');
    });

    test.skipIf(python !== '').each(['0', '1234'])(
      `user %s: a function with a socket for its state finds it${python}`,
      async (user) => {
        const { start, states } = await createHost();
        await start(
          '',
          {
            command: ['/usr/bin/python3', '/kv/kv.py', '--address', '{address}', '--port', '{port}'],
            port: 0,
            state: { via: 'socket', format: 'kv/1' },
          },
          { rootfs, user, mounts: [...SYSTEM, { target: '/kv', source: dirname(kvPy) }] },
        );
        const state = await states.of(ID);
        await state.role('active', '2');
        let bytes = 0;
        const done = await state.export('snapshot', async (chunk) => void (bytes += chunk.length), never);
        expect(done.bytes).toBe(bytes);
        expect(state.format).toBe('kv/1');
      },
    );

    test('a bundle says what the specification does not', async () => {
      const { start, output, folder } = await createHost();
      const config = {
        ociVersion: '1.0.2',
        process: {
          terminal: true,
          user: { uid: 77, gid: 78 },
          args: ['/bin/sh', '-c', 'id -u; echo $FROM $GREETING; hostname; echo end; exec sleep 600'],
          env: ['PATH=/bin', 'FROM=bundle'],
          cwd: '/',
        },
        root: { path: 'root', readonly: true },
        mounts: [
          { destination: '/proc', type: 'proc', source: 'proc' },
          { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
        ],
        hooks: { prestart: [{ path: '/bin/false' }] },
        linux: { namespaces: [{ type: 'network' }], cgroupsPath: '/elsewhere' },
      };
      makeRootFileSystem(`${folder}/bundle/root`);
      writeFileSync(`${folder}/bundle/config.json`, JSON.stringify(config));
      await start(
        '',
        { command: [], env: { GREETING: 'hello' } },
        { bundle: `${folder}/bundle`, hostname: 'other' },
      );
      expect(await output()).toEqual(['77', 'bundle hello', 'other', 'end']);
    });

    test('an agent that comes back finds its container as it was', async () => {
      const before = await createHost();
      await before.start('echo inside > /tmp/mark; trap "exit 0" TERM; echo end; while :; do sleep 1; done');
      await before.output();
      const record = before.records.at(-1);
      if (record === undefined) throw new Error('nothing was kept');
      before.host.leave();
      const { folder, label } = before;
      const { host, containers, of, stop, exit } = await createHost('auto', { folder, label, record });
      if (typeof containers === 'string') throw new Error(containers);
      expect(await containers.removeLeft(new Set([record.name]))).toEqual([]);
      const kept = {
        functionId: ID,
        specification: { v: 1, kind: 'container', command: ['x'], container: { rootfs } },
        record: { name: 'web#1' },
      } as unknown as KeptFunction;
      expect(await host.adopt(kept, record)).toMatchObject({ process: { pid: record.pid }, reason: '' });
      host.follow();
      const check = {
        type: 'command',
        command: ['/bin/grep', '-q', 'inside', '/tmp/mark'],
        intervalMs: 500,
        timeoutMs: 10_000,
        rise: 1,
        fall: 1,
      } as const;
      const at = { functionId: ID, run: 1, address: '127.0.0.1', port: null };
      await host.check({ type: 'check-health', ...at, check });
      expect(of('health')).toMatchObject([{ ok: true }]);
      await stop();
      await exit();
      await host.close();
      expect(readdirSync(`${folder}/containers/bundles`)).toEqual([]);
      expect(readdirSync(`${folder}/containers/runtime/crun`)).toEqual([]);
    });

    test('what an agent left behind when it was killed is ended at the next start', async () => {
      const { folder, containers } = await createHost();
      if (typeof containers === 'string') throw new Error(containers);
      const seconds = uncommon();
      const left = containers.of('left#1');
      const specification = { v: 1, kind: 'container', command: ['x'], container: { rootfs } } as const;
      const [program = '', ...rest] = left.prepare({
        specification,
        name: 'left#1',
        command: ['/bin/sleep', seconds],
        environment: {},
        shared: null,
      });
      const watched = startProgram({ command: [program, ...rest] });
      await expect.poll(() => left.pid, patient).not.toBeNull();
      const first = readProcessStat(left.pid ?? 0);
      expect(first).toBeDefined();
      const next = await FunctionContainers.open(folder);
      if (typeof next === 'string') throw new Error(next);
      expect(await next.removeLeft(new Set(['left#1']))).toEqual([]);
      expect(first && isAlive(first)).toBe(true);
      expect(await next.removeLeft()).toEqual([]);
      await watched.exited;
      expect(first && isAlive(first)).toBe(false);
      expect(readdirSync(`${folder}/containers/bundles`)).toEqual([]);
    });
  },
);

const runc = await FunctionContainers.open(mkdtempSync(join(base, 'probe-')), 'runc');
const noRunc = typeof runc === 'string' ? runc : noRootFileSystem();
describe.skipIf(noRunc !== null)(`with runc in place of crun${noRunc === null ? '' : ` [${noRunc}]`}`, () => {
  test('a program starts, hears its signal, has commands run beside it, and nothing is left', async () => {
    const { start, stop, host, output, exit, folder, states } = await createHost('auto', undefined, 'runc');
    const inside = (script: string) => ['/bin/sh', '-c', script];
    await start(
      'echo inside > /tmp/mark; trap "exit 7" TERM; echo $WORD; echo end; while :; do sleep 1; done',
      {
        env: { WORD: 'hello' },
        limits: { storageBytes: 1_048_576 },
        state: { via: 'hooks' },
        hooks: {
          export: inside('cat /tmp/mark; id -u; echo $WORD'),
          import: inside('cat'),
          quiesce: inside(':'),
          resume: inside(':'),
        },
      },
      { rootfs, capabilities: [] },
    );
    expect(await output()).toEqual(['hello', 'end']);
    // The runtime, the shell, and its sleep: all are in the group, and so are counted.
    await expect.poll(() => host.views()[0]?.usage?.processes ?? 0, patient).toBeGreaterThanOrEqual(3);
    const state = await states.of(ID);
    let text = '';
    await state.export('snapshot', async (chunk) => void (text += Buffer.from(chunk).toString()), never);
    expect(text).toBe('inside\n0\nhello\n');
    await stop();
    expect(await exit()).toBe('exit code 7');
    await host.close();
    expect(readdirSync(`${folder}/containers/bundles`)).toEqual([]);
    expect(readdirSync(`${folder}/containers/runtime/runc`)).toEqual([]);
  });

  test('one that ignores the signal is killed with all that it started', async () => {
    const { start, stop, output, exit } = await createHost('auto', undefined, 'runc');
    const seconds = uncommon();
    await start(`trap "" TERM; (sleep ${seconds} &); echo end; while :; do sleep 1; done`);
    await output();
    await stop(100);
    expect(await exit()).toBe('killed by SIGKILL');
    await expect.poll(() => running(seconds), patient).toEqual([]);
  });

  test.skipIf(memory !== '')(`its limits hold it${memory}`, async () => {
    const { start, exit } = await createHost(where, undefined, 'runc');
    await start('x=x; while :; do x=$x$x; done', { limits: { memoryBytes: 64 << 20 } });
    expect(await exit()).toContain('more memory than its limit');
  });

  test('what does not start says why', async () => {
    const { start, exit } = await createHost('auto', undefined, 'runc');
    await start('', { command: ['/bin/none'] });
    expect(await exit()).toMatch(/its container does not start: .*\/bin\/none/);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { openFunctionGroups } from '../../src/cgroups/index.ts';
import { FakeKernel, PID } from './fake-kernel.ts';

const ALL = ['cpu', 'memory', 'pids', 'io'];
const FIRST = ['cpu', 'cpuacct', 'memory', 'pids', 'blkio', 'freezer'];
const open = (files: FakeKernel, where = 'auto') => openFunctionGroups({ label: 't', where, files });
const limits = { processors: 0.5, memoryBytes: 64 << 20, processes: 16 };

describe('cgroups of the second version', () => {
  test('a function gets a group with its limits, below ours; controllers are enabled on the way', async () => {
    const kernel = new FakeKernel({ second: ALL });
    const groups = await open(kernel);
    expect(groups.way).toBe('cgroup2');
    expect(groups.refusal(limits)).toBeNull();
    const group = groups.create('web.1', limits);
    const folder = '/cg/vnfpool.t/web.1';
    expect(kernel.read(`${folder}/cpu.max`)).toBe('50000 100000');
    expect(kernel.read(`${folder}/memory.max`)).toBe(String(64 << 20));
    expect(kernel.read(`${folder}/memory.swap.max`)).toBe('0');
    expect(kernel.read(`${folder}/memory.oom.group`)).toBe('1');
    expect(kernel.read(`${folder}/pids.max`)).toBe('16');
    expect(group.path).toBe('vnfpool.t/web.1');
    const command = group.enter(['/bin/web', '-x']);
    expect(command.slice(-4)).toEqual(['1', `${folder}/cgroup.procs`, '/bin/web', '-x']);
  });

  test('an agent in a unit of systemd goes into a group of its own first: only then may others have controllers', async () => {
    const own = '/system.slice/vnfpool.service';
    const kernel = new FakeKernel({ second: ALL, own });
    kernel.set(`/cg${own}/cgroup.controllers`, ALL.join(' '));
    kernel.in(`/cg${own}`).add(process.pid);
    const groups = await open(kernel);
    expect(kernel.in(`/cg${own}/vnfpool-agent.t`)).toEqual(new Set([process.pid]));
    expect(groups.refusal(limits)).toBeNull();
  });

  test('with strangers in that unit no controller can be enabled: limits are refused, naming file and reason', async () => {
    const own = '/user.slice/session-1.scope';
    const kernel = new FakeKernel({ second: ALL, own });
    kernel.set(`/cg${own}/cgroup.controllers`, ALL.join(' '));
    kernel.in(`/cg${own}`).add(process.pid).add(PID);
    const groups = await open(kernel);
    expect(groups.way).toBe('cgroup2');
    const refusal = groups.refusal({ memoryBytes: 1 << 20 });
    expect(refusal).toContain('limit not enforceable: memory');
    expect(refusal).toContain(`/cg${own}/cgroup.subtree_control`);
    expect(refusal).toContain('EBUSY');
    expect(groups.refusal({})).toBeNull();
    expect(() => groups.create('web.1', { memoryBytes: 1 << 20 })).toThrow('limit not enforceable');
    // Without limits it has a group all the same: it is counted and ended as a whole.
    expect(groups.create('web.2', {}).path).toBe('user.slice/session-1.scope/vnfpool.t/web.2');
  });

  test('what the group used is read from its controllers', async () => {
    const kernel = new FakeKernel({ second: ALL });
    const group = (await open(kernel)).create('web.1', {});
    const folder = '/cg/vnfpool.t/web.1';
    kernel.set(
      `${folder}/cpu.stat`,
      'usage_usec 2500000\nuser_usec 1\nnr_throttled 3\nthrottled_usec 40000\n',
    );
    kernel.set(`${folder}/memory.current`, '10000000\n');
    kernel.set(`${folder}/memory.stat`, 'anon 1\ninactive_file 4000000\n');
    kernel.set(`${folder}/memory.peak`, '12000000\n');
    kernel.set(`${folder}/memory.events`, 'low 0\noom 2\noom_kill 1\n');
    kernel.set(`${folder}/pids.events`, 'max 7\n');
    kernel.set(`${folder}/io.stat`, '8:0 rbytes=100 wbytes=200 rios=1\n8:16 rbytes=1 wbytes=2 rios=1\n');
    kernel
      .in(folder)
      .add(PID)
      .add(PID + 1);
    expect(group.statistics()).toEqual({
      cpuMs: 2500,
      throttledMs: 40,
      memoryBytes: 6_000_000,
      memoryPeakBytes: 12_000_000,
      memoryKills: 1,
      refusedStarts: 7,
      diskReadBytes: 101,
      diskWrittenBytes: 202,
      processes: 2,
      threads: 0,
      waiting: 0,
    });
  });

  test('all of it is ended by cgroup.kill, and the group is given back', async () => {
    const kernel = new FakeKernel({ second: ALL });
    const groups = await open(kernel);
    const group = groups.create('web.1', {});
    const folder = '/cg/vnfpool.t/web.1';
    kernel
      .in(folder)
      .add(PID)
      .add(PID + 1);
    expect(() => group.remove()).toThrow('EBUSY');
    expect(await group.kill()).toBe(0);
    expect(kernel.log).toContain(`${folder}/cgroup.kill = 1`);
    group.remove();
    expect(kernel.exists(folder)).toBe(false);
    expect(await group.kill()).toBe(0);
  });

  test('a kernel without cgroup.kill: frozen, killed one by one, thawed', async () => {
    const kernel = new FakeKernel({ second: ALL, killFile: false });
    const group = (await open(kernel)).create('web.1', {});
    const folder = '/cg/vnfpool.t/web.1';
    kernel.in(folder).add(PID);
    expect(await group.kill()).toBe(0);
    expect(kernel.log.slice(-3)).toEqual([
      `${folder}/cgroup.freeze = 1`,
      `SIGKILL ${PID}`,
      `${folder}/cgroup.freeze = 0`,
    ]);
  });
});

describe('cgroups of the first version', () => {
  test('a group in the hierarchy of every controller; the command joins all of them', async () => {
    const kernel = new FakeKernel({ second: null, first: FIRST });
    const groups = await open(kernel);
    expect(groups.way).toBe('cgroup1');
    const group = groups.create('web.1', limits);
    const at = (name: string) => `/cg/${name}/vnfpool.t/web.1`;
    expect(kernel.read(`${at('cpu')}/cpu.cfs_quota_us`)).toBe('50000');
    expect(kernel.read(`${at('cpu')}/cpu.cfs_period_us`)).toBe('100000');
    expect(kernel.read(`${at('memory')}/memory.limit_in_bytes`)).toBe(String(64 << 20));
    expect(kernel.read(`${at('memory')}/memory.memsw.limit_in_bytes`)).toBe(String(64 << 20));
    expect(kernel.read(`${at('pids')}/pids.max`)).toBe('16');
    const command = group.enter(['web']);
    for (const name of FIRST) expect(command).toContain(`${at(name)}/cgroup.procs`);
    expect(group.path).toBeNull();
  });

  test('what the group used is read from its controllers', async () => {
    const kernel = new FakeKernel({ second: null, first: FIRST });
    const group = (await open(kernel)).create('web.1', {});
    const set = (name: string, file: string, text: string) =>
      kernel.set(`/cg/${name}/vnfpool.t/web.1/${file}`, text);
    set('cpuacct', 'cpuacct.usage', '2500000000\n');
    set('cpu', 'cpu.stat', 'nr_periods 3\nthrottled_time 40000000\n');
    set('memory', 'memory.usage_in_bytes', '10000000\n');
    set('memory', 'memory.stat', 'inactive_file 5\ntotal_inactive_file 4000000\n');
    set('memory', 'memory.max_usage_in_bytes', '12000000\n');
    set('memory', 'memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n');
    set(
      'blkio',
      'blkio.throttle.io_service_bytes',
      '8:0 Read 100\n8:0 Write 200\n8:0 Total 300\nTotal 300\n',
    );
    expect(group.statistics()).toMatchObject({
      cpuMs: 2500,
      throttledMs: 40,
      memoryBytes: 6_000_000,
      memoryPeakBytes: 12_000_000,
      memoryKills: 1,
      refusedStarts: null,
      diskReadBytes: 100,
      diskWrittenBytes: 200,
    });
  });

  test('all of it is ended in the freezer', async () => {
    const kernel = new FakeKernel({ second: null, first: FIRST });
    const group = (await open(kernel)).create('web.1', {});
    const freezer = '/cg/freezer/vnfpool.t/web.1';
    kernel.in(freezer).add(PID);
    // Somebody moved one of them out of the freezer; it is found in another hierarchy.
    kernel.in('/cg/pids/vnfpool.t/web.1').add(PID + 1);
    expect(await group.kill()).toBe(0);
    expect(kernel.log.slice(-3)).toEqual([
      `${freezer}/freezer.state = FROZEN`,
      expect.stringMatching(/^SIGKILL .*9000000/),
      `${freezer}/freezer.state = THAWED`,
    ]);
  });

  test('a hierarchy in which we are in the group of another maker is left alone, and its limit refused', async () => {
    const kernel = new FakeKernel({ second: null, first: ['memory', 'pids'], own: '/somebody/4711' });
    const groups = await open(kernel);
    expect(groups.way).toBe('proc');
    expect(groups.refusal({ memoryBytes: 1 << 20 })).toContain(
      '/cg/memory/somebody/4711 is the group of whoever started',
    );
    expect([...kernel.groups.keys()].filter((folder) => folder.includes('vnfpool'))).toEqual([]);
  });

  test('a group that the operator names is used, and made where it is missing', async () => {
    const kernel = new FakeKernel({ second: null, first: ['memory', 'pids'], own: '/somebody/4711' });
    const groups = await open(kernel, '/nfv/');
    expect(groups.refusal({ memoryBytes: 1 << 20, processes: 3 })).toBeNull();
    groups.create('web.1', { memoryBytes: 1 << 20 });
    expect(kernel.exists('/cg/memory/nfv/vnfpool.t/web.1')).toBe(true);
  });
});

describe('both versions at once', () => {
  test('the first enforces, the second ends; what the second does not offer is no lack', async () => {
    const kernel = new FakeKernel({ second: ['hugetlb'], first: FIRST });
    const groups = await open(kernel);
    expect(groups.way).toBe('cgroup1');
    expect(groups.refusal(limits)).toBeNull();
    expect(groups.description).not.toContain('no ');
    const group = groups.create('web.1', limits);
    expect(group.path).toBe('vnfpool.t/web.1');
    kernel.in('/cg/unified/vnfpool.t/web.1').add(PID);
    expect(await group.kill()).toBe(0);
    expect(kernel.log).toContain('/cg/unified/vnfpool.t/web.1/cgroup.kill = 1');
  });
});

describe('what is not permitted', () => {
  test('is told with file and reason; the functions are then followed in /proc, and no limit is promised', async () => {
    const kernel = new FakeKernel({ second: ALL });
    kernel.refused.set('/cg/vnfpool.t', 'EROFS');
    const groups = await open(kernel);
    expect(groups.way).toBe('proc');
    expect(groups.refusal({ processes: 2, processors: 1 })).toBe(
      'limit not enforceable: processors, processes (processes are followed in /proc and nothing is bounded: mkdir /cg/vnfpool.t: read-only file system (EROFS))',
    );
    expect(groups.refusal({})).toBeNull();
  });

  test('one controller that is refused does not take the others with it', async () => {
    const kernel = new FakeKernel({ second: null, first: FIRST });
    kernel.refused.set('/cg/memory/vnfpool.t', 'EACCES');
    const groups = await open(kernel);
    expect(groups.refusal({ processes: 2, processors: 1 })).toBeNull();
    expect(groups.refusal(limits)).toBe(
      'limit not enforceable: memory (mkdir /cg/memory/vnfpool.t: permission denied (EACCES))',
    );
  });

  test('a limit that the kernel refuses leaves no group behind', async () => {
    const kernel = new FakeKernel({ second: ALL });
    const groups = await open(kernel);
    kernel.refused.set('/cg/vnfpool.t/web.1/memory.max', 'EINVAL');
    expect(() => groups.create('web.1', limits)).toThrow(
      `write "${64 << 20}" to /cg/vnfpool.t/web.1/memory.max: invalid argument (EINVAL)`,
    );
    expect(kernel.exists('/cg/vnfpool.t/web.1')).toBe(false);
  });

  test('storage and bandwidth are never promised', async () => {
    const groups = await open(new FakeKernel({ second: ALL }));
    expect(groups.refusal({ storageBytes: 1 })).toContain('storage (');
    expect(groups.refusal({ bandwidthBps: 8000 })).toContain('bandwidth (');
  });

  test('a system without groups, and groups that are switched off', async () => {
    expect((await open(new FakeKernel({ second: null }))).description).toContain(
      'no control groups are mounted',
    );
    expect((await open(new FakeKernel({ second: ALL }), 'none')).description).toContain('switched off');
  });
});

test('what an agent that was killed left behind is ended at the next start, of others nothing', async () => {
  const kernel = new FakeKernel({ second: ALL });
  for (const folder of ['/cg/vnfpool.t', '/cg/vnfpool.t/web.7', '/cg/vnfpool.u', '/cg/vnfpool.u/web.1'])
    kernel.make(folder);
  kernel.in('/cg/vnfpool.t/web.7').add(PID);
  kernel.in('/cg/vnfpool.u/web.1').add(PID + 1);
  await open(kernel);
  expect(kernel.exists('/cg/vnfpool.t/web.7')).toBe(false);
  expect(kernel.in('/cg/vnfpool.u/web.1')).toEqual(new Set([PID + 1]));
});

test('what is to be kept is taken over as it is: its limits are not set again, and all of it is ended as ever', async () => {
  const kernel = new FakeKernel({ second: ALL });
  const former = await open(kernel);
  former.create('web.7', limits);
  former.create('web.8', limits);
  kernel.in('/cg/vnfpool.t/web.7').add(PID);
  kernel.in('/cg/vnfpool.t/web.8').add(PID + 1);
  const bound = kernel.read('/cg/vnfpool.t/web.7/pids.max');
  const groups = await openFunctionGroups({
    label: 't',
    where: 'auto',
    files: kernel,
    keep: new Set(['web.7']),
  });
  expect(kernel.exists('/cg/vnfpool.t/web.8')).toBe(false);
  const group = groups.adopt('web.7', { pid: PID, startTicks: 1 });
  expect([group.path, group.processes()]).toEqual(['vnfpool.t/web.7', [PID]]);
  expect(kernel.read('/cg/vnfpool.t/web.7/pids.max')).toBe(bound);
  // Whoever is not in it is not its function, whatever was written down.
  expect(() => groups.adopt('web.7', { pid: PID + 9, startTicks: 1 })).toThrow(
    `process ${PID + 9} is not in`,
  );
  expect(() => groups.adopt('web.9', { pid: PID, startTicks: 1 })).toThrow('is not in a group web.9');
  await groups.close();
  expect(kernel.exists('/cg/vnfpool.t/web.7')).toBe(false);
});

test('closing ends what is left and gives every group back', async () => {
  const kernel = new FakeKernel({ second: null, first: FIRST });
  const groups = await open(kernel);
  groups.create('web.1', {});
  groups.create('web.2', {});
  kernel.in('/cg/pids/vnfpool.t/web.2').add(PID);
  await groups.close();
  expect([...kernel.groups.keys()].filter((folder) => folder.includes('vnfpool'))).toEqual([]);
});

// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import type { StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { familyOf, type HostProcess, lives, mentioning, namespaceOf, ownNetwork, pids } from './host.ts';
import { isWhole, labFolder, RunningSet, slotOf } from './running-set.ts';
import { ask, bin, type Child, edgeFile, has, notBuilt, run, start, until } from './support.ts';

const missing = labMissing || notBuilt || (has('ip', '-V') ? '' : 'ip is not installed');

/** Network namespaces of a set, told by its processes. */
function namespacesOf(family: readonly HostProcess[]): Set<string> {
  const own = namespaceOf(process.pid, 'net');
  const found = family
    .map(({ pid }) => namespaceOf(pid, 'net'))
    .filter((link) => link !== null && link !== own);
  return new Set(found as string[]);
}

/** Nothing of the set is left: no process of it, and nobody who lives in its namespaces. */
async function expectGone(family: readonly HostProcess[], folder: string): Promise<void> {
  const links = namespacesOf(family);
  await until('every process of the set is gone', () => !family.some(lives));
  expect(pids().filter((pid) => links.has(namespaceOf(pid, 'net') ?? ''))).toEqual([]);
  expect(mentioning(folder)).toEqual([]);
}

describe.skipIf(missing !== '')(`up and down again ${missing}`, () => {
  const base = missing === '' ? mkdtempSync('/tmp/vl-') : '';
  const before = missing === '' ? ownNetwork() : null;
  let child: Child;
  const folder = `${base}/edge`;

  beforeAll(async () => {
    // Without --state: everything goes when it ends.
    child = start([process.execPath, bin, 'up', edgeFile, '--port', '0'], { VNFPOOL_RUNTIME_DIR: base });
    await until('it is up', () => child.isOver() || child.stdout().includes('Ctrl-C takes everything down'));
    expect(child.isOver(), child.stderr()).toBe(false);
  });
  afterAll(async () => {
    if (!child.isOver()) child.process.kill('SIGKILL');
    await child.ended;
    rmSync(base, { recursive: true, force: true });
  });

  const page = (): { host: string; port: number; token: string } => {
    const match = /http:\/\/127\.0\.0\.1:(\d+)\/#token=(\S+)/.exec(child.stdout());
    return { host: '127.0.0.1', port: Number(match?.[1]), token: match?.[2] ?? '' };
  };

  test('the page is served in the namespace of the caller, to whom has the token', async () => {
    const { token, ...at } = page();
    const document = await ask(at, '/');
    expect(document.status).toBe(200);
    expect(document.text).toContain('<html');
    const script = /src="\.?(\/[^"]+\.js)"/.exec(document.text)?.[1] ?? '';
    expect((await ask(at, script)).status).toBe(200);

    const headers = { authorization: `Bearer ${token}` };
    const state = await until('whole pools', async () => {
      const answer = await ask(at, '/v1/state', { headers });
      expect(answer.status).toBe(200);
      const read = JSON.parse(answer.text) as StateView;
      return isWhole(read) ? read : null;
    });
    expect(state.sets[0]).toMatchObject({ name: 'edge', mode: 'namespaces', health: 'whole', generation: 1 });
    expect(slotOf(state, 'web').addresses).toEqual(['10.77.0.100/24']);
    expect(state.instances).toHaveLength(6);
    // Which of them is up to the kernel.
    for (const { fence } of state.nodes) expect(['bpf', 'nft']).toContain(fence);
    expect((await ask(at, '/v1/lab', { headers })).status).toBe(200);
  });

  test.each([
    ['no token', '/v1/state', {}],
    ['a wrong token', '/v1/state', { authorization: 'Bearer x' }],
    ['no token, for a fault', '/v1/lab', {}],
  ])('it is closed to whom has %s', async (_what, path, headers) => {
    const { token: _token, ...at } = page();
    expect((await ask(at, path, { headers })).status).toBe(401);
  });

  test('a name that somebody made resolve to 127.0.0.1 does not open it', async () => {
    const { token, ...at } = page();
    const headers = { authorization: `Bearer ${token}`, host: 'evil.example' };
    const { status, text } = await ask(at, '/v1/state', { headers });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(text).not.toContain('"sets"');
    expect((await ask(at, '/', { headers })).status).toBeGreaterThanOrEqual(400);
  });

  test('the network of the host is as it was, while it runs', () => {
    expect(ownNetwork()).toEqual(before);
    expect(namespacesOf(familyOf(child.pid)).size).toBeGreaterThanOrEqual(6);
  });

  test('a second one in the same place is refused', async () => {
    const second = await run([process.execPath, bin, 'up', edgeFile, '--port', '0'], {
      VNFPOOL_RUNTIME_DIR: base,
    });
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`already running here (process ${child.pid}`);
    expect(child.isOver()).toBe(false);
  });

  test('Ctrl-C takes everything away', async () => {
    const family = familyOf(child.pid);
    expect(family.length).toBeGreaterThan(10);
    child.process.kill('SIGINT');
    const { code, signal } = await child.ended;
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    await expectGone(family, base);
    expect(existsSync(folder)).toBe(false);
    expect(readdirSync(base)).toEqual([]);
    expect(ownNetwork()).toEqual(before);
  });
});

describe.skipIf(missing !== '')(`up is killed ${missing}`, () => {
  test('all inside is gone, and the next start goes on with what is on disk', async () => {
    const folder = labFolder();
    const network = ownNetwork();
    const first = await RunningSet.start({ folder });
    try {
      const state = await first.whole();
      const family = familyOf(first.child.pid);
      first.child.process.kill('SIGKILL');
      await first.child.ended;
      await expectGone(family, folder);
      expect(ownNetwork()).toEqual(network);

      const second = await RunningSet.start({ folder });
      try {
        expect(second.child.stdout()).toContain('cleaned up after an earlier run that was killed');
        const again = await second.whole();
        expect(again.sets[0]?.generation).toBe(state.sets[0]?.generation);
        expect(slotOf(again, 'web').epoch).toBeGreaterThanOrEqual(slotOf(state, 'web').epoch);
        const third = await run([process.execPath, bin, 'up', edgeFile, '--state', folder, '--port', '0']);
        expect(third.code).toBe(1);
        expect(third.stderr).toContain('already running here');
        expect((await second.state()).sets[0]?.health).toBe('whole');
        expect((await second.interrupt()).code).toBe(0);
      } finally {
        await second.takeDown();
      }
    } finally {
      await first.takeDown();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

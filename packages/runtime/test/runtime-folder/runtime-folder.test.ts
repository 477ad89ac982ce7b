// SPDX-License-Identifier: Apache-2.0
import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  findApi,
  parseApiAddress,
  runningSets,
  runtimeBase,
  runtimeFolder,
} from '@vnfpool/runtime/runtime-folder';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

describe('where', () => {
  test.each([
    ['root', {}, 0, '/run/vnfpool'],
    ['root in a session', { XDG_RUNTIME_DIR: '/run/user/0' }, 0, '/run/vnfpool'],
    ['a user in a session', { XDG_RUNTIME_DIR: '/run/user/7' }, 7, '/run/user/7/vnfpool-7'],
    ['a user without session', { XDG_RUNTIME_DIR: '' }, 7, '/tmp/vnfpool-7'],
    ['as said', { VNFPOOL_RUNTIME_DIR: '/srv/run', XDG_RUNTIME_DIR: '/run/user/7' }, 7, '/srv/run'],
    ['root, as said', { VNFPOOL_RUNTIME_DIR: '/srv/run' }, 0, '/srv/run'],
  ])('%s', (_who, env, uid, base) => {
    expect(runtimeBase({ env, uid })).toBe(base);
    expect(runtimeFolder('edge', { env, uid })).toBe(`${base}/edge`);
  });

  test.each(['', '..', '.', 'a/b', '/etc', '-x', 'x'.repeat(64)])('%j is no set', (name) => {
    expect(() => runtimeFolder(name, { env: {}, uid: 0 })).toThrow(RangeError);
  });
});

describe('addresses', () => {
  test.each([
    ['unix:/run/x/api.sock', { kind: 'unix', path: '/run/x/api.sock' }],
    ['unix:///run/x/api.sock', { kind: 'unix', path: '/run/x/api.sock' }],
    ['unix:api.sock', { kind: 'unix', path: 'api.sock' }],
    ['http://127.0.0.1:8080', { kind: 'tcp', host: '127.0.0.1', port: 8080, token: undefined }],
    ['http://localhost/', { kind: 'tcp', host: 'localhost', port: 80, token: undefined }],
    ['http://[::1]:81', { kind: 'tcp', host: '::1', port: 81, token: undefined }],
    ['http://127.0.0.1:8080/#token=abc', { kind: 'tcp', host: '127.0.0.1', port: 8080, token: 'abc' }],
  ])('%s', (text, endpoint) => {
    expect(parseApiAddress(text)).toEqual(endpoint);
  });

  test.each(['', 'unix:', '127.0.0.1:80', 'https://a', 'ftp://a', 'http://a/b', 'http://u@a', '/run/x'])(
    '%j is refused',
    (text) => {
      expect(() => parseApiAddress(text)).toThrow(expect.objectContaining({ code: 'usage' }) as Error);
    },
  );
});

describe('looking', () => {
  const uid = process.getuid?.() ?? 0;
  let base: string;
  const servers: Server[] = [];

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'vnfpool-run-'));
  });

  afterEach(async () => {
    for (const server of servers.splice(0)) server.close();
    await rm(base, { recursive: true, force: true });
  });

  const look = (lookup = {}, env: Record<string, string> = {}): ReturnType<typeof findApi> =>
    findApi(lookup, { env: { VNFPOOL_RUNTIME_DIR: base, ...env }, uid });

  async function live(name: string): Promise<void> {
    await mkdir(join(base, name));
    const server = createServer((socket) => socket.destroy());
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(join(base, name, 'api.sock'), resolve));
  }

  test('nothing runs', async () => {
    await expect(look()).rejects.toMatchObject({
      code: 'none',
      message: expect.stringContaining('no set is running here: start one with `vnfpool up FILE`') as string,
    });
  });

  test('one runs: that one; what is dead or no socket is passed over', async () => {
    await live('edge');
    await mkdir(join(base, 'dead'));
    await writeFile(join(base, 'dead', 'api.sock'), '');
    await writeFile(join(base, 'file'), '');
    expect(await look()).toEqual({ kind: 'unix', path: join(base, 'edge', 'api.sock') });
  });

  test('several run: the name decides', async () => {
    await live('edge');
    await live('core');
    await expect(look()).rejects.toMatchObject({
      code: 'usage',
      message: 'several sets are running here: core, edge; choose one with --set NAME',
    });
    expect(await look({ set: 'core' })).toEqual({ kind: 'unix', path: join(base, 'core', 'api.sock') });
    await expect(look({ set: 'lab' })).rejects.toMatchObject({
      code: 'none',
      message: 'no set lab is running here (running: core, edge)',
    });
  });

  // Only root can give a socket away.
  test.skipIf(uid !== 0)('the socket of another user is not trusted', async () => {
    await live('edge');
    await chown(join(base, 'edge', 'api.sock'), 12_345, 12_345);
    expect(await runningSets({ env: { VNFPOOL_RUNTIME_DIR: base }, uid })).toEqual([]);
  });

  test.each([
    ['--api before all', { api: 'unix:/a' }, { VNFPOOL_API: 'unix:/b', VNFPOOL_STATE: '/c' }, '/a'],
    ['then $VNFPOOL_API', {}, { VNFPOOL_API: 'unix:/b', VNFPOOL_STATE: '/c' }, '/b'],
    [
      '--state before what is not said',
      { state: '/d' },
      { VNFPOOL_API: 'unix:/b', VNFPOOL_STATE: '/c' },
      '/d/api.sock',
    ],
    ['then $VNFPOOL_STATE', {}, { VNFPOOL_STATE: '/c' }, '/c/api.sock'],
  ])('%s', async (_what, lookup, env, path) => {
    expect(await look(lookup, env)).toEqual({ kind: 'unix', path });
  });

  test('the token comes from the environment', async () => {
    expect(await look({ api: 'http://127.0.0.1:1' }, { VNFPOOL_TOKEN: 'secret' })).toMatchObject({
      token: 'secret',
    });
  });
});

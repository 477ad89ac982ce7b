// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PoolElement, PoolError } from '@vnfpool/client';
import {
  type HandlespaceView,
  type RunRegistrarOptions,
  registrarConfig,
  runRegistrar,
} from '@vnfpool/daemons/registrar';
import { asapTls } from '@vnfpool/runtime/asap';
import { loadConfig } from '@vnfpool/runtime/config';
import { createLogger } from '@vnfpool/runtime/logging';
import { testManager } from '@vnfpool/testkit/certificates';
import { expect, onTestFinished, test } from 'vitest';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vnfpool-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

type Lines = Record<string, unknown>[];

async function rig(options: { validityMs?: number; announceEveryMs?: number } = {}) {
  const manager = await testManager(
    options.validityMs === undefined ? {} : { validityMs: options.validityMs },
  );
  onTestFinished(() => manager.close());
  const folder = temporaryFolder();
  const lines: Lines = [];
  const logger = createLogger({
    component: 'registrar',
    level: 'debug',
    to: { write: (line: string) => void lines.push(JSON.parse(line) as Lines[number]) },
  });
  const configure = (extra: Record<string, unknown>) =>
    registrarConfig.parse({
      name: 'r1',
      folder,
      listen: { host: '127.0.0.1', port: 0 },
      ...extra,
    });
  const start = async (extra: Record<string, unknown>, more: RunRegistrarOptions = {}) => {
    const running = await runRegistrar(configure(extra), { logger, ...more });
    onTestFinished(() => running.stop());
    return running;
  };
  return { manager, folder, lines, start };
}

function get(socketPath: string, path: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const out = request({ socketPath, path }, (response) => {
      const chunks: Uint8Array[] = [];
      response.on('data', (chunk: Uint8Array) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
    });
    out.once('error', reject);
    out.end();
  });
}

test('joins by token, announces itself, serves its views, and comes back without a token', async () => {
  const { manager, folder, start } = await rig();
  const first = await start({ token: await manager.token('registrar') });
  const announced = await manager.seen(({ type }) => type === 'registrar');
  expect(announced).toMatchObject({ identity: { name: 'r1' }, at: first.address });
  expect(statSync(first.statusSocket).mode & 0o777).toBe(0o600);
  expect(JSON.parse((await get(first.statusSocket, '/healthz')).text)).toEqual({ healthy: true });
  const view = JSON.parse((await get(first.statusSocket, '/v1/handlespace')).text) as HandlespaceView;
  expect(view).toMatchObject({ pools: [], associations: 0 });
  const metrics = (await get(first.statusSocket, '/metrics')).text;
  expect(metrics).toContain('vnfpool_elements_count{component="registrar"} 0');
  expect((await get(first.statusSocket, '/other')).status).toBe(404);
  await first.stop();
  const again = await start({});
  expect(manager.events.filter(({ type }) => type === 'joined')).toHaveLength(1);
  expect(again.statusSocket).toBe(join(folder, 'registrar.sock'));
});

test('an element is seen with its owner; a user may not register, and that is logged', async () => {
  const { manager, lines, start } = await rig();
  const running = await start({ token: await manager.token('registrar') });
  const registrars = [{ host: running.address.address, port: running.address.port }];
  const transport = { type: 'tcp', address: '10.0.0.7', port: 80 } as const;
  const element = new PoolElement({
    registrars,
    credentials: await manager.set.credentials({ role: 'node', id: 7, name: 'rack-a' }),
    poolHandle: 'web',
    transport,
    policy: { type: 'priority', priority: 9 },
    id: 0x1234,
  });
  onTestFinished(() => element.close());
  await element.register();
  const view = JSON.parse((await get(running.statusSocket, '/v1/handlespace')).text) as HandlespaceView;
  expect(view.pools).toMatchObject([
    {
      name: 'web',
      handle: '776562',
      policy: 'priority',
      elements: [
        {
          id: '0x00001234',
          transport: 'tcp',
          port: 80,
          addresses: ['10.0.0.7'],
          policy: { type: 'priority', priority: 9 },
          owner: 'rack-a',
          attached: true,
          badReports: 0,
        },
      ],
    },
  ]);

  const user = new PoolElement({
    registrars,
    credentials: await manager.set.credentials({ role: 'user', name: 'u' }),
    poolHandle: 'web',
    transport,
  });
  onTestFinished(() => user.close());
  const refusal: unknown = await user.register().catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(PoolError);
  expect(refusal).toMatchObject({ code: 'rejected' });
  expect(lines).toContainEqual(
    expect.objectContaining({ msg: 'registration-refused', reason: 'not-authorized', pool: 'web' }),
  );
  const metrics = (await get(running.statusSocket, '/metrics')).text;
  expect(metrics).toContain('event="registration-refused",reason="not-authorized"');
});

test('who is not of the set gets nothing', async () => {
  const { manager, lines, start } = await rig();
  const running = await start({ token: await manager.token('registrar') });
  const other = await testManager();
  onTestFinished(() => other.close());
  const stranger = await other.set.credentials({ role: 'node', id: 1, name: 'n' });
  const transport = asapTls({
    credentials: { ...stranger, ca: manager.set.authority.certificatePem },
    domain: 'test',
  });
  const connection = await transport.connect({ host: '127.0.0.1', port: running.address.port });
  await new Promise((resolve) => {
    connection.onFrame(() => {});
    connection.onClose(resolve);
  });
  expect(lines).toContainEqual(expect.objectContaining({ msg: 'peer refused' }));
});

test('malformed messages are counted, and end the association after some', async () => {
  const { manager, start } = await rig();
  const running = await start({ token: await manager.token('registrar') });
  const transport = asapTls({
    credentials: await manager.set.credentials({ role: 'user', name: 'u' }),
    domain: 'test',
  });
  const connection = await transport.connect({ host: '127.0.0.1', port: running.address.port });
  connection.onFrame(() => {});
  const closed = new Promise((resolve) => {
    connection.onClose(resolve);
  });
  // A handle resolution without a pool handle.
  for (let each = 0; each < 16; each += 1) connection.send(Uint8Array.of(5, 0, 0, 4));
  await closed;
  const view = JSON.parse((await get(running.statusSocket, '/v1/handlespace')).text) as HandlespaceView;
  expect(view.counters['malformed']).toBe(16);
});

test('renews its certificate before it runs out, and goes on serving', async () => {
  const { manager, start, lines } = await rig();
  const renewed = () => manager.events.some(({ type }) => type === 'renewed');
  const dayPart = 17 * 3_600_000;
  const running = await start(
    { token: await manager.token('registrar') },
    // Until it has renewed, its day is more than two thirds over.
    { wallMs: () => Date.now() + (renewed() ? 0 : dayPart) },
  );
  await manager.seen(({ type }) => type === 'renewed');
  await expect.poll(() => lines.map(({ msg }) => msg)).toContain('certificate renewed');
  const transport = asapTls({
    credentials: await manager.set.credentials({ role: 'user', name: 'u' }),
    domain: 'test',
  });
  const connection = await transport.connect({ host: '127.0.0.1', port: running.address.port });
  connection.onFrame(() => {});
  expect(connection.closed).toBeNull();
  connection.close();
  await running.stop();
  expect(manager.events.filter(({ type }) => type === 'renewed')).toHaveLength(1);
});

test('tells every fault of its configuration', () => {
  expect(() =>
    loadConfig(registrarConfig, { flags: ['--listen-port=x', '--keep-alive-period-ms=-1'] }),
  ).toThrow(/4 fault\(s\)[\s\S]*name[\s\S]*folder/);
  expect(loadConfig(registrarConfig, { flags: ['--name=r', '--folder=/x'] }).config).toMatchObject({
    listen: { host: '0.0.0.0', port: 3864 },
    lifeUnit: 'seconds',
  });
});

// Runs what `npm run build` made: Node 20 reads no TypeScript. Skipped where nothing was built.
const built = new URL('../../dist/registrar/index.js', import.meta.url);
test.skipIf(!existsSync(built))(
  'as a process: serves until its parent is gone, then drains and exits with 0',
  async () => {
    const manager = await testManager();
    onTestFinished(() => manager.close());
    const folder = temporaryFolder();
    const program = `import { registrarMain } from '${built.href}'; await registrarMain(process.argv.slice(1));`;
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        program,
        '--',
        '--name=r1',
        `--folder=${folder}`,
        '--listen-host=127.0.0.1',
        '--listen-port=0',
      ],
      {
        stdio: ['pipe', 'ignore', 'pipe'],
        env: { ...process.env, VNFPOOL_PARENT_FD: '0', VNFPOOL_TOKEN: await manager.token('registrar') },
      },
    );
    const log: string[] = [];
    child.stderr.on('data', (chunk: Uint8Array) => log.push(Buffer.from(chunk).toString()));
    const exit = new Promise<number | null>((resolve) => {
      child.once('exit', resolve);
    });
    const announced = manager.seen(({ type }) => type === 'registrar');
    await Promise.race([announced, exit]);
    // Our end of the pipe goes, as it would with us.
    child.stdin.destroy();
    expect(await exit, log.join('')).toBe(0);
    expect(log.join('')).toContain('the parent is gone');
    expect(log.join('')).not.toContain('vnfpool1.');
  },
);

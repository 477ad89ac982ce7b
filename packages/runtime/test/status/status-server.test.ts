// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { join } from 'node:path';
import { startStatusServer } from '@vnfpool/runtime/status';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../temporary-folder.ts';

function ask(socketPath: string, path: string, method = 'GET'): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const out = request({ socketPath, path, method }, (response) => {
      const chunks: Uint8Array[] = [];
      response.on('data', (chunk: Uint8Array) => chunks.push(chunk));
      response.on('end', () => resolve([response.statusCode ?? 0, Buffer.concat(chunks).toString()]));
    });
    out.once('error', reject);
    out.end();
  });
}

const routes = {
  '/json': () => ({ json: { a: 1 } }),
  '/text': () => Promise.resolve({ contentType: 'text/plain', text: 'hello' }),
  '/broken': () => {
    throw new Error('broken view');
  },
};

test('answers its routes and nothing else', async () => {
  const path = join(temporaryFolder(), 'state', 's.sock');
  const server = await startStatusServer(path, routes);
  onTestFinished(() => server.close());
  expect(await ask(path, '/json?x=1')).toEqual([200, '{"a":1}\n']);
  expect(await ask(path, '/text')).toEqual([200, 'hello']);
  expect(await ask(path, '/broken')).toEqual([500, 'broken view\n']);
  expect((await ask(path, '/else'))[0]).toBe(404);
  expect((await ask(path, '/json', 'POST'))[0]).toBe(405);
});

test('replaces what a dead process left behind, and respects a living one', async () => {
  const path = join(temporaryFolder(), 's.sock');
  const leave = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', leave]);
  const server = await startStatusServer(path, routes);
  onTestFinished(() => server.close());
  await expect(startStatusServer(path, routes)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect((await ask(path, '/text'))[0]).toBe(200);
});

test('refuses a path that the kernel would cut', async () => {
  await expect(startStatusServer(`/tmp/${'x'.repeat(108)}`, routes)).rejects.toThrow(RangeError);
});

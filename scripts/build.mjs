// SPDX-License-Identifier: Apache-2.0
// Compiles every package and bundles the page. `npm ci` runs it as `prepare`.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function run(name, args, cwd = root) {
  const bin = `${root}node_modules/.bin/${name}`;
  const done = spawnSync(bin, args, { cwd, stdio: 'inherit', shell: process.platform === 'win32' });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

run('tsc', ['-b']);
run('vite', ['build', '--logLevel', 'warn'], `${root}packages/dashboard`);

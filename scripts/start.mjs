// SPDX-License-Identifier: Apache-2.0
// `npm start`: the example set, live. The product itself does the work; this only gets what the system lacks.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensurePrograms, forNamespaces } from './system.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
if (process.platform === 'linux') ensurePrograms(forNamespaces);

const args = [
  `${root}packages/cli/bin/vnfpool.js`,
  'up',
  `${root}examples/edge/set.yaml`,
  ...process.argv.slice(2),
];
const child = spawn(process.execPath, args, { stdio: 'inherit' });
// The terminal sends Ctrl-C to both of us; the product decides when it is down.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = join(import.meta.dirname, '../..');

/** `vnfpool up` of the example set with its state in `folder`; resolves at the line with the page. */
export async function startUp(cleanup, folder) {
  const child = cleanup.spawn(
    [
      process.execPath,
      join(ROOT, 'packages/cli/bin/vnfpool.js'),
      'up',
      join(ROOT, 'examples/edge/set.yaml'),
      `--state=${folder}`,
      '--port=0',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint += chunk;
  });
  await new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`up ended with ${code}: ${complaint}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('page')) resolve();
    });
  });
  return {
    pid: child.pid,
    apiSocket: join(folder, 'api.sock'),
    /** As Ctrl-C does; resolves when nothing of it is left. */
    stop: () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGINT');
      return ended;
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const vnfpool = fileURLToPath(new URL('../../packages/cli/bin/vnfpool.js', import.meta.url));
const echo = fileURLToPath(new URL('echo.mjs', import.meta.url));

/** The registrar as it is shipped, without limits of what one connection may ask, and without keep-alives. */
export async function startRegistrar(cleanup, signal) {
  const facts = await start(cleanup, signal, [
    process.execPath,
    vnfpool,
    'registrar',
    '--open',
    ...['--state', cleanup.folder()],
    ...['--asap', 'tcp://127.0.0.1:0'],
    ...['--enrp', 'tcp://127.0.0.1:0'],
    ...['--announce', 'none'],
    ...['--keep-alive-period', '0s'],
    ...['--resolution-rate', '100000000'],
    ...['--registration-rate', '100000000'],
  ]);
  return { port: Number(facts.asap[0].split(':').at(-1)) };
}

/** A server that answers each `bytes` octets by `answer`. */
export async function startEcho(cleanup, signal, bytes, answer) {
  const facts = await start(cleanup, signal, [
    process.execPath,
    echo,
    String(bytes),
    Buffer.from(answer).toString('hex'),
  ]);
  return { port: facts.port };
}

async function start(cleanup, signal, command) {
  const child = cleanup.spawn(command, { stdio: ['ignore', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${command[1]} ended with ${code}`);
  });
  ended.catch(() => {});
  const [line] = await Promise.race([once(lines, 'line', { signal }), ended]);
  return JSON.parse(line);
}

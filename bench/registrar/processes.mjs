// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const vnfpool = fileURLToPath(new URL('../../packages/cli/bin/vnfpool.js', import.meta.url));
const echo = fileURLToPath(new URL('echo.mjs', import.meta.url));

/** Clock ticks a second that /proc counts in; the same on every Linux that Node runs on. */
const TICKS = 100;

const FLAGS = {
  '--asap': 'tcp://127.0.0.1:0',
  '--enrp': 'tcp://127.0.0.1:0',
  '--announce': 'none',
  '--keep-alive-period': '0s',
  '--resolution-rate': '100000000',
  '--registration-rate': '100000000',
};

/** The registrar as it is shipped, without limits of what one connection may ask, and without keep-alives. */
export async function startRegistrar(cleanup, signal, flags = {}) {
  const { facts, processorSeconds } = await start(cleanup, signal, [
    process.execPath,
    vnfpool,
    'registrar',
    '--open',
    ...Object.entries({ ...FLAGS, ...flags, '--state': cleanup.folder() }).flat(),
  ]);
  return { port: Number(facts.asap[0].split(':').at(-1)), processorSeconds };
}

/** A server that answers each `bytes` octets by `answer`. */
export async function startEcho(cleanup, signal, bytes, answer) {
  const { facts, processorSeconds } = await start(cleanup, signal, [
    process.execPath,
    echo,
    String(bytes),
    Buffer.from(answer).toString('hex'),
  ]);
  return { port: facts.port, processorSeconds };
}

/**
 * Puts this process, and with it those that it starts from now on, before the others of a shared machine, so that times
 * are ours and not theirs. Without the right to do so nothing changes.
 */
export function hurried() {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST);
    return true;
  } catch {
    return false;
  }
}

/** `processorSeconds`: what it has used of processors so far, in steps of 10 ms. */
async function start(cleanup, signal, command) {
  const child = cleanup.spawn(command, { stdio: ['ignore', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${command[1]} ended with ${code}`);
  });
  ended.catch(() => {});
  const [line] = await Promise.race([once(lines, 'line', { signal }), ended]);
  const processorSeconds = () => {
    // Behind the name, which may hold anything: state is the first field, user and system time are 12 and 13.
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ').at(-1).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  };
  return { facts: JSON.parse(line), processorSeconds };
}

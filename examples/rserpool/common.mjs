// SPDX-License-Identifier: Apache-2.0
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PoolElement, PoolUser } from '@vnfpool/client';

/** Reads the command line and runs `serve` or `use`, unless the file was only imported. */
export async function main(url, { serve, use, options = {} }) {
  if (realpathSync(process.argv[1] ?? '') !== fileURLToPath(url)) return;
  const known = {
    registrar: { type: 'string', multiple: true, default: ['127.0.0.1:3863'] },
    address: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    sctp: { type: 'boolean', default: false },
    pool: { type: 'string' },
    ...options,
  };
  const said = readArguments(known);
  const [mode, ...rest] = said.positionals ?? [];
  const run = { serve, use }[mode];
  if (run === undefined) {
    if (said.fault) console.error(said.fault);
    const flags = Object.entries(known).map(
      ([name, { type, multiple }]) =>
        `[--${name}${type === 'string' ? ` ${name.toUpperCase()}` : ''}]${multiple ? '…' : ''}`,
    );
    const usage = `usage: node ${process.argv[1]} ${serve ? 'serve|' : ''}use ${flags.join(' ')}; a registrar is HOST:PORT`;
    (said.help ? console.log : console.error)(usage);
    process.exitCode = said.help ? 0 : 2;
    return;
  }
  await run(said.values, rest).catch((error) => {
    console.error(`${error.code ?? error.name}: ${error.message}`);
    process.exit(1);
  });
}

function readArguments(options) {
  const help = { type: 'boolean', short: 'h', default: false };
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { ...options, help } });
    if (values.help) return { help: true };
    const odd = values.registrar.find((text) => !/^.+:\d{1,5}$/.test(text));
    return odd === undefined ? { values, positionals } : { fault: `--registrar ${odd}: it is HOST:PORT` };
  } catch (error) {
    return { fault: error.message };
  }
}

/** How to get into the scope: here an open one, for closed networks. */
export function scope({ registrar, sctp }) {
  const registrars = registrar.map((text) => {
    const at = text.lastIndexOf(':');
    return { host: text.slice(0, at), port: Number(text.slice(at + 1)), transport: sctp ? 'sctp' : 'tcp' };
  });
  return { registrars, security: 'open', onTrouble: once() };
}

/** Says once what keeps us from a registrar; it is tried again all the time. */
function once() {
  const told = new Set();
  return ({ registrar, reason }) => {
    if (!told.has(registrar)) console.error(`* registrar ${registrar}: ${reason}`);
    told.add(registrar);
  };
}

/** An element of `pool` that serves with `handler` until it is told to stop. */
export async function serveUntilStopped(values, pool, handler, { element: more = {}, serve = {} } = {}) {
  const element = new PoolElement({
    ...scope(values),
    poolHandle: values.pool ?? pool,
    listen: { host: values.address, port: Number(values.port ?? 0), kind: values.sctp ? 'sctp' : 'tcp' },
    onEvent: ({ event }) => console.log(`${pool}: ${event}`),
    ...more,
  });
  await element.serve(handler, { onError: (error) => console.error(error), ...serve });
  const stop = () => void element[Symbol.asyncDispose]();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  return element;
}

/** A pool user, and how it tells what becomes of its sessions. */
export function poolUser(values) {
  return new PoolUser(scope(values));
}

export function tell(event) {
  if (event.event === 'failed-over')
    console.error(`* now at element ${event.to.id}, after ${Math.round(event.tookMs)} ms`);
  else if (event.event === 'failing-over')
    console.error(`* element ${event.element.id} is lost: ${event.reason}`);
}

const decoder = new TextDecoder();
export const textOf = (octets) => decoder.decode(octets);

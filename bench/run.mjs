#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Cleanup } from './lib/cleanup.mjs';
import { describeFigure, makeFigure } from './lib/figure.mjs';

/*
 * `npm run bench -- --list` and `npm run bench -- NAME…`. A benchmark is a folder with an index.mjs that exports
 * `description`, `limitMs` (after which it is given up) and `run(context)`. Figures go to standard output as one
 * line of JSON each, progress to standard error.
 */

const USAGE =
  'npm run bench -- --list | NAME… [--trials N] [--only FIGURE] [--sizes 1k,10k] [--fast] [--slow] [--verbose]';

async function loadAll() {
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !['lib', 'node_modules'].includes(entry.name))
    .map((entry) => entry.name);
  return new Map(await Promise.all(folders.map(async (name) => [name, await import(`./${name}/index.mjs`)])));
}

const say = (line) => process.stderr.write(`${line}\n`);

async function runOne(name, benchmark, options, stopping) {
  const cleanup = new Cleanup();
  const giveUp = new AbortController();
  const late = setTimeout(
    () => giveUp.abort(new Error(`given up after ${benchmark.limitMs / 1000} s`)),
    benchmark.limitMs,
  );
  const signal = AbortSignal.any([stopping, giveUp.signal]);
  const emit = (measured) => {
    say(`${name}  ${describeFigure(measured)}`);
    process.stdout.write(`${JSON.stringify(makeFigure({ bench: name, ...measured }))}\n`);
  };
  try {
    const ended = new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    ended.catch(() => {});
    await Promise.race([
      benchmark.run({ options, cleanup, signal, emit, say: (line) => say(`${name}  ${line}`) }),
      ended,
    ]);
    return true;
  } catch (error) {
    say(`${name}  ${error.message}`);
    return false;
  } finally {
    clearTimeout(late);
    await cleanup.run();
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean' },
    help: { type: 'boolean' },
    trials: { type: 'string' },
    only: { type: 'string' },
    sizes: { type: 'string' },
    fast: { type: 'boolean' },
    slow: { type: 'boolean' },
    verbose: { type: 'boolean' },
  },
});
const benchmarks = await loadAll();
const unknown = positionals.filter((name) => !benchmarks.has(name));
if (values.list) {
  for (const [name, { description }] of benchmarks)
    process.stdout.write(`${name.padEnd(8)} ${description}\n`);
} else if (values.help || positionals.length === 0 || unknown.length > 0) {
  if (unknown.length > 0)
    say(`unknown: ${unknown.join(', ')}; there are ${[...benchmarks.keys()].join(', ')}`);
  say(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(name, () => stopping.abort(new Error(`ended by ${name}`)));
  }
  for (const name of positionals) {
    if (stopping.signal.aborted) break;
    const isDone = await runOne(name, benchmarks.get(name), values, stopping.signal);
    if (!isDone) process.exitCode = 1;
  }
  process.exit();
}

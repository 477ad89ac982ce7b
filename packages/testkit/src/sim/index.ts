// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util';
import { exploreMain } from '../lease-explorer/command.ts';
import { WORLDS } from './worlds.ts';

const USAGE = `npm run sim -- [--world ${Object.keys(WORLDS).join('|')}] [--seeds N] [--from S] [--trace LINES]

Runs N seeds (default 1000) from seed S (default 1) on. A range can be cut in pieces: equal seeds give equal
runs, so the next piece starts where this one says it ended. Ctrl-C ends a piece early, and it says so as well. Ends with 1 at
the first violation.

npm run sim -- --explore searches all paths of the lease engines instead; --explore --help says how.`;

const TOLD_EVERY_MS = 5_000;
/** A world of virtual time never waits, so nobody hears Ctrl-C unless it is let. */
const LISTEN_EVERY_MS = 200;
/** As a shell tells an end by Ctrl-C. */
const INTERRUPTED = 130;

/** The command `npm run sim`; returns the exit code. `signal` ends the run after the seed, or step, under way. */
export async function main(args: readonly string[], signal: AbortSignal = interruption()): Promise<number> {
  if (args.includes('--explore')) return exploreMain(args, signal);
  let options: { world: string; seeds: number; from: number; trace: number } | undefined;
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options === undefined) {
    console.log(USAGE);
    return 0;
  }
  const { world, seeds, from, trace } = options;
  const run = WORLDS[world];
  if (run === undefined) {
    console.error(`no world ${world}\n\n${USAGE}`);
    return 2;
  }
  const started = performance.now();
  let told = started;
  let listened = started;
  for (let seed = from; seed < from + seeds; seed++) {
    const result = await run(seed, trace);
    if (!result.ok) {
      console.error(result.trace.join('\n'));
      console.error(`violation in world ${world}: ${result.violation ?? 'unknown'}`);
      console.error(`again: npm run sim -- --world ${world} --from ${seed} --seeds 1`);
      return 1;
    }
    const now = performance.now();
    if (now - listened > LISTEN_EVERY_MS) {
      await new Promise(setImmediate);
      listened = performance.now();
    }
    const done = seed - from + 1;
    if (signal.aborted && done < seeds) {
      console.log(`stopped after ${done} of ${seeds} seeds without a violation`);
      console.log(`go on: npm run sim -- --world ${world} --from ${seed + 1} --seeds ${seeds - done}`);
      return INTERRUPTED;
    }
    if (now - told > TOLD_EVERY_MS) {
      told = now;
      const eachMs = ((now - started) / done).toFixed(2);
      console.log(`${done} of ${seeds} seeds, ${eachMs} ms a seed, next --from ${seed + 1}`);
    }
  }
  const tookMs = performance.now() - started;
  console.log(
    `world ${world}: seeds ${from} to ${from + seeds - 1} without a violation, ${(tookMs / seeds).toFixed(2)} ms a seed`,
  );
  return 0;
}

/** Ctrl-C, the first time; the second time it ends the process as ever. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  return controller.signal;
}

function readOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      world: { type: 'string', default: 'lease' },
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      trace: { type: 'string', default: '60' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    world: values.world,
    seeds: count(values.seeds),
    from: count(values.from),
    trace: count(values.trace),
  };
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`--seeds, --from and --trace take whole numbers above 0, got ${text}`);
  return value;
}

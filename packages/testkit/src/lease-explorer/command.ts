// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util';
import { LEASE_MUTATIONS } from '../lease-world/mutations.ts';
import { explore } from './explore.ts';
import type { ExplorerResult } from './options.ts';
import { PROFILES } from './profiles.ts';

export const EXPLORE_USAGE: string = `npm run sim -- --explore [--profile NAME] [--depth N] [--states N] [--mutation NAME]

Follows all paths of the lease engines, shortest first, from the start of each profile (default: all of them) up to N
steps (default 30), or until there are N states (default 1,000,000, some 200 bytes each). Ends with 1 at the first
violation, with the shortest path to it. With --mutation one of the rules is broken, to see whether it is found out.
Ctrl-C ends the search and tells how far it came.

profiles: ${Object.keys(PROFILES).join(', ')}
mutations: ${[...LEASE_MUTATIONS.keys()].join(', ')}`;

interface Options {
  readonly profiles: readonly string[];
  readonly depthMax: number;
  readonly statesMax: number;
  readonly mutation: string | undefined;
}

/** As a shell tells an end by Ctrl-C. */
const INTERRUPTED = 130;

/** The command `npm run sim -- --explore`; returns the exit code. `signal` ends the search where it is. */
export async function exploreMain(args: readonly string[], signal: AbortSignal): Promise<number> {
  let options: Options | undefined;
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${EXPLORE_USAGE}`);
    return 2;
  }
  if (options === undefined) {
    console.log(EXPLORE_USAGE);
    return 0;
  }
  for (const name of options.profiles) {
    const result = await search(name, options, signal);
    console.log(told(name, result));
    if (!result.ok) {
      console.error(result.trace.join('\n'));
      return 1;
    }
    if (signal.aborted) return INTERRUPTED;
  }
  return 0;
}

function search(name: string, options: Options, signal: AbortSignal): Promise<ExplorerResult> {
  const { depthMax, statesMax, mutation } = options;
  const rules = mutation === undefined ? undefined : LEASE_MUTATIONS.get(mutation);
  let toldAt = performance.now();
  return explore({
    ...PROFILES[name],
    depthMax,
    statesMax,
    signal,
    ...(rules && { rules }),
    progress: ({ depth, states }) => {
      if (performance.now() - toldAt < 5000) return;
      toldAt = performance.now();
      console.log(`${name}: ${depth} steps done, ${states} states`);
    },
  });
}

function told(name: string, result: ExplorerResult): string {
  const { ok, depth, states, histories, steps, isComplete, violation } = result;
  const seen = `${states} states, ${steps} steps between them, ${histories} histories of a node`;
  if (!ok) return `${name}: ${violation} after ${depth + 1} steps (${seen})`;
  const end = isComplete ? '' : ', and some of the next';
  return `${name}: no violation on any path of ${depth} steps${end} (${seen})`;
}

function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      explore: { type: 'boolean' },
      profile: { type: 'string' },
      depth: { type: 'string', default: '30' },
      states: { type: 'string', default: '1000000' },
      mutation: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { profile, mutation } = values;
  if (profile !== undefined && PROFILES[profile] === undefined) throw new Error(`no profile ${profile}`);
  if (mutation !== undefined && !LEASE_MUTATIONS.has(mutation)) throw new Error(`no mutation ${mutation}`);
  return {
    profiles: profile === undefined ? Object.keys(PROFILES) : [profile],
    depthMax: count('depth', values.depth),
    statesMax: count('states', values.states),
    mutation,
  };
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new Error(`--${name} takes a whole number above 0, got ${text}`);
  }
  return value;
}

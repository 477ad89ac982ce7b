// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { type HostProcess, lives } from './host.ts';
import type { Child } from './support.ts';

const END_MS = 12_000;

/** Processes of the functions that agents with folders in this one have written down; of all, or of one. */
export function functionsIn(folder: string, only?: string): HostProcess[] {
  return (only === undefined ? readdirSync(folder) : [only]).flatMap((name) => {
    try {
      const text = readFileSync(`${folder}/${name}/functions.json`, 'utf8');
      return (JSON.parse(text) as HostProcess[]).map(({ pid, startTime }) => ({ pid, startTime }));
    } catch {
      return [];
    }
  });
}

/** Functions outlive an agent that is killed; a lab does not. */
export function endFunctions(folder: string, only?: string): void {
  for (const each of functionsIn(folder, only)) if (lives(each)) process.kill(each.pid, 'SIGKILL');
}

/** Ends processes of a lab: agents take their functions along, with groups and counters, where they can still hear. */
export async function endAll(children: readonly Child[]): Promise<void> {
  await Promise.all(
    children.map(async (child) => {
      if (child.isOver()) return;
      child.process.kill('SIGTERM');
      const late = setTimeout(() => child.process.kill('SIGKILL'), END_MS);
      await child.ended;
      clearTimeout(late);
    }),
  );
}

// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { type HostProcess, lives } from './host.ts';

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

// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { sendSignal } from '@vnfpool/platform/processes';
import { type HostProcess, lives } from './host.ts';
import { type Child, until } from './support.ts';

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

/**
 * Hooks outlive an agent that is killed, too, and nobody ends them at their timeout then. Ends one as an agent does, by its process
 * group, and resolves when nothing of it is left.
 *
 * @param pid of its first process, the head of the group
 * @param family that one and what it has started
 */
export async function endHook(pid: number, family: readonly HostProcess[]): Promise<void> {
  const head = family.find((each) => each.pid === pid);
  // While the head lives its number names its group.
  if (head !== undefined && lives(head)) sendSignal(-head.pid, 'SIGKILL');
  await until('nothing of the hook is left', () => !family.some(lives));
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

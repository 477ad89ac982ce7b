// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Every descendant of a process, children before grandchildren; from /proc, or from `ps` where there is none. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const { pid: child, parent } of processes()) {
    const list = children.get(parent);
    if (list) list.push(child);
    else children.set(parent, [child]);
  }
  const found: number[] = [];
  for (let next: number[] = [pid]; next.length > 0; ) {
    next = next.flatMap((parent) => children.get(parent) ?? []);
    found.push(...next);
  }
  return found;
}

/** Processes that live in the network namespace of `link`, the text of a /proc/PID/ns/net link. */
export function inNetworkNamespace(link: string): number[] {
  return numericEntries().filter((pid) => namespaceOf(pid) === link);
}

export function namespaceOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return null;
  }
}

/** Sends a signal; a process that is already gone is no error. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Start time of a process in clock ticks since boot: with the pid it names a process for ever. */
export function startTime(pid: number): string | null {
  return fieldsOf(pid)?.[19] ?? null;
}

function processes(): { pid: number; parent: number }[] {
  if (process.platform === 'linux') {
    return numericEntries().flatMap((pid) => {
      const parent = fieldsOf(pid)?.[1];
      return parent === undefined ? [] : [{ pid, parent: Number(parent) }];
    });
  }
  const listed = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  return (listed.stdout ?? '').split('\n').flatMap((line) => {
    const [pid, parent] = line.trim().split(/\s+/).map(Number);
    return pid && parent !== undefined ? [{ pid, parent }] : [];
  });
}

function numericEntries(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Fields of /proc/PID/stat after the name, which may itself hold spaces and brackets. */
function fieldsOf(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

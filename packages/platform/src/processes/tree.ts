// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { readProcessStat } from './stat.ts';

/** Every descendant of a process, children before grandchildren; from /proc, or from `ps` where there is none. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const { pid: child, parentPid } of processes()) {
    const list = children.get(parentPid);
    if (list) list.push(child);
    else children.set(parentPid, [child]);
  }
  const found: number[] = [];
  for (let next: number[] = [pid]; next.length > 0; ) {
    next = next.flatMap((parent) => children.get(parent) ?? []);
    found.push(...next);
  }
  return found;
}

/** Processes that live in the network namespace of `link`, as `networkNamespaceOf` gives it. */
export function inNetworkNamespace(link: string): number[] {
  return numericEntries().filter((pid) => networkNamespaceOf(pid) === link);
}

/** The network namespace of a process, as the text of its /proc/PID/ns/net link; null when it is gone. */
export function networkNamespaceOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return null;
  }
}

function processes(): { readonly pid: number; readonly parentPid: number }[] {
  if (process.platform === 'linux') return numericEntries().flatMap((pid) => readProcessStat(pid) ?? []);
  const listed = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  return (listed.stdout ?? '').split('\n').flatMap((line) => {
    const [pid, parentPid] = line.trim().split(/\s+/).map(Number);
    return pid && parentPid !== undefined ? [{ pid, parentPid }] : [];
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

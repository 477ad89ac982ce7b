// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/*
 * The host as seen from outside: which processes there are, and what its own network looks like.
 */

/** A process for ever: a pid alone is given again. */
export interface HostProcess {
  readonly pid: number;
  readonly startTime: string;
}

function numbersOf(pid: number): { parent: number; startTime: string; state: string } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', parent: Number(fields[1]), startTime: fields[19] ?? '' };
  } catch {
    return null;
  }
}

export function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** A process and all that came of it. */
export function familyOf(pid: number): HostProcess[] {
  const all = pids().flatMap((each) => {
    const numbers = numbersOf(each);
    return numbers === null ? [] : [{ pid: each, ...numbers }];
  });
  const family = new Set([pid]);
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const each of all) if (family.has(each.parent)) family.add(each.pid);
  }
  return all
    .filter((each) => family.has(each.pid))
    .map(({ pid: found, startTime }) => ({ pid: found, startTime }));
}

/** Zombies are gone, but for their parent's notice. */
export function lives({ pid, startTime }: HostProcess): boolean {
  const numbers = numbersOf(pid);
  return numbers !== null && numbers.startTime === startTime && numbers.state !== 'Z';
}

/** As `lives`, of whoever has this number. */
export function isThere(pid: number): boolean {
  const numbers = numbersOf(pid);
  return numbers !== null && numbers.state !== 'Z';
}

export function namespaceOf(pid: number, kind: 'net' | 'pid' | 'mnt'): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return null;
  }
}

/** Processes that name this text in their command line or environment. */
export function mentioning(text: string): number[] {
  return pids().filter((pid) => {
    if (pid === process.pid) return false;
    try {
      return (
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text) ||
        readFileSync(`/proc/${pid}/environ`, 'utf8').includes(text)
      );
    } catch {
      return false;
    }
  });
}

export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** The pid that a process has in the innermost process namespace. */
export function innerPid(pid: number): number | null {
  try {
    const line = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return line === undefined ? null : Number(line.split(/\s+/).at(-1));
  } catch {
    return null;
  }
}

function output(program: string, ...args: readonly string[]): string {
  const { stdout, status, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${status}`);
  return stdout;
}

/** Links, addresses, routes and rules of the namespace that we are in, without what counts by itself. */
export function ownNetwork(): unknown {
  const steady = (_key: string, value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const { valid_life_time: _v, preferred_life_time: _p, ...rest } = value as Record<string, unknown>;
    return rest;
  };
  const json = (text: string): unknown => JSON.parse(JSON.stringify(JSON.parse(text || '[]'), steady));
  return {
    links: json(output('ip', '-j', 'link')),
    addresses: json(output('ip', '-j', 'addr')),
    routes: json(output('ip', '-j', 'route')),
    // A rule that an agent left when it was killed names a group by a number, which the kernel may have given again.
    rules: output('nft', 'list', 'ruleset').replace(/(socket cgroupv2 level \d+) \S+/g, '$1'),
  };
}

// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { SeededRandom } from '@vnfpool/testkit/lease-world';
import { isThere } from '../host.ts';
import type { RunningSet } from '../running-set.ts';
import type { LinkName, SetKind } from './set-kinds.ts';
import type { Switches } from './switches.ts';

export interface Holder {
  readonly instance: string;
  readonly node: string;
  /** Its process, in our own count. */
  readonly pid: number;
}

/** What a fault is done to. */
export interface Target {
  readonly set: RunningSet;
  readonly kind: SetKind;
  readonly switches: Switches;
  readonly random: SeededRandom;
  /** All nodes, and who holds the slot. */
  readonly nodes: readonly string[];
  readonly holder: Holder;
}

export interface Fault {
  readonly name: string;
  /** How long it lasts, ms; drawn between these. 0: it is over at once. */
  readonly forMs: readonly [number, number];
  /** Does it, and tells how to undo it. */
  strike(target: Target): Promise<Undo>;
}

export type Undo = () => Promise<void> | void;

const nothing: Undo = () => {};

/** To somebody who may just have ended. */
function signal(pid: number, name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  if (isThere(pid)) process.kill(pid, name);
}

/** Mostly whom it hurts. */
function someNode({ random, nodes, holder }: Target): string {
  return random.chance(0.75) ? holder.node : random.pick(nodes);
}

async function hostPids(set: RunningSet): Promise<number[]> {
  const running = (await set.lab()).filter(({ state, pid }) => state === 'running' && pid !== null);
  return running.map(({ pid }) => set.hostPid(pid ?? 0));
}

/** One of the switches; where there is one, no random number is spent on it. */
function someLink({ random, switches: { links } }: Target): LinkName {
  return links.length > 1 ? random.pick(links) : (links[0] ?? 'eth0');
}

/** What a person at the switch would do: frames of one direction of one port are lost. */
async function cutOneWay(target: Target, direction: 'iifname' | 'oifname'): Promise<Undo> {
  const { switches } = target;
  const port = switches.port(someNode(target), someLink(target));
  const rules = `table bridge faults {
  chain forward {
    type filter hook forward priority 0
    ${direction} "${port}" drop
  }
}`;
  await switches.run('nft', rules);
  return async () => void (await switches.run('nft', 'delete table bridge faults'));
}

function burning(count: number, program: string): Undo {
  const children: ChildProcess[] = [];
  for (let n = 0; n < count; n++) children.push(spawn('perl', ['-e', program], { stdio: 'ignore' }));
  return () => {
    for (const child of children) child.kill('SIGKILL');
  };
}

/** A quarter of what is free, 512 MB at most: pressure for the machine, not its end. */
function hungryBytes(): number {
  const freeKb = Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0);
  return Math.min(freeKb * 256, 512 * 2 ** 20);
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'function killed',
    forMs: [0, 0],
    strike: async ({ holder }) => {
      signal(holder.pid, 'SIGKILL');
      return nothing;
    },
  },
  {
    name: 'agent killed',
    forMs: [0, 0],
    strike: async (target) => {
      // Whoever started it starts it again.
      signal(await target.set.pidOf(someNode(target)), 'SIGKILL');
      return nothing;
    },
  },
  {
    name: 'agent replaced',
    forMs: [0, 0],
    strike: async (target) => {
      await target.set.must('replace', someNode(target));
      return nothing;
    },
  },
  {
    name: 'node killed',
    forMs: [500, 3000],
    strike: async (target) => {
      const node = someNode(target);
      await target.set.must('kill', node, '--no-wait');
      return async () => void (await target.set.must('start', node));
    },
  },
  {
    name: 'agent paused',
    forMs: [20, 3000],
    strike: async (target) => {
      const pid = await target.set.pidOf(someNode(target));
      signal(pid, 'SIGSTOP');
      return () => signal(pid, 'SIGCONT');
    },
  },
  {
    name: 'all agents paused',
    forMs: [20, 2000],
    strike: async ({ set, nodes }) => {
      const pids = await Promise.all(nodes.map((node) => set.pidOf(node)));
      for (const pid of pids) signal(pid, 'SIGSTOP');
      return () => {
        for (const pid of pids) signal(pid, 'SIGCONT');
      };
    },
  },
  {
    name: 'function paused',
    forMs: [20, 2000],
    strike: async ({ holder }) => {
      signal(holder.pid, 'SIGSTOP');
      return () => {
        // Its agent may have ended it by now.
        signal(holder.pid, 'SIGCONT');
      };
    },
  },
  { name: 'link cut towards the node', forMs: [50, 3000], strike: (target) => cutOneWay(target, 'oifname') },
  { name: 'link cut from the node', forMs: [50, 3000], strike: (target) => cutOneWay(target, 'iifname') },
  {
    name: 'switch dead',
    forMs: [50, 2000],
    strike: async (target) => {
      const { switches } = target;
      const ports = await switches.portsOf(someLink(target));
      for (const port of ports) await switches.run('ip', 'link', 'set', port, 'down');
      return async () => {
        for (const port of ports) await switches.run('ip', 'link', 'set', port, 'up');
      };
    },
  },
  { name: 'four CPU hogs', forMs: [500, 2000], strike: async () => burning(4, '1 while 1') },
  {
    name: 'memory pressure',
    forMs: [500, 2000],
    strike: async () => {
      const program = `my $x = "x" x ${hungryBytes()}; while (1) { $x =~ tr/xy/yx/ }`;
      return burning(1, program);
    },
  },
  {
    name: 'manager dead',
    forMs: [200, 2000],
    strike: async ({ set }) => {
      await set.must('kill', 'manager', '--no-wait');
      return async () => void (await set.must('start', 'manager'));
    },
  },
  {
    name: 'manager dead, then the function',
    forMs: [500, 3000],
    strike: async ({ set, holder }) => {
      await set.must('kill', 'manager', '--no-wait');
      signal(holder.pid, 'SIGKILL');
      return async () => void (await set.must('start', 'manager'));
    },
  },
  {
    name: 'everything restarted at once',
    forMs: [0, 0],
    strike: async ({ set }) => {
      for (const pid of await hostPids(set)) signal(pid, 'SIGKILL');
      return nothing;
    },
  },
  {
    name: 'handed over on purpose',
    forMs: [0, 0],
    strike: async ({ set }) => {
      await set.must('handover', 'echo/0', '--no-wait');
      return nothing;
    },
  },
];

// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import type { ProcessIdentity } from '../processes/stat.ts';
import { endAll, signalAll } from './end-all.ts';
import {
  areStopped,
  countWaiting,
  hasVariable,
  readEntry,
  readProcessTable,
  residentBytes,
  type TableEntry,
  variableOf,
} from './process-table.ts';
import type { FunctionGroup, FunctionGroups, GroupLimits, GroupStatistics } from './types.ts';

const MARK = 'VNFPOOL_GROUP';
const NAMES: Readonly<Record<keyof GroupLimits, string>> = {
  processors: 'processors',
  memoryBytes: 'memory',
  processes: 'processes',
  storageBytes: 'storage',
  bandwidthBps: 'bandwidth',
};

/**
 * Groups without the kernel's help: members are the first process, its descendants, its process group and session, and
 * whoever carries its mark in the environment. A process that leaves all of these escapes; nothing is bounded.
 */
export class ProcessGroups implements FunctionGroups {
  readonly way = 'proc';
  readonly second = null;
  readonly description: string;
  readonly #label: string;
  readonly #groups = new Set<ProcessTreeGroup>();
  /** One look at /proc serves every group that is measured at the same time. */
  #table: TableEntry[] | null = null;

  /** @param reason why there are no groups of the kernel's */
  constructor(label: string, reason: string) {
    this.#label = label;
    this.description = `processes are followed in /proc and nothing is bounded: ${reason}`;
  }

  refusal(limits: GroupLimits): string | null {
    const asked = Object.entries(NAMES).flatMap(([key, name]) =>
      limits[key as keyof GroupLimits] === undefined ? [] : [name],
    );
    return asked.length === 0 ? null : `limit not enforceable: ${asked.join(', ')} (${this.description})`;
  }

  create(name: string, limits: GroupLimits): FunctionGroup {
    const refusal = this.refusal(limits);
    if (refusal !== null) throw new PlatformError('UNSUPPORTED', refusal, { call: 'limit' });
    const group = new ProcessTreeGroup(name, `${this.#label}/${name}`, {
      removed: () => this.#groups.delete(group),
      table: () => this.#sharedTable(),
    });
    this.#groups.add(group);
    return group;
  }

  /** What it has used before is not known any more: that begins at 0. */
  adopt(name: string, first: ProcessIdentity): FunctionGroup {
    const group = this.create(name, {});
    group.began(first);
    return group;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#groups].map((group) => group.kill()));
  }

  #sharedTable(): TableEntry[] {
    if (this.#table === null) {
      this.#table = readProcessTable();
      setImmediate(() => {
        this.#table = null;
      });
    }
    return this.#table;
  }
}

/**
 * Ends whoever carries the mark of a group with this label in its environment, but for groups that are kept. Never throws:
 * what cannot be ended stays.
 */
export async function endMarked(label: string, keep: ReadonlySet<string>): Promise<void> {
  const prefix = `${label}/`;
  const find = (): number[] =>
    readProcessTable().flatMap(({ pid, state }) => {
      const mark = state === 'Z' || pid === process.pid ? undefined : variableOf(pid, MARK);
      return mark?.startsWith(prefix) === true && !keep.has(mark.slice(prefix.length)) ? [pid] : [];
    });
  await endAll(
    () => signalAll(find(), 'SIGKILL'),
    () => find().length,
  );
}

interface Owner {
  removed(): void;
  /** Every process, as of this turn of the event loop. */
  table(): TableEntry[];
}

class ProcessTreeGroup implements FunctionGroup {
  readonly name: string;
  readonly path = null;
  readonly environment: Readonly<Record<string, string>>;
  readonly #mark: string;
  readonly #owner: Owner;
  #first: ProcessIdentity | null = null;
  /** Start of every member seen, by number: a process whose parent has ended is still known. */
  #known = new Map<number, number>();
  /** Processor time of members that are gone, as far as it was seen. */
  #goneMs = 0;
  #lastMs = new Map<number, number>();
  #peakBytes = 0;

  constructor(name: string, mark: string, owner: Owner) {
    this.name = name;
    this.#mark = `${MARK}=${mark}`;
    this.environment = { [MARK]: mark };
    this.#owner = owner;
  }

  enter(command: readonly string[]): [string, ...string[]] {
    const [program = '', ...rest] = command;
    return [program, ...rest];
  }

  began(first: ProcessIdentity): void {
    this.#first = first;
    this.#known.set(first.pid, first.startTicks);
  }

  processes(): number[] {
    return this.#members(readProcessTable()).map(({ pid }) => pid);
  }

  statistics(): GroupStatistics {
    const members = this.#members(this.#owner.table());
    const nowMs = new Map(members.map(({ pid, cpuMs }) => [pid, cpuMs]));
    for (const [pid, ms] of this.#lastMs) if (!nowMs.has(pid)) this.#goneMs += ms;
    this.#lastMs = nowMs;
    const memoryBytes = members.reduce((sum, { pid }) => sum + residentBytes(pid), 0);
    this.#peakBytes = Math.max(this.#peakBytes, memoryBytes);
    return {
      // A parent that collected a child counts its time as well: seen twice it is told once too often, never too little.
      cpuMs: this.#goneMs + [...nowMs.values()].reduce((sum, ms) => sum + ms, 0),
      throttledMs: null,
      memoryBytes,
      memoryPeakBytes: this.#peakBytes,
      memoryKills: null,
      refusedStarts: null,
      processes: members.length,
      threads: members.reduce((sum, { threads }) => sum + threads, 0),
      waiting: countWaiting(members.map(({ pid }) => pid)),
      diskReadBytes: null,
      diskWrittenBytes: null,
    };
  }

  heldStill(): 'stopped' | null {
    return areStopped(this.processes()) ? 'stopped' : null;
  }

  kill(): Promise<number> {
    return endAll(
      () => {
        // Stopped first: what cannot run cannot start others while we look again.
        for (let before = -1, now = this.#all(); now.length > before; before = now.length, now = this.#all())
          signalAll(now, 'SIGSTOP');
        signalAll(this.#all(), 'SIGKILL');
      },
      () => this.#all().length,
    );
  }

  remove(): void {
    this.#owner.removed();
  }

  /** Members, and whoever carries the mark: an environment is read of every process, so only at the end. */
  #all(): number[] {
    const members = new Set(this.processes());
    for (const { pid, state } of readProcessTable())
      if (state !== 'Z' && !members.has(pid) && hasVariable(pid, this.#mark)) members.add(pid);
    return [...members];
  }

  #members(table: readonly TableEntry[]): TableEntry[] {
    const head = this.#first;
    if (head === null) return [];
    // The number is the head's own while it lives, and nobody else's as long as its group has a member.
    const present = readEntry(head.pid);
    const isGroupOurs = present === undefined || present.startTicks === head.startTicks;
    const members = new Map<number, TableEntry>();
    const isMember = (entry: TableEntry): boolean =>
      this.#known.get(entry.pid) === entry.startTicks ||
      members.has(entry.parentPid) ||
      (isGroupOurs && (entry.processGroup === head.pid || entry.session === head.pid));
    for (let before = -1; members.size > before; ) {
      before = members.size;
      for (const entry of table)
        if (!members.has(entry.pid) && entry.state !== 'Z' && entry.state !== 'X' && isMember(entry))
          members.set(entry.pid, entry);
    }
    this.#known = new Map([...members.values()].map(({ pid, startTicks }) => [pid, startTicks]));
    return [...members.values()];
  }
}

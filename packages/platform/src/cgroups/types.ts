// SPDX-License-Identifier: Apache-2.0
import type { ProcessIdentity } from '../processes/stat.ts';

/** Bounds of a group; what is absent is not bounded. */
export interface GroupLimits {
  /** Processors, fractions allowed. */
  readonly processors?: number;
  readonly memoryBytes?: number;
  /** Processes and threads. */
  readonly processes?: number;
  readonly storageBytes?: number;
  /** Bits a second, each direction. */
  readonly bandwidthBps?: number;
}

/** What a group has used since it was made; null: not told here. */
export interface GroupStatistics {
  readonly cpuMs: number;
  /** Time for which it was held back by its limit of processors. */
  readonly throttledMs: number | null;
  /** In use now, without what the kernel keeps of files and can give up at once. */
  readonly memoryBytes: number | null;
  readonly memoryPeakBytes: number | null;
  /** Processes that the kernel ended because of the limit of memory. */
  readonly memoryKills: number | null;
  /** How often a start of a process or thread failed because of the limit. */
  readonly refusedStarts: number | null;
  readonly processes: number;
  readonly threads: number;
  /** Threads that run or wait for a processor or a disk now: what the kernel counts as load. */
  readonly waiting: number;
  /** Octets from and to disks. */
  readonly diskReadBytes: number | null;
  readonly diskWrittenBytes: number | null;
}

/** The processes of one run of a function, for as long as it lasts. */
export interface FunctionGroup {
  readonly name: string;
  /** Path of its group in the second version's hierarchy, relative to the mount; null: it has none. */
  readonly path: string | null;
  /** The command that joins the group and then becomes `command`: whatever it starts is in the group from the first moment. */
  enter(command: readonly string[]): [string, ...string[]];
  /** What `enter`'s command must find in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Tells its first process, once that runs. */
  began(first: ProcessIdentity): void;
  processes(): number[];
  statistics(): GroupStatistics;
  /** Whether somebody holds all of it still, by the kernel's freezer or by a stop signal; null: it may run. */
  heldStill(): 'frozen' | 'stopped' | null;
  /**
   * Ends every process of it, and those that these start meanwhile.
   * @returns how many are left after 2 s: some cannot be ended while they wait for a device
   */
  kill(): Promise<number>;
  /** Gives the empty group back. */
  remove(): void;
}

/** Where functions of a node get groups. */
export interface FunctionGroups {
  /** `cgroup2`, `cgroup1`, or `proc`: no group of the kernel's, members are looked for in /proc. */
  readonly way: 'cgroup2' | 'cgroup1' | 'proc';
  /** Where groups are made, or why there are none; for people. */
  readonly description: string;
  /** Where our groups are in the second version's hierarchy, for `GroupTraffic`; null: nowhere. */
  readonly second: { readonly mount: string; readonly path: string } | null;
  /** Why these limits cannot be enforced, naming each and the reason; null: they can. Bandwidth never can by groups alone. */
  refusal(limits: GroupLimits): string | null;
  /**
   * Makes a group with its limits set.
   * @param name unique among those that are there
   * @throws PlatformError naming file and reason
   */
  create(name: string, limits: GroupLimits): FunctionGroup;
  /**
   * Takes over a group that a former agent with our label made, with its limits as they are.
   * @param first its first process
   * @throws PlatformError when it is not there
   */
  adopt(name: string, first: ProcessIdentity): FunctionGroup;
  /** Ends what is left and removes every group. */
  close(): Promise<void>;
}

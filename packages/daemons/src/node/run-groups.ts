// SPDX-License-Identifier: Apache-2.0
import {
  type FunctionGroup,
  type FunctionGroups,
  type GroupLimits,
  GroupTraffic,
  ProcessGroups,
  type TrafficCounts,
} from '@vnfpool/platform/cgroups';
import type { ProcessIdentity } from '@vnfpool/platform/processes';

export interface RunGroupsOptions {
  /** Default: functions are followed in /proc, and nothing is bounded. */
  readonly groups?: FunctionGroups;
  /** Counts and bounds what functions send and receive; a text: why it cannot be had here. */
  readonly traffic?: GroupTraffic | string;
  /** Takes what an operator should know: a group that could not be ended or removed. */
  readonly warn?: (message: string) => void;
}

/** The groups of the runs of a node's functions: made with their limits, ended with all that is in them. */
export class RunGroups {
  readonly #options: RunGroupsOptions;
  readonly #groups: FunctionGroups;
  readonly #traffic: GroupTraffic | null;
  /** Runs that are over and whose groups are being ended. */
  readonly #ending = new Set<Promise<void>>();

  constructor(options: RunGroupsOptions) {
    this.#options = options;
    this.#groups = options.groups ?? new ProcessGroups(String(process.pid), 'this host was given none');
    this.#traffic = options.traffic instanceof GroupTraffic ? options.traffic : null;
  }

  /** For people. */
  get description(): string {
    return this.#groups.description;
  }

  /** Why these limits cannot be enforced here; null: they can. */
  refusal(limits: GroupLimits): string | null {
    const { bandwidthBps, ...rest } = limits;
    if (bandwidthBps !== undefined && this.#traffic === null) {
      const { traffic } = this.#options;
      const reason = typeof traffic === 'string' ? traffic : 'this node does not count what functions send';
      return `limit not enforceable: bandwidth (${reason})`;
    }
    return this.#groups.refusal(rest);
  }

  /**
   * A group with its limits set, and with its traffic counted. A limit of traffic stands before the function starts;
   * for the mere count nobody waits.
   * @throws Error naming the limit, or file and reason
   */
  async create(name: string, limits: GroupLimits): Promise<FunctionGroup> {
    const refusal = this.refusal(limits);
    if (refusal !== null) throw new Error(refusal);
    const { bandwidthBps, ...rest } = limits;
    const group = this.#groups.create(name, rest);
    if (this.#traffic === null || group.path === null) return group;
    const counted = this.#traffic.begin(name, group.path, bandwidthBps);
    if (bandwidthBps === undefined) {
      counted.catch((error: unknown) => this.#warn(`${name}: its traffic is not counted`, error));
      return group;
    }
    try {
      await counted;
    } catch (error) {
      this.end(group);
      throw error;
    }
    return group;
  }

  /**
   * The group of a run that a former agent began, with its limits and counters. One that had a group of the kernel's which is not
   * to be had now is followed in /proc.
   */
  adopt(name: string, first: ProcessIdentity): FunctionGroup {
    try {
      return this.#groups.adopt(name, first);
    } catch (error) {
      this.#warn(`${name}: followed in /proc from now on`, error);
      return new ProcessGroups(String(process.pid), 'its group is not there').adopt(name, first);
    }
  }

  /** What groups have received and sent so far, by name; empty where it is not counted. */
  async traffic(names: readonly string[]): Promise<ReadonlyMap<string, TrafficCounts>> {
    if (this.#traffic === null || names.length === 0) return new Map();
    try {
      return await this.#traffic.counts(names);
    } catch (error) {
      this.#warn('traffic is not counted', error);
      return new Map();
    }
  }

  /** Ends every process of a run that is over, and gives its group back; nobody waits for it but `close`. */
  end(group: FunctionGroup): void {
    const ending = this.#end(group).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
    this.#traffic?.end(group.name).catch((error: unknown) => this.#warn(group.name, error));
  }

  async close(): Promise<void> {
    // Side by side: whoever stops us does not wait for long.
    const traffic = this.#traffic?.close();
    await Promise.all(this.#ending);
    await this.#groups.close();
    await traffic;
  }

  async #end(group: FunctionGroup): Promise<void> {
    try {
      const left = await group.kill();
      if (left > 0) this.#options.warn?.(`${group.name}: ${left} of its processes cannot be ended`);
      else group.remove();
    } catch (error) {
      this.#warn(group.name, error);
    }
  }

  #warn(what: string, error: unknown): void {
    this.#options.warn?.(`${what}: ${(error as Error).message}`);
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { FunctionGroup, TrafficCounts } from '@vnfpool/platform/cgroups';
import type { ProcessIdentity } from '@vnfpool/platform/processes';
import type { FunctionKind, FunctionLimits, FunctionSpecification } from '@vnfpool/wire/mobility';
import { type FunctionContainer, FunctionContainers } from './containers/index.ts';
import { type FunctionNetwork, FunctionNetworks } from './function-networks.ts';
import { RunGroups, type RunGroupsOptions } from './run-groups.ts';

export interface FunctionSurroundingsOptions extends RunGroupsOptions {
  /** Makes the networks of functions of kind `netns`; a text: why this node cannot. */
  readonly networks?: FunctionNetworks | string;
  /** Runs functions of kind `container`; a text: why this node cannot. */
  readonly containers?: FunctionContainers | string;
}

/** What is there for one run of a function. */
export interface Surroundings {
  /** Of the run, unique among those that are there. */
  readonly name: string;
  readonly group: FunctionGroup;
  /** Null: the host's own. */
  readonly network: FunctionNetwork | null;
  /** Null: it sees what we see. */
  readonly container: FunctionContainer | null;
}

/** Makes what a run is in, before it starts, and takes it away behind it: its group, its network, its container. */
export class FunctionSurroundings {
  readonly #options: FunctionSurroundingsOptions;
  readonly #groups: RunGroups;

  constructor(options: FunctionSurroundingsOptions) {
    this.#options = options;
    this.#groups = new RunGroups(options);
  }

  /** How functions are kept together and bounded here, for people. */
  get groupsDescription(): string {
    return this.#groups.description;
  }

  /** Kinds of functions, each with the reason why this node cannot run it; null: it can. */
  get kinds(): Readonly<Record<FunctionKind, string | null>> {
    const { networks = 'this agent makes no networks', containers = 'this agent makes no containers' } =
      this.#options;
    return {
      process: null,
      netns: typeof networks === 'string' ? networks : null,
      container: typeof containers === 'string' ? containers : null,
    };
  }

  /** Why such a function cannot run here, for the answer to its ADD (error 6); null: it can. */
  refusal(
    specification: Pick<FunctionSpecification, 'limits' | 'netns' | 'container' | 'state'>,
  ): string | null {
    const { limits, netns, container, state } = specification;
    if (container !== undefined) {
      const { containers = 'this agent makes no containers' } = this.#options;
      if (typeof containers === 'string') return `kind container not available: ${containers}`;
      const reason = containers.refusal(specification);
      if (reason !== null) return reason;
    }
    if (netns !== undefined) {
      const { networks = 'this agent makes no networks' } = this.#options;
      const reason = typeof networks === 'string' ? networks : networks.refusal(netns);
      if (reason !== null) return `kind netns not available: ${reason}`;
      if (state?.via === 'conntrack' && typeof networks !== 'string') {
        const immovable = networks.movesRefusal();
        if (immovable !== null) return immovable;
      }
      const limit =
        limits?.bandwidthBps === undefined || typeof networks === 'string' ? null : networks.limitRefusal();
      if (limit !== null) return limit;
    }
    return limits === undefined ? null : this.#groups.refusal(groupLimitsOf(specification));
  }

  /** @throws Error naming what cannot be made and why; nothing is left of it then */
  async make(name: string, specification: FunctionSpecification): Promise<Surroundings> {
    const refusal = specification.kind === 'process' ? null : this.refusal(specification);
    if (refusal !== null) throw new Error(refusal);
    const group = await this.#groups.create(name, groupLimitsOf(specification));
    try {
      const network = await this.#createNetwork(name, specification);
      return { name, group, network, container: this.#containerOf(name, specification) };
    } catch (error) {
      this.#groups.end(group);
      throw error;
    }
  }

  /**
   * What a former agent made, as it is.
   * @throws Error when this agent cannot have it
   */
  adopt(name: string, specification: FunctionSpecification, first: ProcessIdentity): Surroundings {
    const { limits, netns, container } = specification;
    const { networks } = this.#options;
    if (netns !== undefined && !(networks instanceof FunctionNetworks))
      throw new Error(networks ?? 'this agent makes no networks');
    const network =
      netns && networks instanceof FunctionNetworks
        ? networks.adopt(name, netns, first.pid, limits?.bandwidthBps)
        : null;
    const adopted = this.#containerOf(name, specification);
    if (container !== undefined && adopted === null) {
      network?.close();
      throw new Error('this agent makes no containers');
    }
    return { name, group: this.#groups.adopt(name, first), network, container: adopted };
  }

  /** First: the next start wants the same names. */
  closeNetwork({ name, network }: Surroundings): void {
    try {
      network?.close();
    } catch (error) {
      this.#options.warn?.(`${name}: its network is not removed: ${(error as Error).message}`);
    }
  }

  /** Ends what is left of the run; nobody waits for it but `close`. */
  end({ group, container }: Surroundings): void {
    const { containers, warn } = this.#options;
    this.#groups.end(group);
    if (container && containers instanceof FunctionContainers) containers.end(container, warn);
  }

  /** What runs have received and sent so far, by name; without those of which it is not counted. */
  async traffic(runs: readonly Surroundings[]): Promise<ReadonlyMap<string, TrafficCounts>> {
    const shared = runs.filter(({ network }) => network === null);
    const counts = new Map(await this.#groups.traffic(shared.map(({ name }) => name)));
    // In a network of its own nobody knows the group's sockets, but its links are all there is.
    for (const { name, network } of runs) {
      const count = network?.traffic() ?? null;
      if (count !== null) counts.set(name, count);
    }
    return counts;
  }

  async close(): Promise<void> {
    await this.#groups.close();
    const { containers } = this.#options;
    if (containers instanceof FunctionContainers) await containers.close();
  }

  #containerOf(name: string, { container }: FunctionSpecification): FunctionContainer | null {
    const { containers } = this.#options;
    return container && containers instanceof FunctionContainers ? containers.of(name) : null;
  }

  async #createNetwork(
    name: string,
    { limits, netns, state }: FunctionSpecification,
  ): Promise<FunctionNetwork | null> {
    const { networks } = this.#options;
    if (!netns || !(networks instanceof FunctionNetworks)) return null;
    return networks.create(name, netns, state?.via === 'conntrack', limits?.bandwidthBps);
  }
}

/** What a group must bound: the storage of a container is its own root's size, and the links of a network bound what they carry. */
function groupLimitsOf({
  limits = {},
  container,
  netns,
}: Pick<FunctionSpecification, 'limits' | 'container' | 'netns'>): FunctionLimits {
  const { storageBytes, bandwidthBps, ...rest } = limits;
  return {
    ...rest,
    ...(storageBytes === undefined || container ? {} : { storageBytes }),
    ...(bandwidthBps === undefined || netns ? {} : { bandwidthBps }),
  };
}

// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import type { TrafficCounts } from '@vnfpool/platform/cgroups';
import {
  adoptPrivateNetwork,
  createNamespace,
  createPrivateNetwork,
  hostEndsOf,
  limitsRefusal,
  type NetworkNamespace,
  type PrivateNetworkPlan,
  removeLeftLinks,
} from '@vnfpool/platform/namespaces';
import { listLinks, NETLINK_ROUTE, NetlinkSocket } from '@vnfpool/platform/netlink';
import type { FunctionSpecification, NetworkSpecification } from '@vnfpool/wire/mobility';
import { movableNetwork, movesRefusal } from './movable-network.ts';

/** A run's network; it is there before the function, and is removed after it. */
export interface FunctionNetwork {
  readonly namespace: NetworkNamespace;
  /** Whether all of its links carry frames. */
  isPassing(): boolean;
  /** Octets that its links have carried so far, seen by the function; null: the kernel does not say. */
  traffic(): TrafficCounts | null;
  close(): void;
}

/** Holds the namespace of a function that has no program; its end is the function's end. */
const KEEPER: readonly string[] = ['sleep', 'infinity'];
/** Nobody else has a port in a namespace that is new: where the specification leaves it open, this is it. */
const FREE_PORT = 49_152;

/** Networks for functions of kind `netns`, each in a namespace of its own. */
export class FunctionNetworks {
  readonly #label: string;
  /** Why rules cannot be loaded; null: they can. */
  readonly #noRules: string | null;
  /** Once somebody asked. */
  #noLimits: { readonly reason: string | null } | null = null;
  #noMoves: { readonly reason: string | null } | null = null;

  private constructor(label: string, noRules: string | null) {
    this.#label = label;
    this.#noRules = noRules;
  }

  /**
   * Tries it, and removes links that an agent with this label left behind.
   * @param label tells our links from those of other agents; at most 100 letters and digits
   * @param keep networks that are to be adopted
   * @returns the reason when this node cannot make networks
   */
  static open(
    label: string,
    warn: (message: string) => void = () => undefined,
    keep: readonly { readonly name: string; readonly network: NetworkSpecification }[] = [],
  ): FunctionNetworks | string {
    try {
      createNamespace().close();
      const kept = new Set(keep.flatMap(({ name, network }) => hostEndsOf(label, name, network)));
      const left = removeLeftLinks(label, kept);
      if (left.length > 0) warn(`removed links of functions that are gone: ${left.join(', ')}`);
    } catch (error) {
      return `no network namespaces: ${(error as Error).message}; the agent must be root or have CAP_SYS_ADMIN and CAP_NET_ADMIN`;
    }
    const nft = spawnSync('nft', ['--version']);
    return new FunctionNetworks(
      label,
      nft.error === undefined ? null : `nft cannot be run: ${nft.error.message}`,
    );
  }

  /** Why such a limit cannot be enforced at links of networks; null: it can. */
  limitRefusal(): string | null {
    this.#noLimits ??= { reason: limitsRefusal() };
    const { reason } = this.#noLimits;
    return reason === null ? null : `limit not enforceable: bandwidth (${reason})`;
  }

  /** Why connections tracked in networks cannot move; null: they can. */
  movesRefusal(): string | null {
    this.#noMoves ??= { reason: movesRefusal() };
    const { reason } = this.#noMoves;
    return reason === null ? null : `state by conntrack not available: ${reason}`;
  }

  /** Why such a network cannot be made here, for the answer to an ADD; null: it can, as far as can be seen now. */
  refusal({ interfaces, rules }: NetworkSpecification): string | null {
    if (rules !== undefined && this.#noRules !== null) return `rules: ${this.#noRules}`;
    const links = hostLinks();
    const missing = interfaces.find(({ bridge }) => bridge !== undefined && !links.has(bridge));
    return missing === undefined
      ? null
      : `interface ${missing.name}: this node has no bridge ${missing.bridge}`;
  }

  /**
   * @param name of the run, unique among those that are there
   * @param isMovable its connections move to other nodes: it is closed until `ConntrackFunctionState` opens it
   * @param bandwidthBps limit of all its links together, in each direction
   * @throws PlatformError naming the part of the network and the reason
   */
  create(
    name: string,
    network: NetworkSpecification,
    isMovable = false,
    bandwidthBps?: number,
  ): Promise<FunctionNetwork> {
    const plan = isMovable ? movableNetwork(network) : network;
    return createPrivateNetwork(this.#label, name, limited(plan, bandwidthBps));
  }

  /**
   * The network of a run that a former agent made, as it is.
   * @param pid lives in it
   * @throws Error when it does not
   */
  adopt(name: string, network: NetworkSpecification, pid: number, bandwidthBps?: number): FunctionNetwork {
    return adoptPrivateNetwork(this.#label, name, limited(network, bandwidthBps), pid);
  }
}

function limited(plan: PrivateNetworkPlan, bandwidthBps: number | undefined): PrivateNetworkPlan {
  return bandwidthBps === undefined ? plan : { ...plan, bandwidthBps };
}

function hostLinks(): ReadonlySet<string> {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    return new Set(listLinks(socket).map(({ name }) => name));
  } finally {
    socket.close();
  }
}

/** What runs: the specification's command, or what keeps a namespace that has rules only; of a container: as its bundle says. */
export function commandOf({ kind, command }: FunctionSpecification): readonly string[] {
  return command.length === 0 && kind === 'netns' ? KEEPER : command;
}

/** Where a function of kind `netns` is reached: at its first address; null: at none. */
export function placeOf({ interfaces }: NetworkSpecification): string | null {
  return interfaces.flatMap(({ addresses }) => addresses)[0]?.split('/')[0] ?? null;
}

/** The port inside a namespace of its own; null: nobody can reach it at one. */
export function portInside({ kind, netns, port, command }: FunctionSpecification): number | null {
  if (netns === undefined || placeOf(netns) === null || port === undefined) return null;
  if (port !== 0) return port;
  return command.length === 0 && kind === 'netns' ? null : FREE_PORT;
}

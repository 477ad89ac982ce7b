// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import {
  createNamespace,
  createPrivateNetwork,
  type NetworkNamespace,
  removeLeftLinks,
} from '@vnfpool/platform/namespaces';
import { listLinks, NETLINK_ROUTE, NetlinkSocket } from '@vnfpool/platform/netlink';
import type { FunctionSpecification, NetworkSpecification } from '@vnfpool/wire/mobility';
import { movableNetwork } from './movable-network.ts';

/** A run's network; it is there before the function, and is removed after it. */
export interface FunctionNetwork {
  readonly namespace: NetworkNamespace;
  /** Whether all of its links carry frames. */
  isPassing(): boolean;
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

  private constructor(label: string, noRules: string | null) {
    this.#label = label;
    this.#noRules = noRules;
  }

  /**
   * Tries it, and removes links that an agent with this label left behind.
   * @param label tells our links from those of other agents; at most 100 letters and digits
   * @returns the reason when this node cannot make networks
   */
  static open(label: string, warn: (message: string) => void = () => undefined): FunctionNetworks | string {
    try {
      createNamespace().close();
      const left = removeLeftLinks(label);
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
   * @throws PlatformError naming the part of the network and the reason
   */
  create(name: string, network: NetworkSpecification, isMovable = false): Promise<FunctionNetwork> {
    return createPrivateNetwork(this.#label, name, isMovable ? movableNetwork(network) : network);
  }
}

function hostLinks(): ReadonlySet<string> {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    return new Set(listLinks(socket).map(({ name }) => name));
  } finally {
    socket.close();
  }
}

/** What runs: the specification's command, or what keeps a namespace that has rules only. */
export function commandOf({ command }: FunctionSpecification): readonly string[] {
  return command.length === 0 ? KEEPER : command;
}

/** Where a function of kind `netns` is reached: at its first address; null: at none. */
export function placeOf({ interfaces }: NetworkSpecification): string | null {
  return interfaces.flatMap(({ addresses }) => addresses)[0]?.split('/')[0] ?? null;
}

/** The port inside a namespace of its own; null: nobody can reach it at one. */
export function portInside({ netns, port, command }: FunctionSpecification): number | null {
  if (netns === undefined || placeOf(netns) === null || port === undefined) return null;
  if (port !== 0) return port;
  return command.length === 0 ? null : FREE_PORT;
}

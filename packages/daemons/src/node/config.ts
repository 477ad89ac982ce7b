// SPDX-License-Identifier: Apache-2.0

/** What a node agent is told when it is started. */
export interface NodeConfig {
  /** Folder of keys, certificate, lease register and output of functions. */
  readonly state: string;
  /** Name of the node in the set. */
  readonly name: string;
  /**
   * Address of this node: lease datagrams are taken and functions are reached there. Or a link, whose IPv4 address is
   * followed as it changes.
   */
  readonly listen: string;
  /** UDP port of lease datagrams. */
  readonly port: number;
  /** TCP port at which state of functions is taken; absent: any, it is told to the manager. */
  readonly statePort?: number;
  /** TCP port at which copies of the state of slots are taken; absent: any, it is told to the manager. */
  readonly replicationPort?: number;
  /** Link of the virtual addresses; null: no virtual addresses and no fence. */
  readonly interface: string | null;
  /** All nodes share one address: functions get free ports. */
  readonly loopback: boolean;
  /** One-time token; not needed when the folder holds credentials. */
  readonly join: string | null;
  /**
   * Control group beneath which functions get groups of their own: `auto` (default) the agent's own one, `none`, or a path below
   * the root of each hierarchy.
   */
  readonly cgroup?: string;
  readonly discovery?: ManagerDiscovery;
  /** TLS to the manager and between nodes goes over Multipath TCP, where the other end has it. Default false. */
  readonly multipath?: boolean;
  /** Takes the place of the agent that runs on the folder, with what it holds. Default false: that one is an error. */
  readonly takesOver?: boolean;
}

/**
 * Where a node of a set looks for its manager, beside the address at which it joined. All of these are asked at each
 * attempt, in this order; wherever an address comes from, whoever is there must prove to be a manager of the set.
 */
export interface ManagerDiscovery {
  /** Tried before the address at which the node joined. */
  readonly addresses?: readonly { readonly host: string; readonly port: number }[];
  /** SRV records `service` (default `_svcmob._tcp`) of `domain`; `servers` are asked in place of the system's. */
  readonly dns?: {
    readonly domain: string;
    readonly service?: string;
    readonly servers?: readonly string[];
  };
  /** A file with a manager a line, which a DHCP client's hook writes. */
  readonly file?: string;
  /** Registrars that are asked for managers, before those that the last manager told of. */
  readonly registrars?: readonly { readonly host: string; readonly port: number }[];
}

/** UDP port of lease datagrams where nothing else is said (private range). */
export const LEASE_PORT = 49880;

// SPDX-License-Identifier: Apache-2.0

/** What a node agent is told when it is started. */
export interface NodeConfig {
  /** Folder of keys, certificate, lease register and output of functions. */
  readonly state: string;
  /** Name of the node in the set. */
  readonly name: string;
  /** Address of this node: lease datagrams are taken and functions are reached there. */
  readonly listen: string;
  /** UDP port of lease datagrams. */
  readonly port: number;
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
}

/** UDP port of lease datagrams where nothing else is said (private range). */
export const LEASE_PORT = 49880;

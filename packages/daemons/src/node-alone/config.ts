// SPDX-License-Identifier: Apache-2.0
import type { TlsCredentials } from '@vnfpool/transport/tls';
import type { MobilityTransportKind } from '../mobility-transports.ts';
import type { Catalogue } from './catalogue.ts';

/** How the connection to the manager is secured; plain: it is protected below, or stays on this machine. */
export type ManagerSecurity =
  | { readonly kind: 'plain' }
  /** The manager's certificate must name the host that was connected to. */
  | { readonly kind: 'tls'; readonly credentials: TlsCredentials };

/** What the agent of a node without a set is told when it is started. */
export interface NodeAloneConfig {
  /** Folder of the node's number and the output of functions. */
  readonly state: string;
  readonly manager: { readonly host: string; readonly port: number };
  /**
   * What carries the protocol. State of functions goes to other nodes by TCP, or Multipath TCP where that is said.
   * Default: TCP.
   */
  readonly transport?: MobilityTransportKind;
  readonly security: ManagerSecurity;
  /** Address at which functions are reached; told to the manager. Or a link, whose address is followed as it changes. */
  readonly listen: string;
  /** TCP port, at the same address, at which it takes state from other nodes; 0: any, it is told to the manager. */
  readonly statePort: number;
  /** Functions take free ports in place of the declared ones: several nodes share the address. */
  readonly loopback: boolean;
  /** Node ID; null: what the manager gave the last time, or shall give. */
  readonly nodeId: number | null;
  /** Programs by function name; with one, nothing else runs. Null: what the manager specifies. */
  readonly catalogue: Catalogue | null;
}

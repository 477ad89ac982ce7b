// SPDX-License-Identifier: Apache-2.0
import type { Standby } from './leadership.ts';

/** What a pool manager is told when it is started. */
export interface ManagerConfig {
  /** Folder of store, authority and keys. */
  readonly state: string;
  /** Name of the set; also the domain of its certificates. */
  readonly set: string;
  /** Address at which nodes and joiners reach it. */
  readonly listen: string;
  /** TCP port of the service-mobility protocol; 0: any. */
  readonly port: number;
  /** TCP port for joining; 0: any. */
  readonly joinPort: number;
  /** Socket of the management API. */
  readonly apiSocket: string;
  readonly mode: 'hosts' | 'namespaces' | 'loopback';
  /** Another manager may lead on the same folder; then this one waits. Default null: it must not. */
  readonly standby?: Standby | null;
  /** The service-mobility protocol is taken by Multipath TCP too. Default false. */
  readonly multipath?: boolean;
}

/** Port of the service-mobility protocol where nothing else is said; the draft has none assigned (private range). */
export const MOBILITY_PORT = 49877;
export const JOIN_PORT = 49878;

// SPDX-License-Identifier: Apache-2.0
import type { RelayPlace } from '@vnfpool/core/relay';

export interface RelayConfig {
  readonly protocol: 'udp' | 'tcp';
  readonly listen: RelayPlace;
  /** At least one; a session keeps the one that it began with. */
  readonly backends: readonly RelayPlace[];
  /** What clients talk to if it is not `listen`: sessions are known by it, wherever they are served. */
  readonly service: RelayPlace | null;
  /** Own address towards backends; null: the system chooses. */
  readonly from: string | null;
  /** Where packets of moved sessions are exchanged with other relays, an address that does not move; port 0: any. */
  readonly forward: RelayPlace;
  readonly idleMs: number;
  readonly sessionsMax: number;
  /** Packets, or connections, that wait while state moves. */
  readonly heldMax: number;
  /** TCP: a move may cut connections; else it is refused while there are any. */
  readonly cutConnections: boolean;
}

export const DEFAULT_RELAY_IDLE_MS = 60_000;
export const DEFAULT_RELAY_SESSIONS_MAX = 10_000;
export const DEFAULT_RELAY_HELD_MAX = 8_192;

/** What a relay says of itself; counts since it was started. */
export interface RelayStatus {
  readonly protocol: 'udp' | 'tcp';
  readonly role: string | null;
  /** Null while it does not listen. */
  readonly listen: string | null;
  readonly forward: string | null;
  /** Sessions that are served here, those of others' that are among them, and those that are ours and served elsewhere. */
  readonly sessions: { readonly served: number; readonly fromElsewhere: number; readonly elsewhere: number };
  /** Sessions by backend. */
  readonly backends: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
}

/** What run-relay drives: one of UDP, one of TCP. */
export interface RelayService {
  /** Opens the socket for clients; waits while the address is not here or still taken. */
  listen(): void;
  unlisten(): void;
  /** Null: it listens, or is not meant to; else why it does not. */
  readonly trouble: string | null;
  status(role: string | null): RelayStatus;
  close(): void;
}

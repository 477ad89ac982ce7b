// SPDX-License-Identifier: Apache-2.0
import type { Join } from '../joining/join.ts';
import type { AssociationId, ConnectAttempt, RegistrarTransport } from '../messages.ts';
import { AdoptionQueue } from '../takeover/adoption-queue.ts';
import type { Attempt } from './attempt.ts';
import type { PeerLink, PeerRegistrar } from './peer.ts';

/** A registrar that left the peer list, and where it was. */
export interface LostRegistrar {
  readonly registrarId: number;
  readonly transport: RegistrarTransport;
  readonly atMs: number;
}

/** What a registrar knows of the other registrars. */
export interface ScopeState {
  phase: 'joining' | 'running' | 'stopped';
  /** Our ENRP endpoint; undefined: not started, we are alone. */
  server: RegistrarTransport | undefined;
  /** Where we serve ASAP. */
  asap: readonly RegistrarTransport[];
  /** The peer list, without us. */
  readonly peers: Map<number, PeerRegistrar>;
  /** The list was full, and that was told. */
  peersWereFull: boolean;
  readonly links: Map<AssociationId, PeerLink>;
  readonly attempts: Map<ConnectAttempt, Attempt>;
  lastAttempt: ConnectAttempt;
  join: Join | undefined;
  /** Handle table sessions of all peers. */
  tableSessions: number;
  readonly adoptions: AdoptionQueue;
  /** When each other registrar was last heard announcing. */
  readonly announcers: Map<number, number>;
  /** Endpoints that a multicast presence made us connect to, and when. */
  readonly hints: Map<string, number>;
  /** Endpoints of mentors, where a registrar of our scope may be found at any time. */
  mentors: readonly RegistrarTransport[];
  /** Endpoints of registrars that died, or seemed to, and when; by `endpointKey`. */
  readonly lost: Map<string, LostRegistrar>;
  /** When our identifier was changed lately. */
  identifierChangesMs: readonly number[];
}

export function newScope(): ScopeState {
  return {
    phase: 'running',
    server: undefined,
    asap: [],
    peers: new Map(),
    peersWereFull: false,
    links: new Map(),
    attempts: new Map(),
    lastAttempt: 0,
    join: undefined,
    tableSessions: 0,
    adoptions: new AdoptionQueue(),
    announcers: new Map(),
    hints: new Map(),
    mentors: [],
    lost: new Map(),
    identifierChangesMs: [],
  };
}

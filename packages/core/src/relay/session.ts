// SPDX-License-Identifier: Apache-2.0
import type { ForwardSide } from '@vnfpool/wire/session-forward';
import type { RelayPlace } from './place.ts';

/** By which transfer packets of a session go, and by which number they are known there. */
export interface SessionWay {
  readonly transfer: string;
  readonly session: number;
}

export interface HeldPacket {
  readonly side: ForwardSide;
  readonly payload: Uint8Array;
}

/**
 * Packets of one client address to one service, and back.
 *
 * It comes in by our own sockets, or by another instance (`via`), its home; it is served here, or elsewhere (`away`). One
 * that is both only passes through.
 */
export interface RelaySession {
  /** Of this process. */
  readonly number: number;
  readonly key: string;
  /** What the client talks to. */
  readonly service: RelayPlace;
  readonly client: RelayPlace;
  readonly backend: RelayPlace;
  /** Of the socket towards the backend; null: it has none yet. */
  upstreamPort: number | null;
  /** Of the wall clock. */
  readonly sinceMs: number;
  /** Of the clock of this process. */
  usedAt: number;
  /** Grows with everything that changes a session of this process. */
  changedAt: number;
  readonly up: { packets: number; bytes: number };
  readonly down: { packets: number; bytes: number };
  /** The last of `path`; null: its packets come by our own sockets. */
  via: SessionWay | null;
  /** By which transfers its packets come from its home to here, the first one first. */
  path: readonly SessionWay[];
  away: SessionWay | null;
  /** It was away and has come back: what the former holder still sends after it. */
  alias: SessionWay | null;
  /** What has come while it may not be served; null: it may. */
  held: HeldPacket[] | null;
  /** To be forgotten when it is not held any more. */
  isEnding: boolean;
}

/** Instances between the home of a session and us; one that has moved on and on is refused beyond. */
export const PATH_MAX = 16;

export const sessionKey = (service: RelayPlace, client: RelayPlace): string =>
  `${client.address} ${client.port} ${service.address} ${service.port}`;

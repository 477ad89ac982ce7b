// SPDX-License-Identifier: Apache-2.0
import type { AcceptedLossView } from './sharing-views.ts';
import type { EventView, PlannedChange, StateView, TrafficView } from './views.ts';

/*
 * What callers send to the management API, and the answers that are not views.
 */

/** POST /v1/plan and POST /v1/apply. */
export interface DeclarationRequest {
  /** The YAML text. */
  readonly text: string;
  /** Where it was read from; only used in the places of faults, and to resolve relative directories. */
  readonly file: string;
}

/** Answer of POST /v1/apply. */
export interface ApplyView {
  readonly set: string;
  /** Unchanged when nothing had to be done. */
  readonly generation: number;
  readonly changes: readonly PlannedChange[];
  /** As `PlanView.warnings`. */
  readonly warnings?: readonly string[];
}

/** POST /v1/handover: moves a slot on purpose. */
export interface HandoverRequest {
  readonly pool: string;
  readonly slot: number;
  /** Name of the instance that should hold it; absent: the first candidate. */
  readonly to?: string;
  /** Nobody holds the slot, and nobody who has its state is there: `to` takes it with what it has. The risk is the caller's. */
  readonly acceptsLoss?: boolean;
}

/** Answer of POST /v1/handover: it is ordered, not done. */
export interface HandoverAnswer {
  /** Name of the instance that is to hold the slot. */
  readonly to: string;
  /** What it is known to lack; absent: no loss was accepted. */
  readonly acceptedLoss?: AcceptedLossView;
}

/** POST /v1/move: moves an instance to another node, with its state and its slot. */
export interface MoveRequest {
  /** Name of the instance. */
  readonly instance: string;
  /** Name of the node; absent: the one with most room. */
  readonly to?: string;
  /** Takes a move back while it can be. */
  readonly cancel?: boolean;
}

/** Answer of POST /v1/move. */
export interface MoveAnswer {
  /** Where it goes; after a cancellation where it stays, unless that came too late. */
  readonly to: string;
}

/** POST /v1/move-sessions: sessions go from one instance to another one of the pool. Of several words the union is meant. */
export interface MoveSessionsRequest {
  /** Names of instances. */
  readonly from: string;
  readonly to: string;
  readonly all?: boolean;
  /** 0 to 1. */
  readonly ratio?: number;
  readonly count?: number;
  /** SIP URI. */
  readonly uri?: string;
  /** IPv4 or IPv6 address of a client. */
  readonly contact?: string;
}

/** Answer of POST /v1/move-sessions. */
export interface MoveSessionsAnswer {
  /** How many were selected, and are on their way. */
  readonly sessions: number;
}

/** POST /v1/drain: moves everything away from a node, and places nothing there. */
export interface DrainRequest {
  readonly node: string;
  /** Instances may be placed there again; nothing comes back by itself. */
  readonly cancel?: boolean;
}

/**
 * POST /v1/council/force: the named nodes are the council from now on, though no majority of the former one is left. If
 * one of the others lives after all, a slot may be held twice until they hear of each other.
 */
export interface ForceCouncilRequest {
  /** Names of 1, 3 or 5 nodes that can be reached. */
  readonly members: readonly string[];
  /** Name of the council that they are from now on; absent: the only one. */
  readonly council?: string;
  /** Whoever asks says with this that he has made sure of it. */
  readonly othersAreDead: true;
}

/** POST /v1/maintenance: drains a node and expects its silence, until that is ended or its time is over. */
export interface MaintenanceRequest {
  readonly node: string;
  /** 1 s to 30 days; absent: until it is ended. */
  readonly forMs?: number;
  /** Ends it. */
  readonly off?: boolean;
  /** Also where a slot would be left without a holder, or the council without a majority. */
  readonly force?: boolean;
}

/** POST /v1/upgrade: says how the upgrade of a pool goes on. */
export interface UpgradeRequest {
  readonly pool: string;
  /** `rollback` brings the former version back; `resume` after it tries again. */
  readonly action: 'pause' | 'resume' | 'rollback';
}

export type TokenRole = 'node' | 'registrar' | 'element' | 'user';

/** POST /v1/tokens. */
export interface TokenRequest {
  readonly role: TokenRole;
  /** Name that the joiner gets in its certificate. */
  readonly name: string;
  /** 1 s to 30 days. */
  readonly ttlMs: number;
}

/** Answer of POST /v1/tokens: the only time that the secret is shown. */
export interface TokenSecretView {
  readonly token: string;
}

/** GET /v1/tokens: never the secret. */
export interface TokenView {
  readonly id: string;
  readonly role: TokenRole;
  readonly name: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** null: not used yet. */
  readonly usedAt: number | null;
}

/**
 * Messages of GET /v1/stream, as server-sent events: `event:` is the key, `data:` the JSON value. `state` comes
 * at once and then at most 4 times a second, `traffic`, the newest of every source, at most 5 times
 * a second; `event` comes for each event, with its number as `id:`, so that `Last-Event-ID` (or `?since=`) picks up where a stream broke.
 */
export interface StreamMessages {
  readonly state: StateView;
  readonly traffic: readonly TrafficView[];
  readonly event: EventView;
}

/** POST /v1/rotate-secret: another secret is to seal the cookies of a pool. */
export interface RotateSecretRequest {
  readonly pool: string;
}

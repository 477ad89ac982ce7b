// SPDX-License-Identifier: Apache-2.0
import type { Role } from '../mobility/index.ts';

/*
 * What a node agent and a function that it runs say to each other over a local socket: one JSON object a line, UTF-8,
 * at most 64 KiB. The bulk of a state goes over a second socket in blocks (`blocks.ts`). Described for authors of
 * functions in docs/function-socket.md.
 */

/**
 * - `snapshot`: the whole state, taken while it may change; from its beginning on changes are tracked
 * - `delta`: what has changed since the beginning of the export before
 * - `last`: the same, when the function is quiesced: after it both sides have the same state
 */
export type StateKind = 'snapshot' | 'delta' | 'last';

/** First line of a function. */
export interface FunctionHello {
  readonly op: 'hello';
  readonly v: number;
  /** What the octets of its state are. */
  readonly format?: string;
}

/** The agent's answer to it. */
export interface AgentWelcome {
  readonly op: 'welcome';
  readonly v: 1;
  /** Name of the instance, for people. */
  readonly name: string;
  /** What it is to be now, null when that was not decided yet. */
  readonly role: Role | null;
  /** Decimal. */
  readonly epoch: string | null;
}

/** The agent's last line before it closes the connection. */
export interface AgentRefusal {
  readonly op: 'refused';
  readonly reason: string;
}

/** An order of the agent; answered by `FunctionAnswer` with its `id`. Ids grow by one from 1 in each connection. */
export type AgentRequest = { readonly id: number } & (
  | { readonly op: 'role'; readonly role: Role; readonly epoch: string }
  | { readonly op: 'export'; readonly kind: StateKind; readonly data: string }
  | { readonly op: 'import'; readonly kind: StateKind; readonly data: string }
  | { readonly op: 'quiesce' | 'resume' | 'discard' }
);

/** The agent gives a request up. Whatever answer comes is ignored. */
export interface AgentCancel {
  readonly op: 'cancel';
  readonly id: number;
}

export type AgentMessage = AgentWelcome | AgentRefusal | AgentRequest | AgentCancel;

export type FunctionAnswer =
  | { readonly id: number; readonly ok: true }
  | { readonly id: number; readonly ok: false; readonly error: string };

/** How fast the state changes, in octets of a delta a second; the last word holds. */
export interface FunctionChanges {
  readonly op: 'changes';
  readonly bytesPerSecond: number;
}

/** Its own word on its health, for a health check of type `function`: to be repeated within the check's interval. */
export type FunctionHealth =
  | { readonly op: 'health'; readonly ok: true }
  | { readonly op: 'health'; readonly ok: false; readonly reason: string };

export type FunctionMessage = FunctionHello | FunctionAnswer | FunctionChanges | FunctionHealth;

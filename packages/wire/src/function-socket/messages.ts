// SPDX-License-Identifier: Apache-2.0
import type { Role, SecurityState } from '../mobility/index.ts';
import type { SessionSelector } from './selectors.ts';

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

/** Absent: about everything that the function has. `sessions`: about those that were selected, or are expected. */
export type StateScope = 'sessions';

/** Where a function takes packets of sessions that came to it from another instance. */
export interface SessionForward {
  /** IPv4 or IPv6, in text form. */
  readonly address: string;
  readonly port: number;
}

/** First line of a function. */
export interface FunctionHello {
  readonly op: 'hello';
  readonly v: number;
  /** What the octets of its state are. */
  readonly format?: string;
  /** Single sessions of it can be moved: it understands `select`, `expect`, `accept`, `moved` and the scope `sessions`. */
  readonly sessions?: boolean;
  /** It shares its state while it holds a slot: it understands `share`. */
  readonly shares?: boolean;
  /** It marks keys of that as secret, and understands such of others: in `updates` both ways, and `secrets` of `share`. */
  readonly secrets?: boolean;
  /** It takes part in the mergeable state of its pool: it understands `merge`. */
  readonly merges?: boolean;
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
  | {
      readonly op: 'export' | 'import';
      readonly kind: StateKind;
      readonly data: string;
      readonly scope?: StateScope;
    }
  | { readonly op: 'quiesce' | 'resume' | 'discard'; readonly scope?: StateScope }
  /** At the source: which sessions the scope `sessions` means from now on, until `resume` or `moved`. */
  | { readonly op: 'select'; readonly sessions: readonly SessionSelector[] }
  /** At the source: they are owned by another instance now, which takes their packets there; null: it does not. */
  | { readonly op: 'moved'; readonly forward: SessionForward | null }
  /** At the destination: sessions may come, and with `accept` it owns them. */
  | { readonly op: 'expect' | 'accept' }
  /** It gets a slot: what the state of the slot is comes over `data`, and what changes goes back. */
  | {
      readonly op: 'share';
      readonly data: string;
      /** Decimal. */
      readonly epoch: string;
      /** This node held the slot last: a function that has the state since then keeps it, and says what is other. */
      readonly own: boolean;
      /** What becomes of keys that it marks as secret; absent: it has not said that it does. */
      readonly secrets?: SecurityState;
    }
  /** The mergeable state of its pool is here: it comes over `data`, and what changes, by whomever; requests go back. See `wire/merge-link`. */
  | { readonly op: 'merge'; readonly data: string }
);

/** The agent gives a request up. Whatever answer comes is ignored. */
export interface AgentCancel {
  readonly op: 'cancel';
  readonly id: number;
}

export type AgentMessage = AgentWelcome | AgentRefusal | AgentRequest | AgentCancel;

export type FunctionAnswer =
  | {
      readonly id: number;
      readonly ok: true;
      /** Sessions: those that `select` found, that an export or import has so far, that `accept` took. */
      readonly count?: number;
      /** To `expect`. */
      readonly forward?: SessionForward;
    }
  | { readonly id: number; readonly ok: false; readonly error: string };

/** How fast the state changes, in octets of a delta a second; the last word holds. */
export interface FunctionChanges {
  readonly op: 'changes';
  readonly bytesPerSecond: number;
}

/** How many sessions it serves; the last word holds. */
export interface FunctionSessions {
  readonly op: 'sessions';
  readonly count: number;
}

/** Its own word on its health, for a health check of type `function`: to be repeated within the check's interval. */
export type FunctionHealth =
  | { readonly op: 'health'; readonly ok: true }
  | { readonly op: 'health'; readonly ok: false; readonly reason: string };

export type FunctionMessage =
  | FunctionHello
  | FunctionAnswer
  | FunctionChanges
  | FunctionSessions
  | FunctionHealth;

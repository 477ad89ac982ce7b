// SPDX-License-Identifier: Apache-2.0
import type { Command, Registration } from '@vnfpool/wire/mobility';
import type { FunctionId } from '../../identity.ts';
import { Inbox } from '../inbox.ts';
import { Outbox } from '../outbox.ts';
import type { ConnectionId, PeerIdentity } from '../types.ts';

/** What the manager waits for with an unanswered message. */
export type Expectation =
  | { readonly type: 'synchronise' }
  | {
      readonly type: 'request';
      readonly requestId: number;
      readonly command: Command;
      /** Null: of no one function. */
      readonly functionId: FunctionId | null;
    }
  | { readonly type: 'deregister'; readonly requestId: number }
  /** Ahead of a request, which tells how it ended. */
  | { readonly type: 'part' }
  | { readonly type: 'error' };

/** A node as its last REGISTRATION and what was heard since make it. Absent nodes have no record. */
export interface ManagedNode {
  readonly identity: PeerIdentity;
  /** Null between a reset and the next REGISTRATION. */
  connection: ConnectionId | null;
  state: 'registered' | 'suspect' | 'lost';
  /** NTP timestamp; 0n: not told. */
  bootTime: bigint;
  /** Of extension 0; null for a plain peer. */
  instance: bigint | null;
  addresses: readonly string[];
  inbox: Inbox;
  readonly outbox: Outbox<Expectation>;
  /** Unanswered KEEP-ALIVE numbers of this connection. */
  readonly keepAlives: Set<number>;
  misses: number;
  lastHeardMs: number;
  lastKeepAliveMs: number;
  nextKeepAliveMs: number;
  /** After a reset: lost without a new connection until then. */
  resetDeadlineMs: number | null;
  /** True until the node's functions are known: operations wait. */
  synchronising: boolean;
  leaving: boolean;
  /** A second node with the same ID, until the first one answers or does not. */
  challenger: Challenger | null;
}

export interface Challenger {
  readonly connection: ConnectionId;
  readonly message: Registration;
  readonly deadlineMs: number;
}

export function newManagedNode(identity: PeerIdentity, operationsMax: number, nowMs: number): ManagedNode {
  return {
    identity,
    connection: null,
    state: 'registered',
    bootTime: 0n,
    instance: null,
    addresses: [],
    inbox: new Inbox(),
    outbox: new Outbox(operationsMax),
    keepAlives: new Set(),
    misses: 0,
    lastHeardMs: nowMs,
    lastKeepAliveMs: nowMs,
    nextKeepAliveMs: nowMs,
    resetDeadlineMs: null,
    synchronising: false,
    leaving: false,
    challenger: null,
  };
}

/** What a REGISTRATION says of the incarnation of its node and its process. */
export function incarnationOf(message: Registration): { bootTime: bigint; instance: bigint | null } {
  const node = message.nodes[0];
  return {
    bootTime: node?.information?.bootTime ?? 0n,
    instance: node?.extensions?.hello?.instance ?? null,
  };
}

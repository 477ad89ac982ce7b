// SPDX-License-Identifier: Apache-2.0
import type { LeaseMessage, Proposer, Renewal } from '@vnfpool/wire/lease';
import type { Random } from '../core.ts';
import type { HeardAnswer } from './renewals.ts';
import type { LeaseRules } from './rules.ts';
import type { LeaseOutput } from './types.ts';

/** The council as the proposers of one node use it. */
export interface Council {
  readonly generation: number;
  readonly members: readonly number[];
  readonly majority: number;
}

/** What every slot's proposer shares with its engine. */
export interface SlotContext {
  readonly node: number;
  readonly incarnation: bigint;
  readonly driftBound: number;
  readonly random: Random;
  readonly rules: LeaseRules;
  council(): Council;
  /** How many slots this node takes part in. */
  slots(): number;
  /**
   * Whether the clock of a node may be relied on, as far as this one knows. Whose must not be, neither votes nor holds;
   * one that forgot this by a restart is reminded by the others.
   */
  trusts(node: number): boolean;
  /** Never given twice by this incarnation, to whatever slot: an answer is to one request. */
  nextSerial(): number;
  /** Whether holders look for heirs. */
  readonly namesHeirs: boolean;
  /** When this node answered that request of a peer's first; undefined: not known. */
  answeredAtMs(node: number, incarnation: bigint, serial: number): number | undefined;
  /** Of this peer's answers, the last one that was there when the renewal with `serial` went out first; undefined: not known. */
  answerBefore(serial: number, peer: Proposer): HeardAnswer | undefined;
  /** Puts a renewal of this moment into the message that it shares with others; returns its serial. */
  renew(renewal: Renewal, leaseMs: number, nowMs: number): number;
  /** The next moment at which this node renews leases of this length, after `nowMs`. */
  nextRenewalMs(leaseMs: number, nowMs: number): number;
  /** To a peer, or straight to this node's own member. */
  send(to: number, message: LeaseMessage): void;
  emit(output: LeaseOutput): void;
}

/** Sends to every node once. */
export function sendToAll(context: SlotContext, nodes: Iterable<number>, message: LeaseMessage): void {
  for (const node of new Set(nodes)) context.send(node, message);
}

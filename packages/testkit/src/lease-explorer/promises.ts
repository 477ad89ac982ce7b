// SPDX-License-Identifier: Apache-2.0
import { epochOf } from '@vnfpool/core';
import type { LeaseRecord } from '@vnfpool/core/lease';
import type { LeaseCouncilVersion, LeaseMessage, RenewAgain, RenewMany } from '@vnfpool/wire/lease';
import { Invariants, Violation } from '../lease-world/invariants.ts';

/** Something a node did that one of the promises speaks of. */
export type Witnessed =
  | { readonly type: 'granted'; readonly incarnation: bigint; readonly slot: string; readonly epoch: number }
  | { readonly type: 'fence'; readonly incarnation: bigint; readonly slot: string; readonly epoch: number }
  | { readonly type: 'persisted'; readonly records: readonly LeaseRecord[] }
  | {
      readonly type: 'sent';
      readonly incarnation: bigint;
      readonly to: number;
      readonly message: LeaseMessage;
    }
  /** The answer to many renewals tells their places only. */
  | {
      readonly type: 'asked';
      readonly from: number;
      readonly incarnation: bigint;
      readonly message: RenewMany | RenewAgain;
    };

/** Hands what `node` did to the lease world's own invariants, which throw at a violation. */
function witness(invariants: Invariants, council: LeaseCouncilVersion, node: number, what: Witnessed): void {
  switch (what.type) {
    case 'granted':
      invariants.granted(what.slot, what.epoch, `${node}.${what.incarnation}`);
      break;
    case 'fence':
      invariants.fenceOrdered(node, what.incarnation, what.slot, what.epoch);
      break;
    case 'persisted':
      invariants.persisted(node, what.records);
      break;
    case 'sent':
      invariants.sent({ node, incarnation: what.incarnation, council, to: what.to }, what.message);
      break;
    case 'asked':
      invariants.asked(what.from, what.incarnation, what.message);
      break;
  }
}

/** What `node` broke by itself, whatever the others did; `all` is its whole history. */
export function brokenAlone(
  council: LeaseCouncilVersion,
  node: number,
  all: readonly Witnessed[],
): string | undefined {
  const invariants = new Invariants();
  try {
    for (const what of all) witness(invariants, council, node, what);
  } catch (error) {
    if (error instanceof Violation) return error.message;
    throw error;
  }
  return undefined;
}

/** What only one node may have: the epoch it was granted, the value of a round. */
export function claimsOf(node: number, what: Witnessed): [string, string][] {
  if (what.type === 'granted') return [[`epoch ${what.slot}/${what.epoch}`, `${node}.${what.incarnation}`]];
  if (what.type !== 'persisted') return [];
  const claims: [string, string][] = [];
  for (const record of what.records) {
    if (record.type !== 'slot' || record.accepted.round === 0) continue;
    const { proposer, round, value } = record.accepted;
    claims.push([
      `value ${record.slot}/${epochOf(record.voice.generation, round)}`,
      `${proposer.node}.${proposer.incarnation} ${value.randomId}`,
    ]);
  }
  return claims;
}

/** Whether two nodes claim what only one may have. An epoch that both were granted is wrong even in equal words. */
export function disagreement(
  a: ReadonlyMap<string, string>,
  b: ReadonlyMap<string, string>,
): string | undefined {
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other !== undefined && (other !== value || key.startsWith('epoch'))) {
      return `${key}: ${value} and ${other}`;
    }
  }
  return undefined;
}

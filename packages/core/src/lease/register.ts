// SPDX-License-Identifier: Apache-2.0
import type { LeaseValue, Proposer, StoredRegister } from '@vnfpool/wire/lease';
import type { SlotRecord } from './record.ts';
import { sameProposer } from './rules.ts';

/** Proposer of the genesis value. */
const NOBODY_PROPOSER: Proposer = { node: 0, incarnation: 0n };

/** The register of a slot for which nothing was ever decided. */
export function bornRegister(genesis: LeaseValue): StoredRegister {
  return {
    promised: { round: 0, proposer: NOBODY_PROPOSER, closed: false },
    accepted: { round: 0, proposer: NOBODY_PROPOSER, value: genesis, released: null },
    longestLeaseMs: genesis.leaseMs,
  };
}

export function storedOf({ promised, accepted, longestLeaseMs }: SlotRecord): StoredRegister {
  return { promised, accepted, longestLeaseMs };
}

/** All that any of them promised or accepted; null where none has anything. */
export function mergeRegisters(registers: readonly StoredRegister[]): StoredRegister | null {
  const [first, ...others] = registers;
  if (first === undefined) return null;
  const accepted = others.reduce((best, each) => laterAccepted(best, each.accepted), first.accepted);
  const promises = registers.map((register) => register.promised);
  const promised = mergePromises(promises, accepted);
  const isEnd = ({ round, proposer, closed }: StoredRegister['promised']): boolean =>
    closed && round === accepted.round && sameProposer(proposer, accepted.proposer);
  const isReleased = accepted.released === null && promises.some(isEnd);
  return {
    // One has heard of the end of the round that another has accepted.
    accepted: isReleased ? { ...accepted, released: 'abandoned' } : accepted,
    promised,
    longestLeaseMs: Math.max(...registers.map(({ longestLeaseMs }) => longestLeaseMs)),
  };
}

function laterAccepted(
  a: StoredRegister['accepted'],
  b: StoredRegister['accepted'],
): StoredRegister['accepted'] {
  if (a.round !== b.round) return a.round > b.round ? a : b;
  return a.released === null ? b : a;
}

/**
 * The highest round may be promised to different proposers at different members, and then belongs to the one whose
 * value was accepted in it. Where none was, nobody gets it any more: it costs a round, and no epoch is used twice.
 */
function mergePromises(
  promises: readonly StoredRegister['promised'][],
  accepted: StoredRegister['accepted'],
): StoredRegister['promised'] {
  const round = Math.max(...promises.map((promise) => promise.round));
  const highest = promises.filter((promise) => promise.round === round);
  const proposer = accepted.round === round ? accepted.proposer : (highest[0]?.proposer ?? accepted.proposer);
  const isShared = highest.some((promise) => !sameProposer(promise.proposer, proposer));
  const isReleased = highest.some((promise) => sameProposer(promise.proposer, proposer) && promise.closed);
  return { round, proposer, closed: isReleased || (isShared && accepted.round !== round) };
}

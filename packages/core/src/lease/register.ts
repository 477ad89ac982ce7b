// SPDX-License-Identifier: Apache-2.0
import type { LeaseValue, Proposer, StoredRegister, Successor } from '@vnfpool/wire/lease';
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

/**
 * What is left of a register after a forced decision. That it says of nobody that he held the slot, or that there is none, proves nothing: those that are
 * said to be dead may have decided, and whoever held have let out what its state says. So this is no birth, and admits only whom the value would admit behind
 * a holder that is gone.
 */
export function asHeld(stored: StoredRegister | null, value: LeaseValue): StoredRegister {
  if (stored !== null && stored.accepted.round > 0) return stored;
  const held = { round: 1, proposer: NOBODY_PROPOSER };
  return {
    promised: stored !== null && stored.promised.round > 1 ? stored.promised : { ...held, closed: false },
    accepted: { ...held, value, released: null },
    longestLeaseMs: Math.max(stored?.longestLeaseMs ?? 0, value.leaseMs),
  };
}

export function storedOf({ promised, accepted, longestLeaseMs }: SlotRecord): StoredRegister {
  return { promised, accepted, longestLeaseMs };
}

/** The round was accepted for a successor, who does not act by it before its holder has let go: it is that one's promise still. */
export function isReserved({ promised, accepted }: StoredRegister): boolean {
  return (
    accepted.released === null &&
    promised.round === accepted.round &&
    !sameProposer(promised.proposer, accepted.proposer)
  );
}

/** Whether `proposer` has reserved the accepted round for its successor, and may take it back. */
export function hasReserved(register: StoredRegister, proposer: Proposer): boolean {
  return isReserved(register) && sameProposer(register.promised.proposer, proposer);
}

/** Whether this round is kept for that heir, who may begin it as soon as the holder has let go. */
export function isKeptFor({ promised }: StoredRegister, { proposer, round }: Successor): boolean {
  return promised.isHeirs === true && promised.round === round && sameProposer(promised.proposer, proposer);
}

/** What was reserved belongs to the successor. */
export function takenUp({ accepted }: StoredRegister): Pick<StoredRegister, 'promised'> {
  return { promised: { round: accepted.round, proposer: accepted.proposer, closed: false } };
}

/** All that any of them promised or accepted; null where none has anything. */
export function mergeRegisters(registers: readonly StoredRegister[]): StoredRegister | null {
  const [first, ...others] = registers;
  if (first === undefined) return null;
  const accepted = others.reduce((best, each) => laterAccepted(best, each.accepted), first.accepted);
  const promises = registers.map((register) => register.promised);
  const promised = mergePromises(registers, accepted);
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
 * value was accepted in it, unless that was only reserved for it everywhere. Where none was, nobody gets it any more: it costs a round,
 * and no epoch is used twice.
 */
function mergePromises(
  registers: readonly StoredRegister[],
  accepted: StoredRegister['accepted'],
): StoredRegister['promised'] {
  const round = Math.max(...registers.map(({ promised }) => promised.round));
  const highest = registers.map(({ promised }) => promised).filter((promise) => promise.round === round);
  // Only whoever accepted it knows who has reserved it.
  const ofAccepted = registers
    .filter((each) => each.accepted.round === round)
    .map(({ promised }) => promised);
  const isOwners = ofAccepted.some((promise) => sameProposer(promise.proposer, accepted.proposer));
  const [whose] = ofAccepted.length > 0 ? ofAccepted : highest;
  const proposer = isOwners ? accepted.proposer : (whose?.proposer ?? accepted.proposer);
  const isShared = highest.some((promise) => !sameProposer(promise.proposer, proposer));
  const isReleased = highest.some((promise) => sameProposer(promise.proposer, proposer) && promise.closed);
  const closed = isReleased || (isShared && accepted.round !== round);
  const isHeirs = !closed && highest.every((promise) => promise.isHeirs === true);
  return { round, proposer, closed, ...(isHeirs && { isHeirs }) };
}

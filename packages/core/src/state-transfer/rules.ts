// SPDX-License-Identifier: Apache-2.0
import type { TransferOutcome } from '@vnfpool/wire/state-channel';
import type { DestinationPhase, Verdict } from './types.ts';

/** What a part or all of them amount to. */
export interface Tally {
  readonly bytes: number;
  readonly crc: number;
}

/**
 * The decisions on which it rests that state has one owner and arrives whole, one method a rule, so that the simulation
 * can break each of them and must then see a violation. Production never overrides one.
 */
export class TransferRules {
  /** After `commit` was sent the source does not serve until it knows that the destination does not. */
  resumesInDoubt(): boolean {
    return false;
  }

  /** A restart of the source's process does not forget that `commit` was sent. */
  remembersDoubt(): boolean {
    return true;
  }

  /** A restart of the destination's process does not forget that `commit` came. */
  remembersCommit(): boolean {
    return true;
  }

  /** Only a word that is final ends the doubt: a destination that knows nothing has not said no. */
  outcomeIn(outcome: TransferOutcome): Verdict | null {
    return outcome === 'committed' || outcome === 'aborted' ? outcome : null;
  }

  /** Only complete state that was not given up can be committed. */
  mayCommit(phase: DestinationPhase): boolean {
    return phase === 'ready';
  }

  /** The last delta is taken when nothing changes any more. */
  quiescesBeforeLast(): boolean {
    return true;
  }

  /** Octets and checksum have to be the same at both ends. */
  isIntact(sent: Tally, received: Tally): boolean {
    return sent.bytes === received.bytes && sent.crc === received.crc;
  }

  /** A node that does not answer may still serve. */
  silenceMeansGone(): boolean {
    return false;
  }
}

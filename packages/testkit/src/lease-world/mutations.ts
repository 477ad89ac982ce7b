// SPDX-License-Identifier: Apache-2.0
import { LeaseRules, type SlotRecord } from '@vnfpool/core/lease';

/** Broken rules: the simulation has to find a violation for each of them. */
export const LEASE_MUTATIONS: ReadonlyMap<string, LeaseRules> = new Map<string, LeaseRules>([
  [
    'no muteness after a restart',
    new (class extends LeaseRules {
      override muteMs(): number {
        return 0;
      }
    })(),
  ],
  [
    'promises forgotten at a restart',
    new (class extends LeaseRules {
      override restored(record: SlotRecord): SlotRecord {
        const { round, proposer } = record.accepted;
        return { ...record, promised: { round, proposer, closed: false } };
      }
    })(),
  ],
  [
    'an equal round promised twice',
    new (class extends LeaseRules {
      override mayRepeatPromise(): boolean {
        return true;
      }
    })(),
  ],
  [
    'a release that is not final',
    new (class extends LeaseRules {
      override isReleaseFinal(): boolean {
        return false;
      }
    })(),
  ],
  [
    'acting again after a release was sent',
    new (class extends LeaseRules {
      override endsWithRelease(): boolean {
        return false;
      }
    })(),
  ],
  [
    'handed on before the fence is closed',
    new (class extends LeaseRules {
      override handsOnBehindFence(): boolean {
        return false;
      }
    })(),
  ],
  [
    "what is reserved taken for the successor's own",
    new (class extends LeaseRules {
      override mayTakeReserved(): boolean {
        return true;
      }
    })(),
  ],
  [
    'a lease that was let go of for an heir given to others',
    new (class extends LeaseRules {
      override guardsHeir(): boolean {
        return false;
      }
    })(),
  ],
  [
    "an heir's lease counted from the word",
    new (class extends LeaseRules {
      override heirLeaseStartMs(_answeredMs: number, nowMs: number): number {
        return nowMs;
      }
    })(),
  ],
  [
    'tries within a lease that was handed on to an heir',
    new (class extends LeaseRules {
      override heirBarMs(): number {
        return 0;
      }
    })(),
  ],
  [
    'a word that comes late declined once more',
    new (class extends LeaseRules {
      override isPastWord(): boolean {
        return false;
      }
    })(),
  ],
  [
    'lease counted from the answer',
    new (class extends LeaseRules {
      override leaseStartMs(_firstSentMs: number, answeredMs: number): number {
        return answeredMs;
      }
    })(),
  ],
  [
    'two values in one round',
    new (class extends LeaseRules {
      override isOneValueARound(): boolean {
        return false;
      }
    })(),
  ],
  [
    'drift margin forgotten',
    new (class extends LeaseRules {
      override leaseAtHolderMs(leaseMs: number): number {
        return leaseMs;
      }
    })(),
  ],
  [
    'followed by one that the list does not have',
    new (class extends LeaseRules {
      override mayFollow(): boolean {
        return true;
      }
    })(),
  ],
  [
    'fence opened before the grant',
    new (class extends LeaseRules {
      override isGranted(): boolean {
        return true;
      }
    })(),
  ],
  [
    'a member counted twice',
    new (class extends LeaseRules {
      override voter(_member: number, answer: number): number {
        return answer;
      }
    })(),
  ],
  [
    'a wrong clock relied on',
    new (class extends LeaseRules {
      override mayTrustClock(): boolean {
        return true;
      }
    })(),
  ],
  [
    'answers added up across serials',
    new (class extends LeaseRules {
      override isSameRequest(): boolean {
        return true;
      }
    })(),
  ],
  [
    'council changed without floor and muteness',
    new (class extends LeaseRules {
      override needsVoice(): boolean {
        return false;
      }
    })(),
  ],
  [
    'answers of another council count',
    new (class extends LeaseRules {
      override mayRead(): boolean {
        return true;
      }
    })(),
  ],
  [
    'nothing known after a forced decision taken for a birth',
    new (class extends LeaseRules {
      override mistrustsSilence(): boolean {
        return false;
      }
    })(),
  ],
  [
    'no waiting after a forced decision',
    new (class extends LeaseRules {
      override forcedWaitMs(): number {
        return 0;
      }
    })(),
  ],
]);

/** Rules that are safe and no good: the simulation has to say that nobody serves, or that the slot flaps. */
export const LIVENESS_MUTATIONS: ReadonlyMap<string, LeaseRules> = new Map<string, LeaseRules>([
  [
    'a restarted member that never speaks again',
    new (class extends LeaseRules {
      override muteMs(): number {
        return 1e9;
      }
    })(),
  ],
  [
    'a holder that needs all members',
    new (class extends LeaseRules {
      override isGranted(voters: number, majority: number): boolean {
        return voters > majority;
      }
    })(),
  ],
  [
    'a lease that is over before its renewal',
    new (class extends LeaseRules {
      override leaseAtHolderMs(leaseMs: number): number {
        return leaseMs / 4;
      }
    })(),
  ],
]);

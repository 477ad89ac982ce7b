// SPDX-License-Identifier: Apache-2.0
import { ROUNDS } from '@vnfpool/core';
import type { LeaseInput, LeaseOutput } from '@vnfpool/core/lease';
import type { LeaseCouncilVersion } from '@vnfpool/wire/lease';

type DatagramInput = Extract<LeaseInput, { type: 'datagram' }>;
type Observed = Extract<LeaseOutput, { type: 'observed' }>;

/**
 * What an agent would have to know to take a reset connection for a release. Only for the agent that does: a reset may
 * start preparation early and never shortens a lease.
 */
export class ResetReleases {
  readonly #council: () => LeaseCouncilVersion | undefined;
  readonly #held = new Map<string, Observed>();
  /** node → newest incarnation of it. */
  readonly #incarnations = new Map<number, bigint>();

  /** `council`: what this node works under; undefined while it knows of none. */
  constructor(council: () => LeaseCouncilVersion | undefined) {
    this.#council = council;
  }

  observed(what: Observed): void {
    this.#held.set(what.slot, what);
  }

  heard({ from, header }: DatagramInput): void {
    const known = this.#incarnations.get(from) ?? 0n;
    if (header.incarnation > known) this.#incarnations.set(from, header.incarnation);
  }

  /** Releases in the name of `peer`, of all that it is known to hold. */
  releasesOf(peer: number, self: number): DatagramInput[] {
    const incarnation = this.#incarnations.get(peer);
    const council = this.#council();
    if (incarnation === undefined || council === undefined) return [];
    const releases: DatagramInput[] = [];
    for (const { slot, state, holder, epoch } of this.#held.values()) {
      if (state !== 'held' || holder?.node !== peer) continue;
      releases.push({
        type: 'datagram',
        from: peer,
        header: {
          sender: peer,
          receiver: self,
          incarnation,
          sequence: 0n,
          councilId: 1,
          council,
          clockUs: 0n,
        },
        messages: [
          {
            type: 'release',
            slot,
            serial: 0,
            round: epoch % ROUNDS,
            reason: 'function-exit',
            successor: null,
          },
        ],
      });
    }
    return releases;
  }
}

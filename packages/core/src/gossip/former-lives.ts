// SPDX-License-Identifier: Apache-2.0
import type { GossipReplica } from '@vnfpool/wire/gossip';
import type { Vector } from './cell.ts';
import type { Peers } from './peers.ts';
import { isCovered } from './replica.ts';
import type { GossipRules } from './rules.ts';

/** What a state knows, and the digest of its cells if they know no more. */
interface Known {
  readonly vector: Vector;
  readonly digest: bigint | null;
}

/**
 * When an instance may declare its own former lives gone. It is the only one that ever does so for them, so that there is one heir; and
 * nobody makes further steps of theirs, so that once each peer has told what it knows none of them can come to know more.
 */
export class FormerLives {
  readonly #gone: GossipReplica;
  #rounds = 0;

  constructor({ origin, incarnation }: GossipReplica) {
    this.#gone = { origin, incarnation: incarnation - 1n };
  }

  /** A round has come. Those that may be declared gone now; null: none. */
  due({ vector, digest }: Known, peers: Peers, rules: GossipRules): GossipReplica | null {
    const former = new Map([...vector].filter(([name]) => isCovered(name, this.#gone)));
    if (former.size === 0) return null;
    // What cells know beyond the vector, also here, is first made known as a step.
    const isAllKnown = digest !== null && peers.knowNoMore((name) => isCovered(name, this.#gone), former);
    this.#rounds = isAllKnown ? this.#rounds + 1 : 0;
    if (!rules.inherits(this.#rounds)) return null;
    this.#rounds = 0;
    return this.#gone;
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { GossipReplica, ReplicaVersion } from '@vnfpool/wire/gossip';
import type { Random } from '../core.ts';
import { joinVectors, type Vector } from './cell.ts';
import { Digests } from './digests.ts';
import { nameOf } from './replica.ts';
import type { PeerLag } from './types.ts';
import type { VectorAges } from './vector-ages.ts';

/** What one peer last said of itself. */
export interface Peer {
  readonly origin: number;
  /** Its life; null: nothing came yet. */
  incarnation: bigint | null;
  known: Vector;
  heardAtMs: number | null;
  digests: Digests;
  /** It last said that its cells are what its vector says. */
  isWhole: boolean;
}

const NONE: Vector = new Map();

/** Those with whom state is shared. */
export class Peers {
  readonly #max: number;
  #peers: ReadonlyMap<number, Peer> = new Map();
  /** None is left out. */
  #isWhole = true;

  constructor(max: number) {
    this.#max = max;
  }

  get(origin: number): Peer | undefined {
    return this.#peers.get(origin);
  }

  /** What is known of those that stay is kept. False: more than there is room for; those behind are left out. */
  replace(origins: readonly number[], self: number): boolean {
    const others = [...new Set(origins)].filter((origin) => origin !== self);
    this.#peers = new Map(
      others
        .slice(0, this.#max)
        .map((origin): [number, Peer] => [origin, this.#peers.get(origin) ?? newPeer(origin)]),
    );
    this.#isWhole = others.length <= this.#max;
    return this.#isWhole;
  }

  /** Null: from nobody whom we share with, or from a former life of somebody. */
  heard(sender: GossipReplica, nowMs: number): { readonly peer: Peer; readonly hasBegun: boolean } | null {
    const peer = this.#peers.get(sender.origin);
    if (peer === undefined || (peer.incarnation !== null && sender.incarnation < peer.incarnation))
      return null;
    const hasBegun = peer.incarnation !== sender.incarnation;
    if (hasBegun) {
      peer.incarnation = sender.incarnation;
      peer.known = NONE;
      peer.digests = new Digests();
      peer.isWhole = false;
    }
    peer.heardAtMs = nowMs;
    return { peer, hasBegun };
  }

  knows(peer: Peer, replicas: readonly ReplicaVersion[]): Vector {
    const told: Vector = new Map(replicas.map((replica) => [nameOf(replica), replica.version]));
    peer.known = joinVectors(peer.known, told);
    return told;
  }

  /** The lowest that any peer is known to know of this replica. */
  stable(name: string): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { known } of this.#peers.values()) least = Math.min(least, known.get(name) ?? 0);
    return least;
  }

  /**
   * Whether each peer has said in its present life what it knows, and of these replicas it was no more than this, in its cells
   * neither.
   */
  knowNoMore(isOne: (name: string) => boolean, vector: Vector): boolean {
    // What those know that are not spoken to, nobody says.
    if (!this.#isWhole) return false;
    return [...this.#peers.values()].every(
      ({ known, isWhole }) =>
        known !== NONE &&
        isWhole &&
        [...known].every(([name, version]) => !isOne(name) || version <= (vector.get(name) ?? 0)),
    );
  }

  /** Different ones, each as likely as any other. */
  choose(count: number, random: Random): readonly Peer[] {
    const left = [...this.#peers.values()];
    const chosen: Peer[] = [];
    while (chosen.length < count && left.length > 0)
      chosen.push(...left.splice(Math.floor(random.fraction() * left.length), 1));
    return chosen;
  }

  /** What is known of each of them. */
  get vectors(): readonly Vector[] {
    return [...this.#peers.values()].map(({ known }) => known);
  }

  /** Whether all of them know this. */
  know(vector: Vector): boolean {
    return [...this.#peers.values()].every(({ known }) => versionsBehind(known, vector) === 0);
  }

  lags(
    vector: Vector,
    octetsBehind: (known: Vector) => number,
    ages: VectorAges,
    nowMs: number,
  ): readonly PeerLag[] {
    return [...this.#peers.values()].map(({ origin, known, heardAtMs, digests }) => {
      const behind = versionsBehind(known, vector);
      const sinceMs = behind === 0 ? undefined : ages.behindSinceMs(known, vector);
      const behindMs = sinceMs === undefined ? 0 : nowMs - sinceMs;
      return {
        origin,
        versionsBehind: behind,
        octetsBehind: behind === 0 ? 0 : octetsBehind(known),
        behindMs,
        sinceExchangeMs: heardAtMs === null ? null : nowMs - heardAtMs,
        digests: digests.view(nowMs),
      };
    });
  }
}

function newPeer(origin: number): Peer {
  return { origin, incarnation: null, known: NONE, heardAtMs: null, digests: new Digests(), isWhole: false };
}

/** Steps of the vector that somebody who knows this lacks. */
function versionsBehind(known: Vector, vector: Vector): number {
  let behind = 0;
  for (const [name, version] of vector) behind += Math.max(0, version - (known.get(name) ?? 0));
  return behind;
}

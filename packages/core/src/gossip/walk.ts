// SPDX-License-Identifier: Apache-2.0
import type { CellPlace, GossipPart } from '@vnfpool/wire/gossip';
import { idOf, type Vector } from './cell.ts';
import { isCovered, nameOf } from './replica.ts';

/** Being given everything by one peer, part by part. */
export class Walk {
  readonly from: number;
  /** Of the peer: another life of it may know less. */
  readonly incarnation: bigint;
  #after: CellPlace | null = null;
  /** What the peer knew when it sent the first part: known here when the last one has come. */
  #target: Vector | null = null;
  /** Rounds since the last part. */
  rounds = 0;

  constructor(from: number, incarnation: bigint) {
    this.from = from;
    this.incarnation = incarnation;
  }

  /** What to ask for. */
  get after(): CellPlace | null {
    return this.#after;
  }

  get target(): Vector {
    return this.#target ?? new Map();
  }

  /**
   * Whether this is the part that was asked for; any other one came late, or twice. One of an earlier walk may begin
   * at the same place: its sender knew less.
   */
  isNext(from: number, { sender, after, replicas, floors }: GossipPart): boolean {
    if (from !== this.from || sender.incarnation !== this.incarnation) return false;
    if (after === null || this.#after === null ? after !== this.#after : idOf(after) !== idOf(this.#after))
      return false;
    const known = new Map(replicas.map((replica) => [nameOf(replica), replica.version]));
    return [...this.target].every(
      ([name, version]) =>
        (known.get(name) ?? 0) >= version || floors.some((floor) => isCovered(name, floor)),
    );
  }

  take({ replicas, until }: GossipPart): void {
    this.#target ??= new Map(replicas.map((replica) => [nameOf(replica), replica.version]));
    this.#after = until && { kind: until.kind, key: until.key.slice(), element: until.element.slice() };
    this.rounds = 0;
  }
}

// SPDX-License-Identifier: Apache-2.0

/** Up to which request of a peer's incarnation this node has answered, for the next process of the node. */
export interface HandedOnAnswer {
  readonly node: number;
  readonly incarnation: bigint;
  readonly serial: number;
}

interface Peer {
  readonly incarnation: bigint;
  newest: number;
  /** The latest of them: serial, and when it was answered. */
  readonly notes: Map<number, number>;
}

/** An heir's lease counts from an answer to one of the holder's last two renewals; repetitions and single slots come in between. */
const NOTES_MAX = 64;
/** Who comes later is not noted, and makes nobody here its heir. Nobody is forgotten: an old request might count as a new one. */
const PEERS_MAX = 1024;

/**
 * When this node has answered which renewals of whom: what a peer sent behind such an answer is later than the moment noted here, on
 * this node's clock. Only the first answer to a serial is noted, as the peer may have had that one.
 */
export class Answered {
  readonly #peers = new Map<number, Peer>();
  readonly #isBlind: boolean;

  /** @param before what the process before has answered; undefined: it did not say, so nothing is noted */
  constructor(before: readonly HandedOnAnswer[] | undefined) {
    this.#isBlind = before === undefined;
    for (const { node, incarnation, serial } of before ?? [])
      this.#peers.set(node, { incarnation, newest: serial, notes: new Map() });
  }

  /** An answer goes out. One to an earlier request than the newest may not be the first to it, and counts for nothing. */
  note(node: number, incarnation: bigint, serial: number, nowMs: number): void {
    let peer = this.#peers.get(node);
    if (this.#isBlind || (peer === undefined && this.#peers.size === PEERS_MAX)) return;
    if (peer === undefined || peer.incarnation < incarnation) {
      peer = { incarnation, newest: 0, notes: new Map() };
      this.#peers.set(node, peer);
    }
    if (peer.incarnation !== incarnation || serial <= peer.newest) return;
    peer.newest = serial;
    peer.notes.set(serial, nowMs);
    const [oldest] = peer.notes.keys();
    if (peer.notes.size > NOTES_MAX && oldest !== undefined) peer.notes.delete(oldest);
  }

  /** When this request was answered first; undefined: not known any more. */
  atMs(node: number, incarnation: bigint, serial: number): number | undefined {
    const peer = this.#peers.get(node);
    return peer?.incarnation === incarnation ? peer.notes.get(serial) : undefined;
  }

  handOn(): HandedOnAnswer[] {
    return [...this.#peers].map(([node, { incarnation, newest }]) => ({ node, incarnation, serial: newest }));
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { LeaseMessage, RenewAgain, Renewal } from '@vnfpool/wire/lease';

/** What a datagram says once nothing in it stands for what was said before. */
export type WholeMessage = Exclude<LeaseMessage, RenewAgain>;

interface Peer {
  readonly incarnation: bigint;
  /** By the serial of the message that told it; the one that was spoken of last is the last. */
  readonly lists: Map<number, readonly Renewal[]>;
}

/** Twice what a holder of all slots that there may be asks for in one round. */
const LISTS_MAX = 128;
/** Who comes later has nothing kept, and is asked to repeat itself by silence. */
const PEERS_MAX = 1024;

/**
 * Which slots peers have asked to renew, so that the next renewal of just these needs but a number. To forget one is harmless: a
 * holder that gets no answer says all of it the next time.
 */
export class ToldRenewals {
  readonly #peers = new Map<number, Peer>();

  /** Messages of one datagram in full. What speaks of a list that is not known is left out, as if it had been lost. */
  whole(from: number, incarnation: bigint, messages: readonly LeaseMessage[]): readonly WholeMessage[] {
    const whole: WholeMessage[] = [];
    for (const message of messages) {
      if (message.type === 'renew-many') this.#keep(from, incarnation, message.serial, message.renewals);
      if (message.type !== 'renew-again') {
        whole.push(message);
        continue;
      }
      const { serial, list } = message;
      const renewals = this.#peerOf(from, incarnation)?.lists.get(list);
      if (renewals === undefined) continue;
      this.#keep(from, incarnation, list, renewals);
      whole.push({ type: 'renew-many', serial, renewals });
    }
    return whole;
  }

  /** Serials begin again with an incarnation, so nothing of another one counts. */
  #peerOf(node: number, incarnation: bigint): Peer | undefined {
    const peer = this.#peers.get(node);
    return peer?.incarnation === incarnation ? peer : undefined;
  }

  #keep(node: number, incarnation: bigint, serial: number, renewals: readonly Renewal[]): void {
    const known = this.#peers.get(node);
    if (known === undefined ? this.#peers.size === PEERS_MAX : known.incarnation > incarnation) return;
    const peer = known?.incarnation === incarnation ? known : { incarnation, lists: new Map() };
    if (peer !== known) this.#peers.set(node, peer);
    peer.lists.delete(serial);
    peer.lists.set(serial, renewals);
    if (peer.lists.size <= LISTS_MAX) return;
    const [oldest] = peer.lists.keys();
    if (oldest !== undefined) peer.lists.delete(oldest);
  }
}

// SPDX-License-Identifier: Apache-2.0
// Messages of calls that another proxy has go to it; those of calls that we have for another one go out by it.
import { callOf } from './messages.mjs';

export class CallForwarding {
  #moved;
  #advertised;
  #routing;
  #dialogs;
  #count;
  #put;
  #handle;

  /** @param with `put`: takes what is to be done, see `SipProxy.take`; `handle`: takes a message as from a socket */
  constructor({ moved, advertised, routing, dialogs, count, put, handle }) {
    this.#moved = moved;
    this.#advertised = advertised;
    this.#routing = routing;
    this.#dialogs = dialogs;
    this.#count = count;
    this.#put = put;
    this.#handle = handle;
  }

  /** What comes for these calls waits. */
  hold(calls) {
    this.#moved.hold(calls);
  }

  /** They are ours again; or, with their numbers, of whoever has this transfer. Gives how many have moved. */
  release(numbers, transfer, now) {
    const given = transfer === null ? 0 : this.#moved.give(numbers, transfer);
    for (const { bytes, source } of this.#moved.release()) this.#handle(bytes, source, now);
    if (given > 0) this.#count('calls.movedOut', given);
    return given;
  }

  /** Calls of another proxy are here: call → `{ session, record, own }`. */
  accept(calls, transfer, now) {
    for (const [call, { session, ...moved }] of calls) {
      const over = this.#moved.take(call, moved, { transfer, session }, now);
      if (over !== null) this.#put({ drop: over });
    }
    if (calls.size > 0) this.#count('calls.movedIn', calls.size);
  }

  /** What came at the home of a call. */
  fromHome(transfer, { session, address, port, payload }, now) {
    // One that has come back is handled like any other.
    const isKnown = this.#moved.callVia({ transfer, session }) !== undefined;
    if (!isKnown && !this.#moved.came(transfer)) this.#put({ ended: session, transfer });
    else this.#handle(payload, { address, port }, now);
  }

  /** What whoever has a call wants to be sent. */
  fromHolder(transfer, { session, address, port, payload }) {
    const call = this.#moved.callAway({ transfer, session });
    if (call === undefined) this.#put({ ended: session, transfer });
    else this.emit(call, payload, { address, port });
  }

  elsewhereEnded(transfer, session) {
    this.#tellEnded(this.#moved.ended({ transfer, session }));
    this.#dropIfOver(transfer);
  }

  /** The other proxy of a transfer is not heard, or has taken its calls back; `waited` was not sent to it. */
  transferOver(transfer, waited, now) {
    this.#tellEnded(this.#moved.over(transfer, now));
    for (const { address, port, payload } of waited) this.#handle(payload, { address, port }, now);
  }

  sweep() {
    this.#tellEnded(this.#moved.sweep());
  }

  /** Out of the socket that the ends of the call know: ours, or that of its home. */
  emit(call, payload, { address, port }) {
    const via = this.#moved.viaOf(call);
    if (via === null) {
      this.#put({ bytes: payload, address, port });
      return;
    }
    const packet = { session: via.session, side: 'client', address, port, payload };
    this.#put({ forward: 'send', transfer: via.transfer, packet });
  }

  /** True: the message is of a call that another proxy has, or that is about to move. */
  takes(bytes, message, essentials, source) {
    if (this.#moved.isIdle) return false;
    const call = callOf(essentials.callId);
    if (this.#moved.keep(call, bytes, source)) return true;
    const branch = this.#routing.branchOf(essentials.vias[0], this.ownIn(call));
    const away = this.#moved.awayOf(call, message, essentials, branch);
    if (away === null || (message.type === 'request' && this.#dialogs.knows(essentials))) return false;
    const { address, port } = source;
    const packet = { session: away.session, side: 'client', address, port, payload: bytes };
    this.#count('calls.forwarded');
    this.#put({ forward: 'arrived', transfer: away.transfer, packet });
    return true;
  }

  /** What we are known by in this call. */
  ownIn(call) {
    const { host, port } = this.#moved.viaOf(call) ?? this.#advertised;
    return { host, port };
  }

  #tellEnded(ways) {
    for (const { transfer, session } of ways) {
      this.#put({ ended: session, transfer });
      this.#dropIfOver(transfer);
    }
  }

  #dropIfOver(transfer) {
    if (!this.#moved.hasTransfer(transfer)) this.#put({ drop: transfer });
  }
}

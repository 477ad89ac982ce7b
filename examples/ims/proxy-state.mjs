// SPDX-License-Identifier: Apache-2.0
// The whole proxy on its way to another place: its tables, and how calls that are elsewhere, or came from there, are reached.
import { readForwardingState } from '@vnfpool/client/forwarding';

export class ProxyState {
  #proxy;
  #port;
  /** All was given, and another proxy may act on it. */
  #given = false;

  constructor(proxy, port) {
    this.#proxy = proxy;
    this.#port = port;
  }

  get format() {
    return this.#proxy.tables.state.format;
  }

  export(kind) {
    const { links, state } = this.#proxy.tables;
    this.#given ||= kind === 'last';
    for (const transfer of this.#proxy.moved.transfers()) {
      const link = this.#port.state(transfer);
      if (link !== null) links.set(transfer, link);
    }
    return state.export(kind);
  }

  import(kind, chunks) {
    return this.#proxy.tables.state.import(kind, chunks);
  }

  discard() {
    this.#proxy.tables.state.discard();
    this.#proxy.tables.recount();
  }

  release() {
    this.#proxy.tables.state.release();
    this.#forgetLinks();
    // It may have been a copy: both of us know the same secrets, and it is us who are to be heard.
    if (this.#given) this.#port.renew();
    this.#given = false;
  }

  changedBytes() {
    return this.#proxy.tables.state.changedBytes();
  }

  /** Active from now on, with what was there or was imported. */
  takeOver(now) {
    this.#proxy.takeOver(now);
    for (const [, link] of this.#proxy.tables.links.entries()) {
      const state = readForwardingState(link);
      if (state !== null) this.#port.restore(state);
    }
    this.#forgetLinks();
  }

  #forgetLinks() {
    const { links } = this.#proxy.tables;
    for (const [transfer] of links.entries()) links.delete(transfer);
  }
}

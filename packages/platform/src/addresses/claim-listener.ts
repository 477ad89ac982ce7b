// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '../errors.ts';
import type { AddressClaim } from '../interfaces.ts';
import type { CarrierLink } from './carrier-links.ts';
import { claimFilter, hardwareText, readSaid } from './claim.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6, PacketSocket } from './packet-socket.ts';

/** Addresses listened for on one link; of those beyond it nothing is heard. */
const ADDRESSES_MAX = 256;

/** Hears on a link what others say of addresses that are raised here. It costs nothing but for frames about these. */
export class ClaimListener {
  readonly #link: CarrierLink;
  readonly #heard: (claim: AddressClaim) => void;
  readonly #sockets = new Map<number, PacketSocket>();
  #addresses: ReadonlySet<string> = new Set();

  constructor(link: CarrierLink, heard: (claim: AddressClaim) => void) {
    this.#link = link;
    this.#heard = heard;
  }

  listenFor(addresses: readonly string[]): void {
    const listened = addresses.slice(0, ADDRESSES_MAX);
    this.#addresses = new Set(listened);
    this.#open(
      ETHERTYPE_ARP,
      listened.filter((address) => !address.includes(':')),
    );
    this.#open(
      ETHERTYPE_IPV6,
      listened.filter((address) => address.includes(':')),
    );
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #open(protocol: number, addresses: readonly string[]): void {
    const socket = this.#sockets.get(protocol);
    if (addresses.length === 0) {
      socket?.close();
      this.#sockets.delete(protocol);
      return;
    }
    const filter = claimFilter(addresses, false);
    if (socket !== undefined) socket.filter(filter);
    else
      this.#sockets.set(
        protocol,
        new PacketSocket(this.#link.index, protocol, filter, (frame) => this.#take(frame)),
      );
  }

  #take(frame: Uint8Array): void {
    const said = readSaid(frame);
    if (said?.kind !== 'claim' || !this.#addresses.has(said.address)) return;
    if (said.hardwareAddress === hardwareText(this.#link.hardwareAddress)) return;
    const { address, hardwareAddress } = said;
    this.#heard({ address, hardwareAddress, link: this.#link.name });
  }
}

/** Listeners on every link that carries an address. */
export class ClaimListeners {
  readonly #heard: (claim: AddressClaim) => void;
  readonly #listeners = new Map<string, ClaimListener>();

  constructor(heard: (claim: AddressClaim) => void) {
    this.#heard = heard;
  }

  /** From now on for these, and for no others. */
  listenFor(raised: readonly { readonly carrier: CarrierLink; readonly address: string }[]): void {
    const carriers = new Map(raised.map(({ carrier }) => [carrier.name, carrier]));
    for (const name of this.#listeners.keys()) if (!carriers.has(name)) this.forget(name);
    for (const [name, carrier] of carriers) {
      const addresses = raised.filter((each) => each.carrier.name === name).map(({ address }) => address);
      const listener = this.#listeners.get(name) ?? new ClaimListener(carrier, this.#heard);
      this.#listeners.set(name, listener);
      try {
        listener.listenFor(addresses);
      } catch (error) {
        this.forget(name);
        // The link went just now: who follows links has it told.
        if (!isPlatformError(error, 'ENODEV', 'ENXIO', 'ENETDOWN')) throw error;
      }
    }
  }

  /** The link of this name is gone, or another one. */
  forget(name: string): void {
    this.#listeners.get(name)?.close();
    this.#listeners.delete(name);
  }

  close(): void {
    for (const name of this.#listeners.keys()) this.forget(name);
  }
}

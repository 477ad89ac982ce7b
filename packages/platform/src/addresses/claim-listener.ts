// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '../errors.ts';
import type { AddressClaim } from '../interfaces.ts';
import type { CarrierLink } from './carrier-links.ts';
import { claimFilter, hardwareText, readSaid } from './claim.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6, PacketSocket } from './packet-socket.ts';

/** Addresses listened for on one link; of those beyond it nothing is heard. */
const ADDRESSES_MAX = 256;
/** Claims told a second, each of them once; the rest of a flood is not looked at. */
const CLAIMS_MAX = 16;
const SECOND_MS = 1_000;

/** Hears on a link what others say of addresses that are raised here. It costs nothing but for frames about these. */
class ClaimListener {
  readonly #heard: (claim: AddressClaim) => void;
  readonly #arp = new PacketSocket((frame) => this.#take(frame));
  readonly #discovery = new PacketSocket((frame) => this.#take(frame));
  #link: CarrierLink | undefined;
  #addresses: ReadonlySet<string> = new Set();

  constructor(heard: (claim: AddressClaim) => void) {
    this.#heard = heard;
  }

  /** @throws PlatformError `ENODEV` */
  listenFor(addresses: readonly string[], link: CarrierLink | undefined): void {
    const listened = addresses.slice(0, ADDRESSES_MAX);
    this.#addresses = new Set(listened);
    this.#link = link;
    for (const [socket, protocol] of [
      [this.#arp, ETHERTYPE_ARP],
      [this.#discovery, ETHERTYPE_IPV6],
    ] as const) {
      const those = listened.filter((address) => address.includes(':') === (protocol === ETHERTYPE_IPV6));
      if (link === undefined || those.length === 0) socket.rest();
      else socket.hear(link.index, protocol, claimFilter(those, false));
    }
  }

  close(): void {
    this.#arp.close();
    this.#discovery.close();
  }

  #take(frame: Uint8Array): void {
    const said = readSaid(frame);
    const link = this.#link;
    if (link === undefined || said?.kind !== 'claim' || !this.#addresses.has(said.address)) return;
    if (said.hardwareAddress === hardwareText(link.hardwareAddress)) return;
    const { address, hardwareAddress } = said;
    this.#heard({ address, hardwareAddress, link: link.name });
  }
}

/** Listeners on every link that may carry an address. */
export class ClaimListeners {
  readonly #heard: (claim: AddressClaim) => void;
  readonly #listeners = new Map<string, ClaimListener>();
  /** Of the second that runs. */
  readonly #told = new Set<string>();
  #secondMs = 0;

  constructor(heard: (claim: AddressClaim) => void) {
    this.#heard = heard;
  }

  /** Makes the sockets for a link, in the namespace of the calling thread, ahead of the time when they are needed. */
  open(name: string): void {
    if (!this.#listeners.has(name))
      this.#listeners.set(name, new ClaimListener((claim) => this.#tell(claim)));
  }

  /** From now on for these, and for no others. */
  listenFor(raised: readonly { readonly carrier: CarrierLink; readonly address: string }[]): void {
    for (const [name, listener] of this.#listeners) {
      const here = raised.filter(({ carrier }) => carrier.name === name);
      try {
        listener.listenFor(
          here.map(({ address }) => address),
          here[0]?.carrier,
        );
      } catch (error) {
        // The link went just now: who follows links has it told.
        if (!isPlatformError(error, 'ENODEV', 'ENXIO', 'ENETDOWN')) throw error;
      }
    }
  }

  /** Closes those of links that are not needed. */
  keep(names: ReadonlySet<string>): void {
    for (const [name, listener] of this.#listeners) {
      if (names.has(name)) continue;
      listener.close();
      this.#listeners.delete(name);
    }
  }

  close(): void {
    this.keep(new Set());
  }

  #tell(claim: AddressClaim): void {
    const nowMs = performance.now();
    if (nowMs >= this.#secondMs + SECOND_MS) {
      this.#secondMs = nowMs;
      this.#told.clear();
    }
    const key = `${claim.address} ${claim.hardwareAddress} ${claim.link}`;
    if (this.#told.has(key) || this.#told.size >= CLAIMS_MAX) return;
    this.#told.add(key);
    this.#heard(claim);
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { AddressClaim, AddressPlace, VirtualAddresses } from '../interfaces.ts';

/** Something that was done with a virtual address. */
export interface AddressAction {
  readonly action: 'raise' | 'withdraw' | 'announce' | 'destroySockets';
  readonly address: string;
}

/** Virtual addresses in memory; a test reads `raised` and `actions`, and sets `claims` and `missing`. */
export class FakeVirtualAddresses implements VirtualAddresses {
  readonly raised: Set<string> = new Set();
  /** Those whose link of its own is down. */
  readonly quiet: Set<string> = new Set();
  /** Everything that was done, in order. */
  readonly actions: AddressAction[] = [];
  followed: readonly AddressPlace[] = [];
  followedLinks: readonly string[] = [];
  peers: readonly string[] = [];
  /** What a probe finds. */
  claims: readonly AddressClaim[] = [];
  /** What `raise` throws. */
  failure: Error | undefined;
  isClosed = false;

  follow(places: readonly AddressPlace[], links: readonly string[] = []): void {
    this.followed = places;
    this.followedLinks = links;
  }

  usePeers(addresses: readonly string[]): void {
    this.peers = addresses;
  }

  raise(where: AddressPlace | string, isQuiet = false): void {
    const address = typeof where === 'string' ? where : where.address;
    if (this.failure !== undefined) throw this.failure;
    this.actions.push({ action: 'raise', address });
    this.raised.add(address);
    if (isQuiet) this.quiet.add(address);
    else this.quiet.delete(address);
  }

  withdraw(address: string): void {
    this.actions.push({ action: 'withdraw', address });
    this.raised.delete(address);
  }

  announce(where: AddressPlace | string, repeats: number): void {
    const address = typeof where === 'string' ? where : where.address;
    for (let sent = 0; sent < repeats; sent++) this.actions.push({ action: 'announce', address });
  }

  probe(places: readonly AddressPlace[], answered: (claims: readonly AddressClaim[]) => void): void {
    const asked = new Set(places.map(({ address }) => address));
    const claims = this.claims.filter(({ address }) => asked.has(address));
    queueMicrotask(() => answered(claims));
  }

  destroySockets(address: string): void {
    this.actions.push({ action: 'destroySockets', address });
  }

  close(): void {
    this.isClosed = true;
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { VirtualAddresses } from '../interfaces.ts';

/** Something that was done with a virtual address. */
export interface AddressAction {
  readonly action: 'raise' | 'withdraw' | 'announce' | 'destroySockets';
  readonly address: string;
}

/** Virtual addresses in memory; a test reads `raised` and `actions`. */
export class FakeVirtualAddresses implements VirtualAddresses {
  readonly raised: Set<string> = new Set();
  /** Everything that was done, in order. */
  readonly actions: AddressAction[] = [];
  isClosed = false;

  raise(address: string): void {
    this.actions.push({ action: 'raise', address });
    this.raised.add(address);
  }

  withdraw(address: string): void {
    this.actions.push({ action: 'withdraw', address });
    this.raised.delete(address);
  }

  announce(address: string, repeats: number): void {
    for (let sent = 0; sent < repeats; sent++) this.actions.push({ action: 'announce', address });
  }

  destroySockets(address: string): void {
    this.actions.push({ action: 'destroySockets', address });
  }

  close(): void {
    this.isClosed = true;
  }
}

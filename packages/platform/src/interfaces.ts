// SPDX-License-Identifier: Apache-2.0

/*
 * What a node agent needs from its host. Each interface has an implementation on Linux and a fake in memory;
 * nothing above this package talks to the kernel.
 */

/** The clocks of the host. */
export interface Clocks {
  /** CLOCK_BOOTTIME in milliseconds with a fraction: goes on in suspend, never steps. */
  boottimeMs(): number;
  /** CLOCK_REALTIME in milliseconds with a fraction: may step. */
  wallMs(): number;
}

/** Virtual addresses on the node's interface. All calls are synchronous: they take microseconds. */
export interface VirtualAddresses {
  /** Adds `address/prefix` to the interface; adding what is there is no error. */
  raise(address: string): void;
  /** Removes it; removing what is not there is no error. */
  withdraw(address: string): void;
  /** Sends gratuitous ARP (request form), `repeats` times at once. */
  announce(address: string, repeats: number): void;
  /** Ends connections bound to the address, so that old ones do not wake up later. */
  destroySockets(address: string): void;
  close(): void;
}

/**
 * The kernel's gate before a slot's addresses: closed unless opened, and closing by the kernel's own clocks.
 * Covers IPv4 by address and ARP by sender and target, in and out.
 */
export interface Fence {
  readonly kind: 'nft' | 'none';
  /** Addresses under the fence now; in the beginning those that an earlier agent left there. */
  readonly guarded: readonly string[];
  /** Puts addresses under the fence, closed. Addresses not named any more leave it. */
  guard(addresses: readonly string[]): void;
  /**
   * Opens, or extends, an address until CLOCK_BOOTTIME `untilMs`. The kernel gets both the absolute end by the
   * wall clock and a relative timeout, so a write that comes late arrives closed.
   */
  open(address: string, untilMs: number): void;
  /** Closes an address; returns when the kernel has acknowledged it. */
  close(address: string): void;
  /** What the kernel would let through now, for tests and `explain`. */
  isOpen(address: string): boolean;
  /** Removes every rule. */
  dispose(): void;
}

/** An append-only record of the lease register; `append` returns when the record is on disk. */
export interface Journal<Entry> {
  /** Everything that survived, oldest first. */
  readonly restored: readonly Entry[];
  append(entries: readonly Entry[]): void;
  close(): void;
}

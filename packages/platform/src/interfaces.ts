// SPDX-License-Identifier: Apache-2.0

import type { FenceRecord } from './fence/first-table.ts';

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

/** A virtual address, and where it is raised. */
export interface AddressPlace {
  /** Without prefix length. */
  readonly address: string;
  /** Link of the node; null: the node's link for virtual addresses. */
  readonly link: string | null;
  /** A link of its own above that one, with a hardware address that goes with it; null: it is on the link itself. */
  readonly own: {
    readonly name: string;
    readonly hardwareAddress: string;
    /** Length of the prefix of the network whose hosts are its neighbours. */
    readonly prefix: number;
  } | null;
}

/** Somebody says that it has an address, or asks for it as somebody who wants it. */
export interface AddressClaim {
  readonly address: string;
  /** `02:00:00:00:00:01`. */
  readonly hardwareAddress: string;
  readonly link: string;
}

/** What becomes of virtual addresses behind our back. */
export interface AddressListener {
  /** Somebody outside the set says that it has an address that is raised here. */
  claimed(claim: AddressClaim): void;
  /** Of an address that is followed: why it cannot be raised here now (`there is no link eth1`); null: it can again. */
  placed(address: string, missing: string | null): void;
  /** Of a link that is followed by itself: why nothing can be forwarded into it (`link eth1 has no carrier`); null: it can again. */
  linkPlaced(link: string, missing: string | null): void;
  /** An address that is raised is not on its link any more. */
  vanished(address: string): void;
  /** The kernel did not tell something, or will tell nothing more. */
  failed(error: Error): void;
}

/** Virtual addresses of a node, of IPv4 and IPv6. All calls are synchronous: they take microseconds. */
export interface VirtualAddresses {
  /**
   * Every address that may be raised here, from now on; what becomes of their links is told. Links of their own are made, those of
   * addresses not named any more are removed.
   * @param links that are needed besides, of whatever kind; they are looked at, and nothing about them is changed. Default: none
   */
  follow(places: readonly AddressPlace[], links?: readonly string[]): void;
  /** Where the other nodes of the set are: what these say of an address is no foreign claim. */
  usePeers(addresses: readonly string[]): void;
  /**
   * Adds an address to its link; adding what is there is no error. A text is an address on the node's link. With `isQuiet` a link of
   * its own stays down; default false.
   * @throws PlatformError `ENODEV` without the link, or what the kernel says
   */
  raise(place: AddressPlace | string, isQuiet?: boolean): void;
  /** Removes it, from wherever it is; removing what is not there is no error. */
  withdraw(address: string): void;
  /** Tells neighbours where it is, `repeats` times at once: gratuitous ARP (request form), unsolicited advertisement. */
  announce(place: AddressPlace | string, repeats: number): void;
  /** Asks whether somebody has one of them already, which takes 0.3 s; `answered` is called once. */
  probe(places: readonly AddressPlace[], answered: (claims: readonly AddressClaim[]) => void): void;
  /**
   * Ends connections bound to the address, so that old ones do not wake up later: all of TCP, and of UDP those that are connected. Once
   * that was done behind `withdraw` it costs nothing until the address is raised again.
   */
  destroySockets(address: string): void;
  close(): void;
}

/** What a slot acts through, and what its fence therefore stands before. */
export type Guarded =
  /** An IPv4 or IPv6 address, without a prefix, on every link. */
  | { readonly what: 'address'; readonly address: string }
  /** Every frame of a link, both ways: a macvlan that carries the slot's own hardware address. */
  | { readonly what: 'link'; readonly link: string }
  /** Everything that the host forwards into or out of a link: the slot of a gateway. */
  | { readonly what: 'forwarding'; readonly link: string };

/** A slot, and all that opens and closes with it. */
export interface GuardedSlot {
  readonly slot: string;
  readonly guarded: readonly Guarded[];
}

/**
 * The kernel's gate before the slots of a node: closed unless opened, and closing by the kernel's own clocks, whatever
 * becomes of the process. What is open stays so, to its end at the latest, when the process ends; the next agent finds
 * it in place. All calls are synchronous, and done when they return.
 */
export interface Fence {
  /** `bpf`: the kernel compares CLOCK_BOOTTIME with an absolute deadline. `nft`: wall clock and timeout together. */
  readonly kind: 'bpf' | 'nft' | 'none';
  /** What is promised here, in one sentence for people. */
  readonly guarantee: string;
  /** Everything under the fence now; in the beginning what an earlier agent left there, or handed on. */
  readonly guarded: readonly Guarded[];
  /**
   * The slots from now on, replacing the former list, and what is guarded for each. What is new to the fence comes under it
   * in the state of its slot: closed, unless the slot is open. What is not named any more leaves it. A link to be guarded
   * is to be there, still down.
   * @param also links on which guarded addresses are besides those that the fence was made for
   * @throws PlatformError `BAD_ARGUMENT` for something guarded for two slots, or more than the fence holds
   */
  guard(slots: readonly GuardedSlot[], also?: readonly string[]): void;
  /**
   * Opens, or extends, slots until the moments of CLOCK_BOOTTIME given in ms, all at once. A write that comes late
   * arrives closed. Slots that are renewed together belong into one call.
   * @throws PlatformError `BAD_ARGUMENT` for a slot that is not under the fence
   */
  openUntil(ends: ReadonlyMap<string, number>): void;
  /** A slot may be opened soon until this moment, or a little later: makes ahead what takes time. Opens nothing. */
  expect(untilMs: number): void;
  /** Closes a slot; returns when the kernel has acknowledged it. Nothing to do for one that is not under the fence. */
  close(slot: string): void;
  /** What the kernel would let through now, for tests and `explain`. A slot that is not under the fence is open. */
  isOpen(slot: string): boolean;
  /**
   * Looks whether the kernel still has what was put there. What somebody else changed is told, and put right: closed, until
   * the next {@link openUntil}.
   */
  check(): void;
  /** What the fence of the next agent, which goes on for this one, is to know of it; undefined: nothing. */
  handOn(): FenceRecord | undefined;
  /** Lets go without removing anything, as the end of the process does; nothing else may be called afterwards. */
  abandon(): void;
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

// SPDX-License-Identifier: Apache-2.0
import type { Clocks, Fence, Guarded, GuardedSlot } from '../interfaces.ts';
import { BpfGate } from './bpf-gate.ts';
import { FencePrograms } from './bpf-programs.ts';
import type { FenceRecord } from './first-table.ts';
import { checkKnown, type GuardedTable, guardedOf, keyOf, keyOfText, keyText, tableOf } from './guarded.ts';
import { createNftFence, type NftFence, type NftFenceOptions } from './nft.ts';

/** What the fence stands before, and whether programs may be tried. */
export interface FenceOptions extends NftFenceOptions {
  /** Programs that were loaded ahead, or why there are none; the fence's alone from now on. Default: loaded now. */
  readonly prepared?: PreparedFence;
  /** `off`: the nftables form alone. Default `auto`. */
  readonly bpf?: 'auto' | 'off';
}

/** What a fence can be made of before it stands anywhere. */
export type PreparedFence = FencePrograms | { readonly missing: string };

/** Everything that takes time and changes nothing: programs are loaded, and tried. */
export function prepareFence(clocks: Clocks): PreparedFence {
  try {
    return new FencePrograms(clocks);
  } catch (error) {
    return { missing: (error as Error).message };
  }
}

/** A fence with programs on its links. */
export interface BpfFence extends Fence {
  readonly kind: 'bpf';
}

/**
 * The best fence that this kernel gives: programs on the links of the addresses, with nftables beneath, else nftables alone,
 * whose `guarantee` then says why.
 * @throws PlatformError `NFT` where there is not even that
 */
export function createFence(options: FenceOptions): BpfFence | NftFence {
  const programs = options.bpf === 'off' ? undefined : (options.prepared ?? prepareFence(options.clocks));
  const nft = createNftFence(options);
  if (programs === undefined) return nft;
  const lesser = (why: string): NftFence => {
    nft.lessens(`no BPF programs here (${why})`);
    return nft;
  };
  if ('missing' in programs) return lesser(programs.missing);
  try {
    const left = nft.guarded.map(keyOf);
    const gate = new BpfGate(options.interfaces, programs, left, options.handedOn);
    return new LinuxBpfFence(gate, nft, options);
  } catch (error) {
    return lesser((error as Error).message);
  }
}

/**
 * Two gates one behind the other, and a packet has to pass both. On the links of the addresses the programs decide: their
 * deadline is absolute on CLOCK_BOOTTIME, so neither a late write nor a stepped wall clock opens them. nftables decides for
 * what comes by other links, over the loopback, and is forwarded; and stands where somebody took the programs away.
 */
class LinuxBpfFence implements BpfFence {
  readonly kind = 'bpf';
  readonly #gate: BpfGate;
  readonly #nft: NftFence;
  readonly #clocks: Clocks;
  readonly #interfaces: readonly string[];
  readonly #changed: ((what: string) => void) | undefined;
  #table: GuardedTable;

  constructor(gate: BpfGate, nft: NftFence, options: FenceOptions) {
    this.#gate = gate;
    this.#nft = nft;
    this.#clocks = options.clocks;
    this.#interfaces = options.interfaces;
    this.#changed = options.changed;
    this.#table = tableOf(options.handedOn?.slots ?? []);
  }

  get guarantee(): string {
    return `bpf: on ${this.#interfaces.join(', ')}, on other links of addresses and on guarded links, IPv4, IPv6, ARP and neighbour discovery pass only before the lease's end by the kernel's CLOCK_BOOTTIME, whatever the wall clock does; on other links, loopback and for forwarding ${this.#nft.guarantee}`;
  }

  get guarded(): readonly Guarded[] {
    const own = this.#nft.guarded.map((each) => keyText(keyOf(each)));
    return [...new Set([...own, ...this.#gate.guarded])].map((text) => guardedOf(keyOfText(text)));
  }

  guard(slots: readonly GuardedSlot[], also: readonly string[] = []): void {
    this.#table = tableOf(slots);
    this.#gate.guard(this.#table, also);
    this.#nft.guard(slots, also);
  }

  openUntil(ends: ReadonlyMap<string, number>): void {
    checkKnown(this.#table, ends.keys());
    this.#gate.openUntil(ends);
    this.#nft.openUntil(ends);
  }

  expect(untilMs: number): void {
    this.#nft.expect(untilMs);
  }

  /** What takes longer comes first: the slot is dark from the first of them on. */
  close(slot: string): void {
    try {
      this.#nft.close(slot);
    } finally {
      this.#gate.close(slot);
    }
  }

  isOpen(slot: string): boolean {
    return this.#gate.isOpen(slot, this.#clocks.boottimeMs()) && this.#nft.isOpen(slot);
  }

  check(): void {
    const { righted, left } = this.#gate.check();
    if (righted.length > 0)
      this.#changed?.(
        `somebody changed the fence: ${righted.join(', ')}; put right, closed until the next renewal`,
      );
    if (left.length > 0) this.#changed?.(`somebody changed the fence: ${left.join(', ')}`);
    this.#nft.check();
  }

  handOn(): FenceRecord {
    return this.#nft.handOn();
  }

  dispose(): void {
    this.#gate.dispose();
    this.#nft.dispose();
  }

  abandon(): void {
    this.#gate.abandon();
    this.#nft.abandon();
  }
}

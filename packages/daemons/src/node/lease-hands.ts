// SPDX-License-Identifier: Apache-2.0
import {
  type AddressPlace,
  type GateInput,
  type HandedOnSlots,
  type KeeperInput,
  type KeeperOutput,
  type KeeperSlot,
  openEnds,
} from '@vnfpool/core/agent';
import type { NodeLeaseRecord } from '@vnfpool/core/lease';
import {
  type AddressClaim,
  type Clocks,
  type Fence,
  type Guarded,
  isPlatformError,
  type Journal,
  type VirtualAddresses,
} from '@vnfpool/platform';
import type { FenceHandedOn, FenceRecord } from '@vnfpool/platform/fence';
import type { LeaseMessage } from '@vnfpool/wire/lease';
import type { FromWorker } from './worker-messages.ts';

export interface LeaseHandsOptions {
  readonly clocks: Clocks;
  readonly fence: Fence;
  /** Null where there are no virtual addresses. */
  readonly addresses: VirtualAddresses | null;
  readonly journal: Journal<NodeLeaseRecord>;
  readonly send: (councilId: number, to: number, messages: readonly LeaseMessage[]) => void;
  readonly tell: (message: FromWorker) => void;
  readonly muteMs: () => number;
  /** Gives an input that came about on the way, later. */
  readonly later: (input: KeeperInput) => void;
}

/** The core's side: it is given an input and the time and returns what to do. */
export interface Keeper<Input = KeeperInput> {
  handle(input: Input, nowMs: number): KeeperOutput[];
  expire(nowMs: number): KeeperOutput[];
}

/** Frames of one announcement at once; more follow later, see the keeper. */
const ANNOUNCE_REPEATS = 2;

/**
 * Carries out what the slot keeper says, strictly in order and synchronously: a record is on disk and the
 * kernel has acknowledged before the next output is looked at.
 *
 * What the disk or the kernel refuses is thrown, and ends the agent: the core believes more than has happened then. All
 * addresses leave the link before, since it may be the fence that is broken.
 */
export class LeaseHands {
  readonly #keeper: Keeper<GateInput>;
  readonly #options: LeaseHandsOptions;
  /** Addresses that the kernel refused last. */
  readonly #refused = new Set<string>();

  constructor(keeper: Keeper<GateInput>, options: LeaseHandsOptions) {
    this.#keeper = keeper;
    this.#options = options;
  }

  handle(input: GateInput): void {
    this.#carryOut(() => this.#keeper.handle(input, this.#options.clocks.boottimeMs()));
  }

  expire(): void {
    this.#carryOut(() => this.#keeper.expire(this.#options.clocks.boottimeMs()));
  }

  /** Carries out what the keeper has said already. */
  carryOut(outputs: readonly KeeperOutput[]): void {
    this.#carryOut(() => [...outputs]);
  }

  /** Has the fence look whether somebody changed it; what cannot be put right ends the agent. */
  checkFence(): void {
    try {
      this.#options.fence.check();
    } catch (error) {
      this.#withdrawAll();
      throw error;
    }
  }

  /**
   * Takes every address away, also what an earlier agent left, then the rules: in the other order an address would
   * stand open.
   */
  cleanUp(): void {
    const { fence, addresses } = this.#options;
    for (const address of addressesOf(fence.guarded)) addresses?.withdraw(address);
    fence.dispose();
    addresses?.close();
  }

  #carryOut(ask: () => KeeperOutput[]): void {
    try {
      // What an acknowledgement brings forth comes before what was to follow it.
      const queue = ask();
      for (let output = queue.shift(); output; output = queue.shift())
        queue.unshift(...this.#carryOutOne(output));
    } catch (error) {
      this.#withdrawAll();
      throw error;
    }
  }

  /** As far as the kernel lets us; the error that brought us here is the one to tell. */
  #withdrawAll(): void {
    for (const address of addressesOf(this.#options.fence.guarded)) {
      try {
        this.#options.addresses?.withdraw(address);
      } catch {}
    }
  }

  #carryOutOne(output: KeeperOutput): KeeperOutput[] {
    const { clocks, fence, addresses, journal, send, tell } = this.#options;
    switch (output.type) {
      case 'persist':
        journal.append(output.records);
        return [];
      case 'send':
        send(output.councilId, output.to, output.messages);
        return [];
      case 'guard':
        this.#guard(output.slots);
        return [];
      case 'follow':
        this.#follow(output);
        return [];
      case 'probe':
        this.#probe(output);
        return [];
      case 'raise':
        for (const place of output.places) this.#raise(place, output);
        return [];
      case 'withdraw':
        for (const address of output.addresses) {
          addresses?.withdraw(address);
          // Behind it: no other can come any more.
          addresses?.destroySockets(address);
        }
        return [];
      case 'open':
        fence.openUntil(output.ends);
        return [];
      case 'expect':
        fence.expect(output.untilMs);
        return [];
      case 'close':
        fence.close(output.slot);
        return this.#keeper.handle(
          { type: 'fence-closed', slot: output.slot, epoch: output.epoch },
          clocks.boottimeMs(),
        );
      case 'announce':
        this.#announce(output.places);
        return [];
      case 'mark':
        return this.#keeper.handle(
          { type: 'marked', slots: output.slots, step: output.step, wallMs: clocks.wallMs() },
          clocks.boottimeMs(),
        );
      case 'fence-node':
      case 'take-state':
      case 'listed':
      case 'leave-state':
        tell(output);
        return [];
      case 'slot':
        tell({ type: 'slot', state: output.state, muteMs: this.#options.muteMs() });
        return [];
      case 'failover':
        tell({ type: 'failover', record: output.record });
        return [];
      case 'council':
        tell({ type: 'council', report: output.report });
        return [];
      case 'event':
        tell({ type: 'event', severity: output.severity, message: output.message });
        return [];
    }
  }

  #follow({ places, links }: KeeperOutput & { type: 'follow' }): void {
    const followed = new Set(places.map(({ address }) => address));
    for (const address of this.#refused) if (!followed.has(address)) this.#refused.delete(address);
    this.#options.addresses?.follow(places, links);
  }

  /** What leaves the fence leaves the link before, also what an earlier agent left there: it would stand open. */
  #guard(slots: readonly KeeperSlot[]): void {
    const { fence, addresses } = this.#options;
    const wanted = slots.map((each) => ({ slot: each.slot, guarded: guardedOf(each) }));
    const kept = new Set(addressesOf(wanted.flatMap(({ guarded }) => guarded)));
    for (const address of addressesOf(fence.guarded)) if (!kept.has(address)) addresses?.withdraw(address);
    fence.guard(wanted, [...new Set(slots.flatMap(({ on }) => on))]);
  }

  #probe({ slot, attempt, places }: KeeperOutput & { type: 'probe' }): void {
    const { addresses, later } = this.#options;
    const answered = (claims: readonly AddressClaim[]): void =>
      later({ type: 'probed', slot, attempt, claims });
    if (addresses === null) answered([]);
    else addresses.probe(places, answered);
  }

  /** What the kernel refuses about one address is no reason to give up the others. */
  #raise(place: AddressPlace, { isPrepared, isQuiet }: KeeperOutput & { type: 'raise' }): void {
    const { addresses, later } = this.#options;
    const { address } = place;
    // Connections of an earlier holding must not wake up behind the new one.
    if (!isPrepared) addresses?.destroySockets(address);
    try {
      addresses?.raise(place, isQuiet);
      if (this.#refused.delete(address)) later({ type: 'address-accepted', address });
    } catch (error) {
      if (!isPlatformError(error)) throw error;
      this.#refused.add(address);
      later({ type: 'address-refused', address, reason: error.message });
    }
  }

  /** The fence may have closed meanwhile; the frame then stays here, as it should. */
  #announce(places: readonly AddressPlace[]): void {
    for (const place of places) {
      try {
        this.#options.addresses?.announce(place, ANNOUNCE_REPEATS);
      } catch (error) {
        const message = `announcing ${place.address} failed: ${(error as Error).message}`;
        this.#options.tell({ type: 'event', severity: 'warning', message });
      }
    }
  }
}

/** As the fence takes it. */
export function fenceHandedOn(handedOn: HandedOnSlots, record: FenceRecord | undefined): FenceHandedOn {
  const { guarded } = handedOn;
  return {
    slots: guarded.map((each) => ({ slot: each.slot, guarded: guardedOf(each) })),
    also: [...new Set(guarded.flatMap(({ on }) => on))],
    ends: openEnds(handedOn),
    record,
  };
}

function guardedOf({ addresses, links, forwarding = [] }: KeeperSlot): Guarded[] {
  return [
    ...addresses.map((address) => ({ what: 'address' as const, address })),
    ...links.map((link) => ({ what: 'link' as const, link })),
    ...forwarding.map((link) => ({ what: 'forwarding' as const, link })),
  ];
}

function addressesOf(guarded: readonly Guarded[]): string[] {
  return guarded.flatMap((each) => (each.what === 'address' ? [each.address] : []));
}

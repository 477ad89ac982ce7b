// SPDX-License-Identifier: Apache-2.0
import type { GateInput, KeeperInput, KeeperOutput } from '@vnfpool/core/agent';
import type { LeaseRecord } from '@vnfpool/core/lease';
import type { Clocks, Fence, Journal, VirtualAddresses } from '@vnfpool/platform';
import type { LeaseMessage } from '@vnfpool/wire/lease';
import type { FromWorker } from './worker-messages.ts';

export interface LeaseHandsOptions {
  readonly clocks: Clocks;
  readonly fence: Fence;
  /** Null where there are no virtual addresses. */
  readonly addresses: VirtualAddresses | null;
  readonly journal: Journal<LeaseRecord>;
  readonly send: (to: number, messages: readonly LeaseMessage[]) => void;
  readonly tell: (message: FromWorker) => void;
  readonly muteMs: () => number;
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

  /**
   * Takes every address away, also what an earlier agent left, then the rules: in the other order an address would
   * stand open.
   */
  cleanUp(): void {
    const { fence, addresses } = this.#options;
    for (const address of fence.guarded) addresses?.withdraw(asHost(address));
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
    for (const address of this.#options.fence.guarded) {
      try {
        this.#options.addresses?.withdraw(asHost(address));
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
        send(output.to, output.messages);
        return [];
      case 'guard':
        this.#guard(output.addresses.map(withoutPrefix));
        return [];
      case 'raise':
        for (const address of output.addresses) {
          // Connections of an earlier holding must not wake up behind the new one.
          addresses?.destroySockets(withoutPrefix(address));
          addresses?.raise(asHost(address));
        }
        return [];
      case 'withdraw':
        for (const address of output.addresses) {
          addresses?.destroySockets(withoutPrefix(address));
          addresses?.withdraw(asHost(address));
        }
        return [];
      case 'open':
        for (const address of output.addresses) fence.open(withoutPrefix(address), output.untilMs);
        return [];
      case 'close':
        for (const address of output.addresses) fence.close(withoutPrefix(address));
        return this.#keeper.handle(
          { type: 'fence-closed', slot: output.slot, epoch: output.epoch },
          clocks.boottimeMs(),
        );
      case 'announce':
        this.#announce(output.addresses);
        return [];
      case 'mark':
        return this.#keeper.handle(
          {
            type: 'marked',
            slot: output.slot,
            epoch: output.epoch,
            step: output.step,
            wallMs: clocks.wallMs(),
          },
          clocks.boottimeMs(),
        );
      case 'slot':
        tell({ type: 'slot', state: output.state, muteMs: this.#options.muteMs() });
        return [];
      case 'failover':
        tell({ type: 'failover', record: output.record });
        return [];
      case 'event':
        tell({ type: 'event', severity: output.severity, message: output.message });
        return [];
    }
  }

  /** What leaves the fence leaves the link before, also what an earlier agent left there: it would stand open. */
  #guard(addresses: readonly string[]): void {
    const { fence } = this.#options;
    for (const address of fence.guarded)
      if (!addresses.includes(address)) this.#options.addresses?.withdraw(asHost(address));
    fence.guard(addresses);
  }

  /** The fence may have closed meanwhile; the frame then stays here, as it should. */
  #announce(addresses: readonly string[]): void {
    for (const address of addresses) {
      try {
        this.#options.addresses?.announce(withoutPrefix(address), ANNOUNCE_REPEATS);
      } catch (error) {
        const message = `announcing ${address} failed: ${(error as Error).message}`;
        this.#options.tell({ type: 'event', severity: 'warning', message });
      }
    }
  }
}

function withoutPrefix(address: string): string {
  return address.split('/')[0] ?? address;
}

/** A virtual address stands alone on the link: its network is reached by the node's own address. */
function asHost(address: string): string {
  return `${withoutPrefix(address)}/32`;
}

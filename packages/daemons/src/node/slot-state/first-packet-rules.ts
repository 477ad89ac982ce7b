// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '@vnfpool/platform';
import { ALIVE_MS, removeFirstPacketTable } from '@vnfpool/platform/packet-queue';
import { type FirstPacketWay, type FirstPacketWayListener, kernelWay } from '@vnfpool/runtime/flow-sharing';

export interface FirstPacketRulesOptions {
  readonly slot: string;
  /** Does it in the namespace of the connections. */
  readonly within: <Result>(work: () => Result) => Result;
}

/**
 * The kernel's rules that hold a slot's first packets, longer than the slot is held here: a packet that comes when it is not any more must not
 * pass, and the fence in the way of forwarding may stand ahead of where it waits. Without a word of an agent they do nothing after ten seconds.
 */
export class FirstPacketRules {
  readonly #table: string;
  readonly #within: FirstPacketRulesOptions['within'];
  /** They may be there, of a former agent too. */
  #areThere = true;
  #removing: NodeJS.Timeout | undefined;

  constructor({ slot, within }: FirstPacketRulesOptions) {
    this.#table = `vnfpool-first-${slot.replaceAll(/[^A-Za-z0-9-]/g, '-')}`;
    this.#within = within;
  }

  /** @throws PlatformError as `kernelWay` does */
  open(listener: FirstPacketWayListener): FirstPacketWay {
    clearTimeout(this.#removing);
    this.#areThere = true;
    return this.#within(() => kernelWay(this.#table, listener, this.#within));
  }

  /** The slot is held here no more. */
  removeLater(): void {
    clearTimeout(this.#removing);
    this.#removing = setTimeout(() => this.#remove(), ALIVE_MS).unref();
  }

  /** Another node has the slot, or its first packets do not wait. */
  remove(): void {
    clearTimeout(this.#removing);
    this.#remove();
  }

  /** @param isLeft the next agent goes on with what is there */
  close(isLeft: boolean): void {
    clearTimeout(this.#removing);
    if (!isLeft) this.#remove();
  }

  #remove(): void {
    if (!this.#areThere) return;
    this.#areThere = false;
    try {
      this.#within(() => removeFirstPacketTable(this.#table));
    } catch (error) {
      // They do nothing in ten seconds either way.
      if (!isPlatformError(error)) throw error;
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import {
  MemorySharedState,
  type Refused,
  type SharedStateDisk,
  SharedStateError,
  type SlotClaim,
  type SlotWrite,
  type Written,
} from '@vnfpool/store/shared-state';
import type { GatedStore, SharedStateScene } from '@vnfpool/testkit/compliance';

/** One in memory, and a way there that breaks as that of a server does. */
class GatedMemory extends MemorySharedState implements GatedStore {
  #way: 'open' | 'held' | 'lost' = 'open';
  #end: (isThere: boolean) => void = () => undefined;

  get store(): this {
    return this;
  }

  hold(): void {
    this.#way = 'held';
  }

  release(): void {
    this.#way = 'open';
    this.#end(true);
  }

  cut(): void {
    this.#way = 'open';
    this.#end(false);
  }

  loseAnswer(): void {
    this.#way = 'lost';
  }

  waits(): Promise<void> {
    return Promise.resolve();
  }

  override async write(slot: string, claim: SlotClaim, write: SlotWrite): Promise<Written | Refused> {
    const way = this.#way;
    if (way === 'held' && !(await new Promise<boolean>((resolve) => (this.#end = resolve)))) throw broken();
    const written = await super.write(slot, claim, write);
    if (way !== 'lost') return written;
    this.#way = 'open';
    throw broken();
  }
}

export function memoryScene(): SharedStateScene {
  const disk: SharedStateDisk = new Map();
  return {
    open: () => new MemorySharedState(disk),
    openGated: () => new GatedMemory(disk),
    lose: () => {
      disk.clear();
      return Promise.resolve();
    },
  };
}

function broken(): SharedStateError {
  return new SharedStateError('unavailable', 'the way broke');
}

// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';
import { SharedStateWriter, takeSharedState } from '@vnfpool/runtime/shared-state';
import type { SharedStateStore, SlotClaim } from '@vnfpool/store/shared-state';

export const SLOT = '00000000000000a1';

/** A state, and a writer that keeps it in a store. */
export class Holder {
  readonly state: ReplicaStore;
  readonly writer: SharedStateWriter;
  lost = 0;

  private constructor(
    store: SharedStateStore,
    claim: SlotClaim,
    state: ReplicaStore,
    base: string,
    windowOctets: number,
  ) {
    this.state = state;
    const onLost = (): void => void (this.lost += 1);
    this.writer = new SharedStateWriter({ store, slot: SLOT, claim, state, windowOctets, base, onLost });
  }

  /** Goes on from what the store has. */
  static async begin(store: SharedStateStore, claim: SlotClaim, windowOctets = 1_000_000): Promise<Holder> {
    const found = await takeSharedState(store, SLOT, claim);
    const holder = new Holder(store, claim, found.store, found.base, windowOctets);
    await holder.writer.write();
    return holder;
  }

  static of(store: SharedStateStore, claim: SlotClaim, state: ReplicaStore, base: string): Holder {
    return new Holder(store, claim, state, base, 1_000_000);
  }

  change(entries: Readonly<Record<string, string | null>>): void {
    const updates = Object.entries(entries).map(([key, text]) => {
      const value = text === null ? null : octets(text);
      return { key, value, sequence: this.state.update(key, value) };
    });
    this.writer.add(updates, 0);
  }

  async drain(): Promise<void> {
    do await this.writer.write();
    while (!this.writer.isDone);
  }

  get text(): Record<string, string> {
    return textOf(this.state);
  }
}

export const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

export function textOf(state: ReplicaStore): Record<string, string> {
  return Object.fromEntries(
    [...state].map(({ key, value }) => [key, Buffer.from(value ?? '').toString('latin1')]),
  );
}

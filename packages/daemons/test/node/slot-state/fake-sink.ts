// SPDX-License-Identifier: Apache-2.0
import type { KeyUpdate } from '@vnfpool/core/replication';
import type { SecurityState } from '@vnfpool/wire/mobility';
import type { ReplicaSecret } from '@vnfpool/wire/replication';
import type { StateEntry, StateSink } from '../../../src/node/slot-state/state-source.ts';

interface Given {
  readonly updates: readonly KeyUpdate[];
  readonly settle: () => void;
  readonly fail: (error: Error) => void;
}

/** What standbys have, as a test wants it: changes settle at once, or when it says so. */
export class FakeSink implements StateSink {
  readonly state: Map<string, Uint8Array>;
  /** Keys of it that are secret, or of which it has the name alone. */
  readonly secrets = new Map<string, ReplicaSecret>();
  securityState: SecurityState = 'excluded';
  /** Every change, in order. */
  readonly updates: KeyUpdate[] = [];
  /** Those that have not settled. */
  readonly waiting: Given[] = [];
  /** Values, as text, of those that have. */
  readonly settled: Set<string> = new Set<string>();
  isHolding = false;
  /** Changes are refused by it. */
  refusal: Error | null = null;
  #wake: (() => void)[] = [];

  constructor(entries: readonly StateEntry[] = []) {
    this.state = new Map(Array.from(entries, ([key, value]) => [key, value]));
    for (const [key, , secret] of entries) if (secret) this.secrets.set(key, secret);
  }

  change(updates: readonly KeyUpdate[]): Promise<void> {
    if (this.refusal) return Promise.reject(this.refusal);
    for (const { key, value, secret } of updates) {
      this.updates.push({ key, value, ...(secret && { secret }) });
      if (secret) this.secrets.set(key, secret);
      else this.secrets.delete(key);
      if (value === null) this.state.delete(key);
      // Their memory may be another's soon.
      else this.state.set(key, new Uint8Array(value));
    }
    for (const wake of this.#wake.splice(0)) wake();
    if (!this.isHolding) {
      this.#note(updates);
      return Promise.resolve();
    }
    return new Promise((settle, fail) => {
      this.waiting.push({ updates, settle, fail });
    });
  }

  entries(): Iterable<StateEntry> {
    return Array.from(this.state, ([key, value]): StateEntry => {
      const secret = this.secrets.get(key);
      return secret ? [key, value, secret] : [key, value];
    });
  }

  /** Lets the oldest that waits settle. */
  settleOne(): void {
    const oldest = this.waiting.shift();
    if (oldest === undefined) return;
    this.#note(oldest.updates);
    oldest.settle();
  }

  #note(updates: readonly KeyUpdate[]): void {
    for (const { value } of updates)
      if (value !== null) this.settled.add(Buffer.from(value).toString('latin1'));
  }

  settleAll(): void {
    while (this.waiting.length > 0) this.settleOne();
  }

  /** Resolves when so many changes have come. */
  async has(count: number): Promise<void> {
    while (this.updates.length < count) await new Promise<void>((wake) => this.#wake.push(wake));
  }

  text(): Record<string, string> {
    return Object.fromEntries(
      [...this.state].map(([key, value]) => [key, Buffer.from(value).toString('latin1')]),
    );
  }
}

export const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

export const entriesOf = (entries: Readonly<Record<string, string>>): [string, Uint8Array][] =>
  Object.entries(entries).map(([key, value]) => [key, octets(value)]);

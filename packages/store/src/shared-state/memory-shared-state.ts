// SPDX-License-Identifier: Apache-2.0
import {
  type Claimed,
  checkSlot,
  checkWrite,
  type EntryPage,
  isSameClaim,
  type Refused,
  SharedStateError,
  type SharedStateLimits,
  type SharedStateStore,
  type SlotClaim,
  type SlotHead,
  type SlotWrite,
  type Written,
} from './shared-state-store.ts';

interface StoredSlot {
  claim: SlotClaim;
  mark: string;
  readonly generations: Map<number, Map<string, Uint8Array>>;
}

/** What several {@link MemorySharedState} share, and what outlives them. By slot. */
export type SharedStateDisk = Map<string, StoredSlot>;

const LIMITS: SharedStateLimits = { updates: 128, octets: 1024 ** 2, valueOctets: 1024 ** 2 };
const PAGE = 100;
const NOTHING: SlotHead = { claim: null, mark: '' };

/** A store in memory, for tests: what is told of it is true of the others. */
export class MemorySharedState implements SharedStateStore {
  readonly limits: SharedStateLimits;
  readonly disk: SharedStateDisk;
  #isClosed = false;

  constructor(disk: SharedStateDisk = new Map(), limits: Partial<SharedStateLimits> = {}) {
    this.disk = disk;
    this.limits = { ...LIMITS, ...limits };
  }

  async look(slot: string): Promise<SlotHead> {
    return headOf(this.#slot(slot));
  }

  async claim(slot: string, claim: SlotClaim): Promise<Claimed> {
    const stored = this.#slot(slot);
    const had = stored?.claim;
    if (had !== undefined && had.epoch >= claim.epoch && !isSameClaim(had, claim))
      return { isClaimed: false, ...headOf(stored) };
    if (stored === undefined) this.disk.set(slot, { claim, mark: '', generations: new Map() });
    else stored.claim = claim;
    return { isClaimed: true, ...headOf(this.#slot(slot)) };
  }

  async read(
    slot: string,
    claim: SlotClaim,
    generation: number,
    cursor: string | null,
  ): Promise<EntryPage | Refused> {
    const stored = this.#slot(slot);
    if (!isSameClaim(stored?.claim ?? null, claim)) return { isRefused: true, ...headOf(stored) };
    const entries = [...(stored?.generations.get(generation) ?? [])];
    const from = Number(cursor ?? 0);
    const isLast = from + PAGE >= entries.length;
    return {
      isRefused: false,
      entries: entries.slice(from, from + PAGE),
      cursor: isLast ? null : String(from + PAGE),
    };
  }

  async write(slot: string, claim: SlotClaim, write: SlotWrite): Promise<Written | Refused> {
    checkWrite(write, this.limits);
    const stored = this.#slot(slot);
    if (stored === undefined || !isSameClaim(stored.claim, claim))
      return { isRefused: true, ...headOf(stored) };
    if (stored.mark === write.to) return { isRefused: false };
    if (stored.mark !== write.from) return { isRefused: true, ...headOf(stored) };
    stored.mark = write.to;
    const { generations } = stored;
    if (write.dropped !== undefined) generations.delete(write.dropped);
    const kept = write.isAnew === true ? undefined : generations.get(write.generation);
    const entries = kept ?? new Map<string, Uint8Array>();
    generations.set(write.generation, entries);
    for (const { key, value } of write.updates)
      if (value === null) entries.delete(key);
      else entries.set(key, new Uint8Array(value));
    return { isRefused: false };
  }

  async remove(slot: string, claim: SlotClaim): Promise<Written | Refused> {
    const stored = this.#slot(slot);
    if (stored === undefined || !isSameClaim(stored.claim, claim))
      return { isRefused: true, ...headOf(stored) };
    stored.mark = '';
    stored.generations.clear();
    return { isRefused: false };
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  #slot(slot: string): StoredSlot | undefined {
    if (this.#isClosed) throw new SharedStateError('closed', 'the store was closed');
    return this.disk.get(checkSlot(slot));
  }
}

function headOf(stored: StoredSlot | undefined): SlotHead {
  return stored === undefined ? NOTHING : { claim: stored.claim, mark: stored.mark };
}

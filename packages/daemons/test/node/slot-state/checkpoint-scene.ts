// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type Clock, systemClock } from '@vnfpool/runtime/driver';
import { silentLogger } from '@vnfpool/runtime/logging';
import type { CheckpointSharing, SharingReport, SlotDefinition, StoreSharing } from '@vnfpool/wire/mobility';
import { onTestFinished, vi } from 'vitest';
import type { Take } from '../../../src/node/slot-state/keeping.ts';
import { OpenStores } from '../../../src/node/slot-state/open-stores.ts';
import { SharedSlot, type SharedSlotParts } from '../../../src/node/slot-state/shared-slot.ts';
import type { StateEntry, StateSink, StateSource } from '../../../src/node/slot-state/state-source.ts';
import { entriesOf } from './fake-sink.ts';

export const SLOT = '00000000000000a1';
const FUNCTION = 77;

/** A function that has a state, and can tell of it while it holds a slot. */
export class FakeSource implements StateSource {
  state = new Map<string, Uint8Array>();
  sink: StateSink | null = null;

  begin(
    entries: Iterable<StateEntry>,
    sink: StateSink,
    { isOwn }: Parameters<StateSource['begin']>[2],
  ): Promise<void> {
    if (!isOwn) this.state = new Map(Array.from(entries, ([key, value]) => [key, value]));
    this.sink = sink;
    return Promise.resolve();
  }

  async set(entries: Readonly<Record<string, string>>): Promise<void> {
    const changes = entriesOf(entries);
    for (const [key, value] of changes) this.state.set(key, value);
    await this.sink?.change(changes.map(([key, value]) => ({ key, value })));
  }

  end(): Promise<void> {
    this.sink = null;
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get text(): Record<string, string> {
    return Object.fromEntries(
      [...this.state].map(([key, value]) => [key, Buffer.from(value).toString('latin1')]),
    );
  }
}

/** Time goes to wherever somebody waits for it. */
export function hastyClock(): Clock {
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    at: (atMs, run) => {
      const soon = setImmediate(() => {
        nowMs = Math.max(nowMs, atMs);
        run();
      });
      return () => clearImmediate(soon);
    },
  };
}

/** A node with a candidate for the slot, whose state goes to a folder, or where `sharing` says. */
export class CheckpointNode {
  readonly source = new FakeSource();
  readonly slot: SharedSlot;
  readonly #answers: { readonly isTaken: boolean; readonly reason: string }[] = [];
  readonly #node: number;
  report: SharingReport | null = null;
  /** To the lease worker, but for answers. */
  readonly posted: { readonly type: string }[] = [];

  constructor(
    node: number,
    sharing: Partial<CheckpointSharing> | StoreSharing,
    clock: Clock = systemClock(),
  ) {
    this.#node = node;
    const parts = {
      self: node,
      setName: () => 'shop',
      stores: new OpenStores(),
      sourceOf: () => Promise.resolve(this.source),
      give: (input: { readonly type: string; readonly report?: SharingReport | null }) => {
        if (input.type === 'sharing') this.report = input.report ?? null;
      },
      post: (message: {
        readonly type: string;
        readonly isTaken?: boolean;
        readonly reason?: string;
        readonly isAnew?: boolean;
        readonly epoch?: number;
      }) => {
        const { isTaken = false, reason = '' } = message;
        if (message.type === 'release') this.posted.push(message);
        // The council gives it another number.
        if (message.type === 'list' && message.isAnew && message.epoch !== undefined)
          this.slot.listed({ type: 'listed', slot: SLOT, epoch: message.epoch + 1, listed: [], serial: 0 });
        if (message.type === 'state-taken') this.#answers.push({ isTaken, reason });
      },
      clock,
      logger: silentLogger,
      onFault: () => undefined,
    } as unknown as SharedSlotParts;
    this.slot = new SharedSlot(parts, definitionOf(sharing), []);
    onTestFinished(() => this.slot.close());
  }

  /** Answered by whether the slot could be taken; `from`: the holder before. */
  async take(epoch: number, from: number | null, more: Partial<Take> = {}): Promise<string> {
    const count = this.#answers.length;
    this.slot.take({
      type: 'take-state',
      slot: SLOT,
      epoch,
      functionId: FUNCTION,
      listed: [{ node: this.#node, functionId: FUNCTION }],
      previous: from === null ? null : { node: from, functionId: FUNCTION },
      isReleased: false,
      isLossy: false,
      isResumed: false,
      ...more,
    });
    await vi.waitUntil(() => this.#answers.length > count, { timeout: 20_000, interval: 5 });
    const { isTaken, reason } = this.#answers.at(-1) as { isTaken: boolean; reason: string };
    return isTaken ? 'taken' : reason;
  }

  /** What it tells of the store now. */
  told(): SharingReport | null {
    this.slot.report();
    return this.report;
  }
}

export function definitionOf(sharing: Partial<CheckpointSharing> | StoreSharing): SlotDefinition {
  return {
    id: SLOT,
    pool: 'kv',
    index: 0,
    sharing: {
      method: 'checkpoint',
      store: 'file:///nowhere',
      intervalMs: 60_000,
      windowOctets: 1,
      overload: 'degrade',
      ...sharing,
    },
    candidates: [1, 2, 3].map((node) => ({ node, functionId: FUNCTION })),
  } as unknown as SlotDefinition;
}

export function folder(): { readonly path: string; readonly store: string; readonly names: () => string[] } {
  const path = mkdtempSync(`${tmpdir()}/vnfpool-checkpoints-`);
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  const names = (): string[] =>
    readdirSync(`${path}/${SLOT}`)
      .filter((name) => !name.startsWith('label'))
      .sort();
  return { path, store: `file://${path}`, names };
}

/** Once the store has all that the holder changed. */
export async function covered(node: CheckpointNode): Promise<void> {
  await vi.waitUntil(
    () => {
      const report = node.told();
      return report?.checkpoint?.isCurrent && report.checkpoint.sequence === report.sequence;
    },
    { timeout: 20_000, interval: 5 },
  );
}

// SPDX-License-Identifier: Apache-2.0
import type { KeyUpdate } from '@vnfpool/core/replication';
import type { ConntrackEvent } from '@vnfpool/platform/conntrack';
import { type FlowEntry, readSharedFlowKey, sharedFlowBody, sharedFlowKey } from '@vnfpool/wire/flow-state';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isWorthSharing } from '../../src/flow-sharing/choice.ts';
import { FlowMirror } from '../../src/flow-sharing/flow-mirror.ts';
import { RANKS } from '../../src/flow-sharing/rank.ts';
import { Copy, established, tcp, udp } from './flows.ts';

const FLOWS = 6;
const PIECE = 2;

/**
 * A kernel: its table, the events that wait to be read, whether it has no room for more of them, and a listing that is one piece ahead of
 * its reader, as the real one is. Updates say what changed and no more.
 */
class Kernel {
  readonly table = new Map<number, FlowEntry>();
  readonly queue: ConntrackEvent[] = [];
  isFull = false;
  #listing: { next: number; ahead: FlowEntry[] } | null = null;

  #tell(type: ConntrackEvent['type'], entry: FlowEntry): void {
    if (!this.isFull) this.queue.push({ type, entry });
  }

  begin(number: number, isTcp: boolean, more: Partial<FlowEntry>): void {
    if (this.table.has(number)) return;
    const entry = isTcp
      ? tcp(number, { status: 0, tcp: { ...established, state: 1 }, ...more })
      : udp(number, { status: 0, ...more });
    this.table.set(number, entry);
    this.#tell('new', entry);
  }

  change(number: number, change: Partial<FlowEntry>): void {
    const before = this.table.get(number);
    if (before === undefined) return;
    const entry = { ...before, ...change, ...(before.tcp === null ? { tcp: null } : {}) };
    this.table.set(number, entry);
    const { tcp: said = null, labels = null } = change;
    this.#tell('update', { ...entry, tcp: before.tcp && said, labels, master: null, shifts: null });
  }

  end(number: number): void {
    const entry = this.table.get(number);
    if (entry === undefined) return;
    this.table.delete(number);
    this.#tell('destroy', { ...entry, tcp: null, timeoutSeconds: 0 });
  }

  list(): void {
    this.#listing = { next: 0, ahead: [] };
    this.piece();
  }

  /** A listing fails; another one follows some time. */
  break(): void {
    this.#listing = null;
    this.isFull = true;
  }

  /** Null: that was all. */
  piece(): FlowEntry[] | null {
    const listing = this.#listing;
    if (listing === null) return null;
    const { ahead } = listing;
    listing.ahead = [];
    for (const end = listing.next + PIECE; listing.next < end; listing.next++) {
      const entry = this.table.get(listing.next);
      if (entry !== undefined) listing.ahead.push(entry);
    }
    if (listing.next > FLOWS + 2 * PIECE) this.#listing = null;
    return ahead;
  }
}

const number = fc.nat(FLOWS - 1);
const begun = fc.record({
  helper: fc.constantFrom(null, 'ftp'),
  master: fc.constantFrom(null, udp(99).original),
  mark: fc.nat(1),
});
const changed = fc.oneof(
  fc.nat(8).map((state) => ({ tcp: { ...established, state } })),
  fc.nat(2).map((mark) => ({ mark })),
  fc.constantFrom(0, 2, 6).map((status) => ({ status })),
  fc.nat(3).map((label) => ({ labels: Uint8Array.of(label) })),
);
const step = fc.oneof(
  { arbitrary: fc.tuple(fc.constant('begin' as const), number, fc.boolean(), begun), weight: 4 },
  { arbitrary: fc.tuple(fc.constant('change' as const), number, changed), weight: 6 },
  { arbitrary: fc.tuple(fc.constant('end' as const), number), weight: 2 },
  { arbitrary: fc.tuple(fc.constant('read' as const), fc.nat(4)), weight: 3 },
  { arbitrary: fc.tuple(fc.constantFrom('piece' as const, 'take' as const, 'untold' as const)), weight: 5 },
  { arbitrary: fc.tuple(fc.constant('broken' as const)), weight: 1 },
  { arbitrary: fc.tuple(fc.constant('refused' as const), fc.nat(2)), weight: 2 },
  { arbitrary: fc.tuple(fc.constant('full' as const)), weight: 2 },
);

type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

function follow(steps: readonly Step[], choice: 'begun' | 'all'): void {
  const kernel = new Kernel();
  const mirror = new FlowMirror(choice);
  const copy = new Copy();
  const list = (): void => {
    mirror.beginListing();
    kernel.list();
  };
  const lookUp = (): void => {
    for (const key of mirror.unclear) {
      const entries = [...kernel.table.values()];
      mirror.found(
        key,
        entries.find((entry) => sharedFlowKey(entry) === key),
      );
    }
  };
  const read = (count: number): void => {
    for (const event of kernel.queue.splice(0, count)) mirror.event(event);
    lookUp();
    if (kernel.queue.length > 0 || !kernel.isFull) return;
    kernel.isFull = false;
    list();
  };
  const piece = (): boolean => {
    const entries = kernel.piece();
    for (const entry of entries ?? []) mirror.listed(entry);
    if (entries === null) {
      mirror.endListing();
      lookUp();
    }
    return entries !== null;
  };
  const take = (max: number): KeyUpdate[] => {
    const updates: KeyUpdate[] = [];
    for (const rank of RANKS) updates.push(...mirror.take(max - updates.length, rank));
    return updates;
  };
  // Before anything else happens, as we begin.
  list();
  for (const [kind, ...rest] of steps) {
    if (kind === 'begin') kernel.begin(...(rest as [number, boolean, Partial<FlowEntry>]));
    else if (kind === 'change') kernel.change(...(rest as [number, Partial<FlowEntry>]));
    else if (kind === 'end') kernel.end(...(rest as [number]));
    else if (kind === 'read') read(...(rest as [number]));
    else if (kind === 'piece') piece();
    else if (kind === 'full') kernel.isFull = true;
    else if (kind === 'broken') {
      mirror.dropListing();
      kernel.break();
    } else {
      const updates = take(2);
      // Whether what was not confirmed had come, nobody knows.
      const taken = kind === 'untold' ? updates.slice(1) : updates.slice(0, (rest[0] as number) ?? 2);
      copy.take(taken);
      if (kind === 'untold') mirror.untold(updates);
      else if (kind === 'refused') {
        // The kernel goes on while an answer is under way.
        read(1);
        mirror.refused(updates.slice(taken.length).toReversed());
      }
    }
    const shared = [...mirror.shared()].length;
    expect(mirror.pending).toBeLessThanOrEqual(shared + copy.values.size + 2);
  }
  read(Number.POSITIVE_INFINITY);
  while (piece());
  copy.take(take(Number.POSITIVE_INFINITY));
  expect(mirror.pending).toBe(0);
  const bodies = (entries: Iterable<FlowEntry>): Record<string, string> =>
    Object.fromEntries(
      [...entries]
        .map((entry) => [sharedFlowKey(entry), sharedFlowBody(entry)] as const)
        .filter(([key, body]) => isWorthSharing(choice, key, body))
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
  expect(bodies(copy.flows)).toEqual(bodies(kernel.table.values()));
  expect([...copy.values.keys()].map((key) => sharedFlowKey(readSharedFlowKey(key)))).toHaveLength(
    copy.values.size,
  );
}

test.each(['begun', 'all'] as const)(
  'whatever happens, is lost and is refused: in the end the copy is the table (%s)',
  (choice) => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => follow(steps, choice)),
      { numRuns: 2000 },
    );
  },
  60_000,
);

// SPDX-License-Identifier: Apache-2.0

/** What an open slot shares its end by: 1 to {@link HORIZONS_MAX}; 0 is none. */
export type HorizonId = number;

/** Horizons at a time: leases of so many lengths, and slots on their way out. */
export const HORIZONS_MAX = 8;

/** No horizon: closed. */
export const CLOSED: HorizonId = 0;

/** Slots whose time left is within this factor of a horizon's span may share it. */
const SPAN_FACTOR = 1.25;
/**
 * Who has less left than this part of the span, and was not renewed, leaves when the horizon moves, or it would hold the
 * others back. A renewal comes every third of a lease, so that in good times everybody has two thirds left.
 */
const LAGGARD_PART = 0.5;

interface OpenSlot {
  readonly untilMs: number;
  readonly horizon: HorizonId;
}

interface Horizon {
  /** Time that was left when it was made. */
  readonly spanMs: number;
  /** CLOCK_BOOTTIME. */
  readonly endMs: number;
}

/** Which slots share which ends; never changed once it is made. */
export interface Horizons {
  readonly slots: ReadonlyMap<string, OpenSlot>;
  readonly horizons: ReadonlyMap<HorizonId, Horizon>;
  /** One that is made ahead, and no slot shares yet. */
  readonly expected?: Expected;
}

interface Expected extends Horizon {
  readonly id: HorizonId;
}

const NO_SLOTS: ReadonlyMap<string, OpenSlot> = new Map();
export const NO_HORIZONS: Horizons = { slots: NO_SLOTS, horizons: new Map() };

/** As plain data, for another process. */
export interface HorizonsRecord {
  readonly slots: readonly (readonly [slot: string, OpenSlot])[];
  readonly horizons: readonly (readonly [id: HorizonId, Horizon])[];
}

export function recordOfHorizons({ slots, horizons }: Horizons): HorizonsRecord {
  return { slots: [...slots], horizons: [...horizons] };
}

export function horizonsOfRecord({ slots, horizons }: HorizonsRecord): Horizons {
  return { slots: new Map(slots), horizons: new Map(horizons) };
}

/** The ends of all horizons, also of one that is expected. */
export function endsOf({ horizons, expected }: Horizons): ReadonlyMap<HorizonId, number> {
  const ends = new Map([...horizons].map(([id, { endMs }]) => [id, endMs]));
  return expected === undefined ? ends : ends.set(expected.id, expected.endMs);
}

/** A horizon for a slot that will be open until then, or a little longer; nothing where one is there that it would share. */
export function makeAhead(former: Horizons, untilMs: number, nowMs: number, leastMs: number): Horizons {
  const spanMs = untilMs - nowMs;
  const spans = new Map([...former.horizons].map(([id, horizon]) => [id, horizon.spanMs]));
  const id = freeId(spans);
  const isThere =
    former.expected?.endMs === untilMs || [...spans.values()].some((each) => fits(spanMs, each));
  if (isThere || spanMs < leastMs || id > HORIZONS_MAX) return former;
  return { ...former, expected: { id, spanMs, endMs: untilMs } };
}

/**
 * Slots that are renewed together share one end, so that however many they are, a renewal writes one element: the
 * earliest end of those in it. What was renewed is given with its new end; what has less than `leastMs` left is closed.
 *
 * An end never lies behind that of any slot that shares it, and in good times holds for at least half of a lease.
 */
export function renew(
  former: Horizons,
  renewed: ReadonlyMap<string, number>,
  nowMs: number,
  leastMs: number,
): Horizons {
  const slots = new Map(former.slots);
  const spans = new Map([...former.horizons].map(([id, { spanMs }]) => [id, spanMs]));
  let { expected } = former;
  if (expected !== undefined && expected.endMs - nowMs < leastMs) expected = undefined;
  const join = (untilMs: number): OpenSlot => {
    const leftMs = untilMs - nowMs;
    for (const [id, spanMs] of spans) if (fits(leftMs, spanMs)) return { untilMs, horizon: id };
    if (expected !== undefined && expected.endMs <= untilMs && fits(leftMs, expected.spanMs)) {
      const { id, endMs, spanMs } = expected;
      expected = undefined;
      spans.set(id, spanMs);
      return { untilMs: endMs, horizon: id };
    }
    const horizon = freeId(spans, expected?.id);
    // Too many lengths: with those whose end comes before, so that it closes early rather than late.
    if (horizon > HORIZONS_MAX) return { untilMs, horizon: nextShorter(spans, leftMs) };
    spans.set(horizon, leftMs);
    return { untilMs, horizon };
  };

  const touched = new Set<HorizonId>();
  // Most were renewed together, and share what is said of them as they share an end.
  let last: OpenSlot | undefined;
  let kept = 0;
  for (const [slot, untilMs] of renewed) {
    const leftMs = untilMs - nowMs;
    if (!(leftMs >= leastMs)) {
      slots.delete(slot);
      continue;
    }
    const { horizon = CLOSED } = slots.get(slot) ?? {};
    if (last?.untilMs !== untilMs || last.horizon !== horizon) {
      last = fits(leftMs, spans.get(horizon) ?? 0) ? { untilMs, horizon } : join(untilMs);
      touched.add(last.horizon);
    }
    slots.set(slot, last);
    kept++;
  }
  // Mostly all of them were renewed.
  const others = slots.size > kept ? slots : NO_SLOTS;
  for (const [slot, { untilMs, horizon }] of others) {
    if (renewed.has(slot) || !touched.has(horizon)) continue;
    const leftMs = untilMs - nowMs;
    if (leftMs < leastMs) slots.delete(slot);
    else if (leftMs < (spans.get(horizon) ?? 0) * LAGGARD_PART) slots.set(slot, join(untilMs));
  }
  return { ...withEnds(slots, spans), ...(expected && { expected }) };
}

/** Slots leave; ends stay as they are, but for horizons that nobody is left in. */
export function leave(former: Horizons, leaving: Iterable<string>): Horizons {
  const slots = new Map(former.slots);
  for (const slot of leaving) slots.delete(slot);
  const inUse = new Set([...slots.values()].map(({ horizon }) => horizon));
  return { ...former, slots, horizons: new Map([...former.horizons].filter(([id]) => inUse.has(id))) };
}

/** The horizon of a slot, or {@link CLOSED}. */
export function horizonOf({ slots }: Horizons, slot: string): HorizonId {
  return slots.get(slot)?.horizon ?? CLOSED;
}

function fits(leftMs: number, spanMs: number): boolean {
  return leftMs <= spanMs * SPAN_FACTOR && leftMs * SPAN_FACTOR >= spanMs;
}

function freeId(spans: ReadonlyMap<HorizonId, number>, taken: HorizonId = CLOSED): HorizonId {
  let id = CLOSED + 1;
  while (spans.has(id) || id === taken) id++;
  return id;
}

function nextShorter(spans: ReadonlyMap<HorizonId, number>, leftMs: number): HorizonId {
  const all = [...spans].sort(([, a], [, b]) => b - a);
  return (all.find(([, spanMs]) => spanMs <= leftMs) ?? all.at(-1) ?? [1])[0];
}

function withEnds(slots: ReadonlyMap<string, OpenSlot>, spans: ReadonlyMap<HorizonId, number>): Horizons {
  const ends = new Map<HorizonId, number>();
  let last: OpenSlot | undefined;
  for (const open of slots.values()) {
    if (open === last) continue;
    last = open;
    const { untilMs, horizon } = open;
    ends.set(horizon, Math.min(untilMs, ends.get(horizon) ?? Infinity));
  }
  return {
    slots,
    horizons: new Map([...ends].map(([id, endMs]) => [id, { endMs, spanMs: spans.get(id) ?? 0 }])),
  };
}

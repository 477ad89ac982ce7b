// SPDX-License-Identifier: Apache-2.0
import { readJiffyMs } from '../clocks/clocks.ts';
import type { Clocks } from '../interfaces.ts';
import type { FenceRecord } from './first-table.ts';
import type { GuardedTable } from './guarded.ts';
import {
  type HorizonElement,
  horizonElement,
  REMAINDER_JIFFIES_MIN,
  type Reading,
  readClocks,
} from './horizon-element.ts';
import {
  type HorizonId,
  type Horizons,
  horizonOf,
  horizonsOfRecord,
  NO_HORIZONS,
  renew,
} from './horizons.ts';
import type { LinkWatch } from './link-watch.ts';
import type { NftTables, TableForm } from './nft-tables.ts';
import type { FenceContents } from './ruleset.ts';

/** The kernel's tick is never late by so much. */
const SURELY_GONE_MS = 1_000;

/** What a fence holds at one moment. */
export interface FenceState {
  readonly table: GuardedTable;
  readonly horizons: Horizons;
  readonly contents: FenceContents;
  /** What the elements of the horizons are is to be looked up. */
  readonly isUnsure: boolean;
}

/** What the first rules have: they take the place of an earlier agent's at once. */
export function firstState(
  clocks: Clocks,
  table: GuardedTable,
  ends: ReadonlyMap<string, number>,
): FenceState {
  const jiffyMs = readJiffyMs();
  const reading = readClocks(clocks);
  const horizons = renew(NO_HORIZONS, ends, reading.boottimeMs, REMAINDER_JIFFIES_MIN * jiffyMs);
  const elements = new Map<HorizonId, HorizonElement>();
  for (const [id, { endMs }] of horizons.horizons) {
    const element = horizonElement(endMs, reading, jiffyMs);
    if (element !== undefined) elements.set(id, element);
  }
  const contents = { values: horizonsIn(table, horizons), elements };
  return { table, horizons, contents, isUnsure: false };
}

/** What an agent that has ended left, if it is all as it has said; else undefined, and the rules are to be written anew. */
export function adoptedState(
  record: FenceRecord,
  table: GuardedTable,
  tables: NftTables,
  form: TableForm,
  links: LinkWatch,
): FenceState | undefined {
  if (!tables.adopt(form, links.present, record.rules)) return undefined;
  const horizons = horizonsOfRecord(record.horizons);
  const values = horizonsIn(table, horizons);
  const there = tables.values();
  if (there.size !== values.size || [...values].some(([text, id]) => there.get(text) !== id))
    return undefined;
  // Where others may change the tables, what is not known to be ours is taken for theirs.
  const contents = { values, elements: form.isOwned ? new Map() : tables.elements() };
  return { table, horizons, contents, isUnsure: true };
}

/** The horizon of everything guarded. */
export function horizonsIn({ slotOf }: GuardedTable, horizons: Horizons): ReadonlyMap<string, HorizonId> {
  return new Map([...slotOf].map(([text, slot]) => [text, horizonOf(horizons, slot)]));
}

/** The elements that the kernel has not taken away for sure: these need not be looked for. */
export function withoutGone(contents: FenceContents, { boottimeMs }: Reading): FenceContents {
  const isGone = ({ runsOutAtMs }: HorizonElement): boolean =>
    runsOutAtMs !== undefined && boottimeMs >= runsOutAtMs + SURELY_GONE_MS;
  if (![...contents.elements.values()].some(isGone)) return contents;
  return { ...contents, elements: new Map([...contents.elements].filter(([, element]) => !isGone(element))) };
}

/** Whether the kernel may have taken one of the elements away `withinMs` from now. */
export function mayRunOut({ elements }: FenceContents, { boottimeMs }: Reading, withinMs: number): boolean {
  return [...elements.values()].some(
    ({ runsOutAtMs = Number.NEGATIVE_INFINITY }) => boottimeMs + withinMs >= runsOutAtMs,
  );
}

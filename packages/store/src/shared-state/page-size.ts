// SPDX-License-Identifier: Apache-2.0

/** A page is to weigh about this much. */
const PAGE_OCTETS = 1024 ** 2;
const FIRST = 16;
/** Each may be as large as a value can be: 16 MiB then. */
const ENTRIES_MAX = 256;

/** How many entries the next page has, after one of so many that weighed so much. Before the first one: values may be large. */
export function nextPageEntries(entries: number = FIRST / 2, octets: number = 0): number {
  const isSmall = octets * 2 <= PAGE_OCTETS;
  const next = isSmall ? entries * 2 : octets > PAGE_OCTETS ? Math.floor(entries / 2) : entries;
  return Math.min(ENTRIES_MAX, Math.max(1, next));
}

export function weightOf(entries: readonly (readonly [key: string, value: Uint8Array])[]): number {
  return entries.reduce((all, [key, value]) => all + key.length + value.length, 0);
}

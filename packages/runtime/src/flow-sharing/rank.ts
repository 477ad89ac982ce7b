// SPDX-License-Identifier: Apache-2.0

/**
 * What is to be told, in the order in which it is: what ended makes room, what the other side has stays up to date, and what is new to it
 * comes last, as there may be no room for it.
 */
export const RANKS = ['gone', 'changed', 'fresh'] as const;

export type Rank = (typeof RANKS)[number];

// SPDX-License-Identifier: Apache-2.0
import type { OfferedLevel } from '@vnfpool/wire/mobility';
import type { Ask } from './ask.ts';
import { refusalOf } from './rules.ts';

/** What one instance offers, what it likes best first. */
export interface InstanceOffers {
  /** Name of the instance, as `kv#2`. */
  readonly instance: string;
  readonly levels: readonly OfferedLevel[];
}

/** An instance with those of its offers that meet all that the pool asks. */
export interface Candidate extends InstanceOffers {
  readonly possible: readonly OfferedLevel[];
}

/** By the names of the instances, `kv#2` before `kv#10`. */
export function candidatesOf(ask: Ask, offers: readonly InstanceOffers[]): readonly Candidate[] {
  return offers
    .map((each) => ({ ...each, possible: each.levels.filter((level) => refusalOf(level, ask) === null) }))
    .sort((a, b) => a.instance.length - b.instance.length || (a.instance < b.instance ? -1 : 1));
}

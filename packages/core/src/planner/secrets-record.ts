// SPDX-License-Identifier: Apache-2.0
import type { SlotAssignment } from '@vnfpool/wire/mobility';
import type { DeclaredPool } from '../declared/set.ts';

/** How old a cookie may be where the pool does not say it. */
export const COOKIE_AGE_MS: number = 24 * 3_600_000;

/** What a pool's cookies are sealed with; on disk, so that a restart changes nothing. */
export interface PoolSecretsRecord {
  readonly pool: string;
  /** The first one seals; the others did before it, the newest first. */
  readonly secrets: readonly PoolSecret[];
  /** The one that is to seal once all who can be reached open cookies with it. */
  readonly next?: string;
}

export interface PoolSecret {
  /** 64 hexadecimal digits. */
  readonly secret: string;
  /** By the wall clock: what it sealed is too old from then on. Absent: it seals. */
  readonly untilMs?: number;
}

/** What instances of a pool are handed now. */
export interface ObservedSecrets {
  readonly pool: string;
  /** As in the assignment. */
  readonly secrets: readonly string[];
  /** The last of them is to be the first. */
  readonly hasNext: boolean;
}

/** What is handed out of it. */
export function observedSecrets({ pool, secrets, next }: PoolSecretsRecord): ObservedSecrets {
  const all = [...secrets.map(({ secret }) => secret), ...(next === undefined ? [] : [next])];
  return { pool, secrets: all, hasNext: next !== undefined };
}

/** What an instance is told of it; nothing: its pool has no cookies. */
export function cookiesPart(
  pool: DeclaredPool,
  { secrets = [] }: { readonly secrets?: readonly ObservedSecrets[] },
): Pick<SlotAssignment, 'cookies'> {
  const mine = secrets.find((each) => each.pool === pool.name);
  if (mine === undefined) return {};
  return { cookies: { secrets: mine.secrets, maxAgeMs: pool.sharing?.cookieAgeMs ?? COOKIE_AGE_MS } };
}

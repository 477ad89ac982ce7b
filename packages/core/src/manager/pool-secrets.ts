// SPDX-License-Identifier: Apache-2.0
import type { Random } from '../core.ts';
import { COOKIE_AGE_MS, type PoolSecretsRecord } from '../planner/secrets-record.ts';
import { hex64 } from './hex64.ts';
import type { Journal } from './journal.ts';
import type { ManagerWrite } from './records.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { ManagerState } from './state.ts';

/*
 * Secrets of pools whose sessions leave cookies with their users: drawn here, handed to instances with their assignments. Of a
 * rotation the new one is handed out first, and seals once whoever can be reached opens cookies with it.
 */

/** Secrets that sealed before, and still open: with the one that seals and one to come they are what an assignment has room for. */
const FORMER_MAX = 6;
/** Clocks of elements may be so far apart, and those that were not reached seal by the former one until they are. */
const SPARE_MS = 10 * 60_000;

export function drawSecret(state: ManagerState, pool: string, random: Random): ManagerWrite[] {
  return [putSecrets(state, pool, { pool, secrets: [{ secret: drawn(random) }] })];
}

/** The one to come seals from now on. */
export function useSecret(state: ManagerState, pool: string, wallMs: number): ManagerWrite[] {
  const record = state.secrets.get(pool);
  if (record?.next === undefined) return [];
  const { next, secrets } = record;
  const declared = state.set?.declared.pools.find(({ name }) => name === pool);
  const ageMs = declared?.sharing?.cookieAgeMs ?? COOKIE_AGE_MS;
  const former = secrets.map((each) => ({ ...each, untilMs: each.untilMs ?? wallMs + ageMs + SPARE_MS }));
  return [putSecrets(state, pool, { pool, secrets: [{ secret: next }, ...former] })];
}

export function putSecrets(
  state: ManagerState,
  pool: string,
  record: PoolSecretsRecord | null,
): ManagerWrite {
  if (record) state.secrets.set(pool, record);
  else state.secrets.delete(pool);
  return { table: 'secrets', key: pool, value: record };
}

/** What the record of a pool is to be when somebody wants another secret. */
export function chooseRotation(
  state: ManagerState,
  pool: string,
  random: Random,
): PoolSecretsRecord | Refusal {
  if (!state.set?.declared.pools.some(({ name }) => name === pool))
    return refuse('NOT_FOUND', `There is no pool ${pool}.`);
  const record = state.secrets.get(pool);
  if (record === undefined) {
    const method = state.sharing.get(pool)?.level.method ?? 'none';
    return refuse('NOT_READY', `${pool} seals no cookies: its method of state sharing is ${method}.`);
  }
  if (record.next !== undefined)
    return refuse(
      'NOT_READY',
      `${pool} has another secret already, which is still on its way to its instances.`,
    );
  const former = record.secrets.length - 1;
  if (former >= FORMER_MAX)
    return refuse(
      'NOT_READY',
      `${former} former secrets of ${pool} still open its cookies; wait until the first of them does not.`,
    );
  return { ...record, next: drawn(random) };
}

/** Former ones that sealed nothing that is still good are forgotten. */
export function expireSecrets(state: ManagerState, journal: Journal, wallMs: number): void {
  for (const [pool, record] of state.secrets) {
    const secrets = record.secrets.filter(({ untilMs = Number.POSITIVE_INFINITY }) => untilMs > wallMs);
    if (secrets.length < record.secrets.length) journal.save(putSecrets(state, pool, { ...record, secrets }));
  }
}

/** Tells when another secret of a pool seals; what was on disk at the start is not news. */
export class SecretNews {
  readonly #state: ManagerState;
  #known: ReadonlyMap<string, PoolSecretsRecord>;

  constructor(state: ManagerState) {
    this.#state = state;
    this.#known = new Map(state.secrets);
  }

  tellChanges(journal: Journal, wallMs: number): void {
    const known = this.#known;
    this.#known = new Map(this.#state.secrets);
    for (const [pool, { secrets }] of this.#known) {
      const before = known.get(pool)?.secrets[0]?.secret;
      if (before === secrets[0]?.secret) continue;
      const message =
        before === undefined
          ? `A secret was drawn for the cookies of ${pool}, and is handed to its instances.`
          : `Cookies of ${pool} are sealed with another secret from now on; the former one opens those that are not too old.`;
      journal.event(
        wallMs,
        before === undefined ? 'secret.drawn' : 'secret.rotated',
        'info',
        `pool ${pool}`,
        message,
      );
    }
  }
}

/** 32 octets. */
function drawn(random: Random): string {
  return Array.from({ length: 4 }, () => hex64(random.u64())).join('');
}

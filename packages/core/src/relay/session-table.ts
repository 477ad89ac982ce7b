// SPDX-License-Identifier: Apache-2.0
import { BackendChoice } from './backend-choice.ts';
import type { RelayPlace } from './place.ts';
import { type RelaySession, type SessionWay, sessionKey } from './session.ts';
import type { ReadSession } from './session-record.ts';

type ByWay = Map<string, Map<number, RelaySession>>;

/** Sessions by client, by number, and by the transfers that they take part in. */
export class SessionTable {
  readonly choice: BackendChoice;
  readonly #byKey = new Map<string, RelaySession>();
  readonly #byNumber = new Map<number, RelaySession>();
  readonly #byVia: ByWay = new Map();
  readonly #byAway: ByWay = new Map();
  #numbers = 0;
  #changes = 0;
  #awayCount = 0;

  constructor(backends: readonly RelayPlace[]) {
    this.choice = new BackendChoice(backends);
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Those that are served here. */
  get served(): number {
    return this.#byKey.size - this.#awayCount;
  }

  /** Number of the last change. */
  get changes(): number {
    return this.#changes;
  }

  get(key: string): RelaySession | undefined {
    return this.#byKey.get(key);
  }

  numbered(number: number): RelaySession | undefined {
    return this.#byNumber.get(number);
  }

  sessions(): IterableIterator<RelaySession> {
    return this.#byKey.values();
  }

  /** Of this transfer, with us as its holder (`via`), or as its home. */
  of(way: 'via' | 'away', transfer: string): readonly RelaySession[] {
    return [...((way === 'via' ? this.#byVia : this.#byAway).get(transfer)?.values() ?? [])];
  }

  /** Whether a session takes part in it. */
  hasTransfer(transfer: string): boolean {
    return this.#byVia.has(transfer) || this.#byAway.has(transfer);
  }

  find(way: 'via' | 'away', transfer: string, session: number): RelaySession | undefined {
    return (way === 'via' ? this.#byVia : this.#byAway).get(transfer)?.get(session);
  }

  /** Transfers that sessions take part in. */
  *transfers(): IterableIterator<string> {
    yield* this.#byVia.keys();
    yield* this.#byAway.keys();
  }

  /** Puts it in the place of one with the same key. */
  add(read: ReadSession, nowMs: number): RelaySession {
    const { idleMs, ...fields } = read;
    const key = sessionKey(read.service, read.client);
    const before = this.#byKey.get(key);
    if (before) this.remove(before);
    this.#numbers = (this.#numbers + 1) >>> 0;
    const session: RelaySession = {
      ...fields,
      number: this.#numbers,
      key,
      usedAt: nowMs - idleMs,
      changedAt: 0,
      via: null,
      path: [],
      away: null,
      alias: null,
      held: null,
      isEnding: false,
    };
    this.#byKey.set(key, session);
    this.#byNumber.set(session.number, session);
    this.choice.began(session.backend);
    this.setPath(session, read.path);
    this.setAway(session, read.away);
    this.setAlias(session, read.alias);
    this.touch(session);
    return session;
  }

  remove(session: RelaySession): void {
    this.setPath(session, []);
    this.setAway(session, null);
    this.setAlias(session, null);
    this.#byKey.delete(session.key);
    this.#byNumber.delete(session.number);
    this.choice.ended(session.backend);
    this.#changes += 1;
  }

  touch(session: RelaySession): void {
    this.#changes += 1;
    session.changedAt = this.#changes;
  }

  setPath(session: RelaySession, path: readonly SessionWay[]): void {
    unlink(this.#byVia, session, session.via);
    session.path = path;
    session.via = path.at(-1) ?? null;
    link(this.#byVia, session, session.via);
    this.touch(session);
  }

  setAlias(session: RelaySession, way: SessionWay | null): void {
    unlink(this.#byVia, session, session.alias);
    session.alias = way;
    link(this.#byVia, session, way);
  }

  setAway(session: RelaySession, way: SessionWay | null): void {
    if (session.away !== null) this.#awayCount -= 1;
    if (way !== null) this.#awayCount += 1;
    unlink(this.#byAway, session, session.away);
    session.away = way;
    link(this.#byAway, session, way);
    this.touch(session);
  }

  clear(): void {
    for (const session of this.#byKey.values()) this.remove(session);
  }
}

function link(table: ByWay, session: RelaySession, way: SessionWay | null): void {
  if (way === null) return;
  const sessions = table.get(way.transfer) ?? new Map<number, RelaySession>();
  sessions.set(way.session, session);
  table.set(way.transfer, sessions);
}

function unlink(table: ByWay, session: RelaySession, way: SessionWay | null): void {
  const sessions = way === null ? undefined : table.get(way.transfer);
  if (way === null || sessions?.get(way.session) !== session) return;
  sessions.delete(way.session);
  if (sessions.size === 0) table.delete(way.transfer);
}

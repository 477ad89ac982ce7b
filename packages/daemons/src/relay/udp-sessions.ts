// SPDX-License-Identifier: Apache-2.0

import { type ForwardGrant, readForwardGrant } from '@vnfpool/client/forwarding';
import {
  type MovableSessions,
  type SessionForward,
  type SessionSelector,
  type StateKind,
  selectSessions,
  TrackedMap,
} from '@vnfpool/client/stateful';
import {
  PATH_MAX,
  type ReadSession,
  type RelaySession,
  readSessionRecord,
  writeSessionRecord,
} from '@vnfpool/core/relay';
import { WireError } from '@vnfpool/wire/bytes';
import { RecordExport, type VersionedRecord } from './record-export.ts';
import { RelayError } from './relay-error.ts';
import type { UdpService } from './udp-service.ts';

const GRANT = 'grant';

interface Selection {
  readonly sessions: readonly RelaySession[];
  readonly grant: ForwardGrant;
  readonly out: RecordExport;
}

interface Coming {
  readonly grant: ForwardGrant | null;
  readonly sessions: readonly (readonly [number: number, session: ReadSession])[];
}

/**
 * Sessions that go to another relay while clients go on talking to this one. With their records goes what the other one
 * needs to have their packets: where we are, and the secret of this transfer.
 */
export class UdpSessions implements MovableSessions {
  readonly #service: UdpService;
  #selection: Selection | null = null;
  #came: TrackedMap | null = null;
  #accepted = 0;

  constructor(service: UdpService) {
    this.#service = service;
  }

  get count(): number {
    return this.#service.relay.table.served;
  }

  // ------------------------------------------------------------ source

  select(selection: readonly SessionSelector[]): number {
    this.resume();
    const served = [...this.#service.relay.table.sessions()].filter(({ away }) => away === null);
    const chosen = selectSessions(
      served.map((session) => [session, session] as const),
      served.length,
      selection,
      { hasContact: ({ client }, contact) => client.address === contact },
    );
    const sessions = [...chosen];
    if (sessions.some(({ path }) => path.length >= PATH_MAX))
      throw new RelayError('refused', `a session has come by ${PATH_MAX} relays already`);
    const grant = this.#service.port.offer();
    if (grant === null) throw new RelayError('overloaded', 'sessions of too many transfers are under way');
    this.#selection = { sessions, grant, out: new RecordExport() };
    return sessions.length;
  }

  get selectedCount(): number {
    return this.#alive().length;
  }

  export(kind: StateKind): Iterable<Uint8Array> {
    return this.#selected().out.export(kind, this.#records());
  }

  quiesce(): void {
    this.#selected();
    this.#service.relay.hold(this.#alive());
  }

  resume(): void {
    const { grant } = this.#selection ?? {};
    if (!grant) return;
    this.#release(null);
    this.#service.port.drop(grant.transfer);
  }

  moved(forward: SessionForward | null): void {
    const { grant } = this.#selection ?? {};
    // Asked again.
    if (!grant) return;
    const { port } = this.#service;
    port.commit(grant.transfer, forward);
    if (this.#release(grant.transfer) === 0) port.drop(grant.transfer);
  }

  // ------------------------------------------------------------ destination

  expect(): SessionForward {
    this.discard();
    return this.#service.port.place;
  }

  async import(kind: StateKind, chunks: AsyncIterable<Uint8Array>): Promise<number> {
    const { relay, sessionsMax } = this.#service;
    const entriesMax = sessionsMax + 1;
    const came = kind === 'snapshot' || this.#came === null ? new TrackedMap({ entriesMax }) : this.#came;
    await came.import(kind, chunks);
    this.#came = came;
    const { grant, sessions } = read(came);
    if (sessions.length > 0 && grant === null)
      throw new WireError('missing', 0, 'sessions without what says how to have their packets');
    if (relay.table.size + sessions.length > sessionsMax)
      throw new RelayError('overloaded', `this relay takes ${sessionsMax} sessions`);
    return sessions.length;
  }

  accept(): number {
    // Asked again.
    if (this.#came === null) return this.#accepted;
    const { grant, sessions } = read(this.#came);
    this.#came = null;
    this.#accepted = sessions.length;
    if (grant === null || sessions.length === 0) return 0;
    this.#service.run((now) => {
      for (const [session, record] of sessions)
        this.#service.relay.accept(record, { transfer: grant.transfer, session }, now);
    });
    this.#service.port.claim(grant);
    return sessions.length;
  }

  discard(): void {
    this.#came = null;
    this.#accepted = 0;
  }

  #selected(): Selection {
    if (this.#selection === null) throw new RelayError('refused', 'no sessions are selected');
    return this.#selection;
  }

  /** Selected, and not over. */
  #alive(): RelaySession[] {
    const { table } = this.#service.relay;
    return (this.#selection?.sessions ?? []).filter(
      (session) => table.numbered(session.number) === session && !session.isEnding,
    );
  }

  /** @returns How many there were. */
  #release(transfer: string | null): number {
    const alive = this.#alive();
    const ending = (this.#selection?.sessions ?? []).filter(({ isEnding }) => isEnding);
    this.#selection = null;
    this.#service.run((now) => {
      this.#service.relay.release(ending, null, now);
      this.#service.relay.release(alive, transfer, now);
    });
    return alive.length;
  }

  *#records(): Generator<VersionedRecord> {
    const { grant } = this.#selected();
    yield [GRANT, 0, () => grant];
    for (const session of this.#alive())
      yield [
        `s:${session.key}`,
        session.changedAt,
        () => ({ number: session.number, session: writeSessionRecord(session, performance.now()) }),
      ];
  }
}

function read(came: TrackedMap): Coming {
  let grant: ForwardGrant | null = null;
  const sessions: (readonly [number, ReadSession])[] = [];
  for (const [key, value] of came.entries()) {
    if (key === GRANT) grant = readForwardGrant(value);
    else sessions.push(readNumbered(key, value));
  }
  return { grant, sessions };
}

function readNumbered(key: string, value: unknown): readonly [number, ReadSession] {
  if (value !== null && typeof value === 'object' && 'number' in value && 'session' in value) {
    const session = readSessionRecord(value.session);
    const { number } = value;
    if (session && typeof number === 'number' && number >>> 0 === number) return [number, session];
  }
  throw new WireError('value', 0, `${key.slice(0, 64)} is no session of a relay`);
}

// SPDX-License-Identifier: Apache-2.0
import type { ForwardedPacket, ForwardSide } from '@vnfpool/wire/session-forward';
import type { RelayPlace } from './place.ts';
import { type RelaySession, type SessionWay, sessionKey } from './session.ts';
import type { ReadSession } from './session-record.ts';
import { SessionTable } from './session-table.ts';

export interface UdpRelayOptions {
  /** What clients talk to; sessions of other services keep theirs. */
  readonly service: RelayPlace;
  readonly backends: readonly RelayPlace[];
  /** Sessions at once, also those that are elsewhere; a client beyond is not served, and counted. */
  readonly sessionsMax: number;
  /** A session of which nothing was heard for so long is over. */
  readonly idleMs: number;
  /** Packets that wait during a move; what comes beyond is dropped, and counted. */
  readonly heldMax: number;
  /** The wall clock, less the clock that `nowMs` is of. */
  readonly wallOffsetMs: number;
}

export type RelayOutput =
  | { readonly type: 'to-client'; readonly client: RelayPlace; readonly payload: Uint8Array }
  /** By the socket of the session, which is opened for the first packet. */
  | { readonly type: 'to-backend'; readonly session: RelaySession; readonly payload: Uint8Array }
  /** The session does not need its socket any more. */
  | { readonly type: 'close'; readonly session: number }
  /** For `ForwardLinks`: to the holder, or out at the home. */
  | { readonly type: 'arrived' | 'send'; readonly transfer: string; readonly packet: ForwardedPacket }
  | { readonly type: 'ended'; readonly transfer: string; readonly session: number }
  /** No session takes part in this transfer any more. */
  | { readonly type: 'drop'; readonly transfer: string };

export interface RelayCounters {
  /** Sessions. */
  began: number;
  expired: number;
  /** Given to another instance, got from one, and got back because that one was not heard. */
  movedOut: number;
  movedIn: number;
  takenBack: number;
  /** Came by another instance, and now come directly. */
  direct: number;
  /** Packets. */
  fromClients: number;
  toClients: number;
  forwarded: number;
  /** Not served: no room for a session; no room while it is moved; nobody's. */
  refused: number;
  heldDropped: number;
  stray: number;
}

/** A relay for datagrams without its sockets: sessions, and where their packets go. */
export class UdpRelay {
  readonly table: SessionTable;
  readonly counters: RelayCounters = {
    began: 0,
    expired: 0,
    movedOut: 0,
    movedIn: 0,
    takenBack: 0,
    direct: 0,
    fromClients: 0,
    toClients: 0,
    forwarded: 0,
    refused: 0,
    heldDropped: 0,
    stray: 0,
  };
  readonly #options: UdpRelayOptions;
  #out: RelayOutput[] = [];
  /** What is to be done when the whole relay goes on; null: it does. */
  #waiting: ((nowMs: number) => void)[] | null = null;
  #held = 0;
  #sweepAt: number | undefined;

  constructor(options: UdpRelayOptions) {
    this.#options = options;
    this.table = new SessionTable(options.backends);
  }

  take(): RelayOutput[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  fromClient(client: RelayPlace, payload: Uint8Array, nowMs: number): void {
    if (this.#waits((later) => this.fromClient(client, payload, later))) return;
    this.counters.fromClients += 1;
    const session = this.table.get(sessionKey(this.#options.service, client)) ?? this.#begin(client, nowMs);
    if (!session) return;
    if (session.via !== null) this.#goDirect(session);
    this.#arrived(session, 'client', payload, nowMs);
  }

  /** @param number Of the session whose socket it came by. */
  fromBackend(number: number, payload: Uint8Array, nowMs: number): void {
    if (this.#waits((later) => this.fromBackend(number, payload, later))) return;
    const session = this.table.numbered(number);
    if (session) this.#arrived(session, 'backend', payload, nowMs);
    else this.counters.stray += 1;
  }

  /** By the home of a session that is served here. */
  fromHome(transfer: string, { session: number, side, payload }: ForwardedPacket, nowMs: number): void {
    const copy = (later: number): void =>
      this.fromHome(transfer, { session: number, side, payload, address: '', port: 0 }, later);
    if (this.#waits(copy)) return;
    const session = this.table.find('via', transfer, number);
    if (session) this.#arrived(session, side, payload, nowMs);
    else this.#out.push({ type: 'ended', transfer, session: number });
  }

  /** By the holder of a session whose packets we get. Where it goes says the session, not the holder. */
  fromHolder(transfer: string, packet: ForwardedPacket, nowMs: number): void {
    if (this.#waits((later) => this.fromHolder(transfer, packet, later))) return;
    const { session: number, side, payload } = packet;
    const session = this.#away(transfer, packet);
    if (!session) {
      this.#out.push({ type: 'ended', transfer, session: number });
      return;
    }
    session.usedAt = nowMs;
    this.#emit(session, side, payload);
  }

  /** The other end of a transfer does not have this session any more. */
  elsewhereEnded(transfer: string, number: number): void {
    if (this.#waits(() => this.elsewhereEnded(transfer, number), true)) return;
    const home = this.table.find('away', transfer, number);
    if (home) this.#remove(home, 'away');
    const holder = this.table.find('via', transfer, number);
    if (holder?.alias?.transfer === transfer) this.#setAlias(holder, null);
    if (holder?.via?.transfer === transfer) this.#remove(holder, 'via');
  }

  /**
   * A transfer is over. As its home we have its sessions again, in the state in which they left, and what waited for the
   * holder; as its holder we have them no more.
   */
  transferOver(transfer: string, waited: readonly ForwardedPacket[], nowMs: number): void {
    if (this.#waits((later) => this.transferOver(transfer, waited, later), true)) return;
    const served = waited.flatMap((packet) => {
      const session = this.#away(transfer, packet);
      return session ? [{ session, side: packet.side, payload: packet.payload }] : [];
    });
    for (const session of this.table.of('away', transfer)) {
      this.counters.takenBack += 1;
      this.table.setAway(session, null);
      session.usedAt = nowMs;
    }
    for (const { session, side, payload } of served) this.#arrived(session, side, payload, nowMs);
    for (const session of this.table.of('via', transfer)) {
      if (session.alias?.transfer === transfer) this.table.setAlias(session, null);
      if (session.via?.transfer === transfer) this.#remove(session, 'via');
    }
  }

  /** Nothing is served until `resume`: what comes waits. */
  quiesce(): void {
    this.#waiting ??= [];
  }

  resume(nowMs: number): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    this.#held -= waiting.length;
    for (const run of waiting) run(nowMs);
  }

  /** These sessions are not served until they are released: what comes for them waits. */
  hold(sessions: Iterable<RelaySession>): void {
    for (const session of sessions) session.held ??= [];
  }

  /** They are served here, or by the holder of `transfer`, who knows them by their numbers. */
  release(sessions: Iterable<RelaySession>, transfer: string | null, nowMs: number): void {
    for (const session of sessions) {
      if (transfer !== null && this.table.numbered(session.number) === session) {
        this.table.setAway(session, { transfer, session: session.number });
        this.counters.movedOut += 1;
      }
      const held = session.held ?? [];
      session.held = null;
      this.#held -= held.length;
      for (const { side, payload } of held) this.#arrived(session, side, payload, nowMs);
      if (session.isEnding) this.#remove(session, 'via');
    }
  }

  /** A session of another instance is served here; `way` is how its packets come. */
  accept(
    read: ReadSession,
    way: { readonly transfer: string; readonly session: number },
    nowMs: number,
  ): void {
    this.counters.movedIn += 1;
    this.#armSweep(nowMs);
    const before = this.table.get(sessionKey(read.service, read.client));
    const cameBack = before?.away && read.path.some((each) => sameWay(each, before.away));
    // Two instances had the address, one after the other: where the client talks to now is where it was heard last.
    const isOurs = before?.via === null && nowMs - before.usedAt <= read.idleMs;
    if (!before || !(cameBack || isOurs)) {
      if (before) this.#remove(before, null);
      this.table.add({ ...read, path: [...read.path, way], away: null, alias: null }, nowMs);
      return;
    }
    // We are its home, or on the way from there: its packets need not go there and back. What still comes by the new way
    // is served.
    const { away } = before;
    this.#setAlias(before, way);
    before.usedAt = nowMs;
    if (away === null) return;
    this.table.setAway(before, null);
    Object.assign(before.up, read.up);
    Object.assign(before.down, read.down);
    this.#dropIfEmpty(away.transfer);
  }

  /** All that another instance had. */
  replace(read: readonly ReadSession[], nowMs: number): void {
    for (const { number } of this.table.sessions()) this.#out.push({ type: 'close', session: number });
    this.table.clear();
    this.#armSweep(nowMs);
    for (const each of read) this.table.add(each, nowMs);
  }

  nextDeadline(): number | undefined {
    return this.table.size === 0 ? undefined : this.#sweepAt;
  }

  expire(nowMs: number): void {
    this.#sweepAt = nowMs + this.#options.idleMs / 4;
    if (this.#waiting !== null) return;
    for (const session of this.table.sessions()) {
      // The home sees all packets and ends a session first; the holder only if it never hears of it.
      const idleMs = this.#options.idleMs * (session.via === null ? 1 : 2);
      if (nowMs - session.usedAt < idleMs || session.held !== null) continue;
      this.counters.expired += 1;
      this.#remove(session, null);
    }
  }

  /** The session that a packet of this transfer is of; also one that has come back by another way, and is known here as before. */
  #away(
    transfer: string,
    { session: number, side, address, port }: ForwardedPacket,
  ): RelaySession | undefined {
    const session = this.table.find('away', transfer, number);
    if (session) return session;
    const before = this.table.numbered(number);
    return before?.[side].address === address && before[side].port === port ? before : undefined;
  }

  #armSweep(nowMs: number): void {
    this.#sweepAt ??= nowMs + this.#options.idleMs / 4;
  }

  #begin(client: RelayPlace, nowMs: number): RelaySession | null {
    const { service, sessionsMax, wallOffsetMs } = this.#options;
    if (this.table.size >= sessionsMax) {
      this.counters.refused += 1;
      return null;
    }
    this.counters.began += 1;
    this.#armSweep(nowMs);
    return this.table.add(
      {
        service,
        client,
        backend: this.table.choice.choose(),
        upstreamPort: null,
        sinceMs: Math.max(0, Math.round(nowMs + wallOffsetMs)),
        idleMs: 0,
        up: { packets: 0, bytes: 0 },
        down: { packets: 0, bytes: 0 },
        path: [],
        away: null,
        alias: null,
      },
      nowMs,
    );
  }

  /** The address that its client talks to is ours now: the way by another instance is not needed any more. */
  #goDirect(session: RelaySession): void {
    const { via } = session;
    if (via === null) return;
    this.counters.direct += 1;
    this.table.setPath(session, []);
    this.#out.push({ type: 'ended', ...via });
    this.#dropIfEmpty(via.transfer);
  }

  #arrived(session: RelaySession, side: ForwardSide, payload: Uint8Array, nowMs: number): void {
    session.usedAt = nowMs;
    if (session.held !== null) {
      if (this.#held >= this.#options.heldMax) this.counters.heldDropped += 1;
      else {
        this.#held += 1;
        session.held.push({ side, payload });
      }
      return;
    }
    if (session.away !== null) {
      const { transfer, session: number } = session.away;
      this.counters.forwarded += 1;
      const { address, port } = side === 'client' ? session.client : session.backend;
      this.#out.push({
        type: 'arrived',
        transfer,
        packet: { session: number, side, address, port, payload },
      });
      return;
    }
    const count = side === 'client' ? session.up : session.down;
    count.packets += 1;
    count.bytes += payload.length;
    this.table.touch(session);
    this.#emit(session, side === 'client' ? 'backend' : 'client', payload);
  }

  #emit(session: RelaySession, side: ForwardSide, payload: Uint8Array): void {
    const { via, client, backend } = session;
    if (via !== null) {
      const { address, port } = side === 'client' ? client : backend;
      const packet = { session: via.session, side, address, port, payload };
      this.#out.push({ type: 'send', transfer: via.transfer, packet });
    } else if (side === 'client') {
      this.counters.toClients += 1;
      this.#out.push({ type: 'to-client', client, payload });
    } else this.#out.push({ type: 'to-backend', session, payload });
  }

  /** @param told Which end knows already. */
  #remove(session: RelaySession, told: 'via' | 'away' | null): void {
    if (session.held !== null) {
      session.isEnding = true;
      return;
    }
    const { via, away, alias, number } = session;
    if (away !== null && told !== 'away') this.#out.push({ type: 'ended', ...away });
    if (via !== null && told !== 'via') this.#out.push({ type: 'ended', ...via });
    this.table.remove(session);
    this.#out.push({ type: 'close', session: number });
    for (const way of [via, away, alias]) if (way !== null) this.#dropIfEmpty(way.transfer);
  }

  #setAlias(session: RelaySession, way: SessionWay | null): void {
    const former = session.alias;
    this.table.setAlias(session, way);
    if (former !== null) this.#dropIfEmpty(former.transfer);
  }

  #dropIfEmpty(transfer: string): void {
    if (!this.table.hasTransfer(transfer)) this.#out.push({ type: 'drop', transfer });
  }

  /** @param isNews Not a packet, and never dropped: it is bounded by the sessions that it is about. */
  #waits(run: (nowMs: number) => void, isNews = false): boolean {
    if (this.#waiting === null) return false;
    if (!isNews && this.#held >= this.#options.heldMax) this.counters.heldDropped += 1;
    else {
      this.#held += 1;
      this.#waiting.push(run);
    }
    return true;
  }
}

const sameWay = (one: SessionWay, other: SessionWay | null): boolean =>
  one.transfer === other?.transfer && one.session === other.session;

// SPDX-License-Identifier: Apache-2.0
import { type ForwardingState, readForwardingState } from '@vnfpool/client/forwarding';
import { type MovableState, type StateKind, TrackedMap } from '@vnfpool/client/stateful';
import { type ReadSession, readSessionRecord, writeSessionRecord } from '@vnfpool/core/relay';
import { WireError } from '@vnfpool/wire/bytes';
import { RecordExport, type VersionedRecord } from './record-export.ts';
import type { UdpService } from './udp-service.ts';

export const UDP_RELAY_FORMAT = 'relay-udp/1';
/** Octets of a record, about. */
const RECORD_BYTES = 220;
const LINKS_MAX = 512;

/** All sessions of a relay, and the transfers that they take part in, on their way to another relay. */
export class UdpState implements MovableState {
  readonly format: string = UDP_RELAY_FORMAT;
  readonly #service: UdpService;
  readonly #out = new RecordExport();
  #came: TrackedMap | null = null;
  /** All was given, and the other relay may act on it. */
  #given = false;
  #toldChanges = 0;

  constructor(service: UdpService) {
    this.#service = service;
  }

  export(kind: StateKind): Iterable<Uint8Array> {
    this.#given ||= kind === 'last';
    return this.#out.export(kind, this.#records());
  }

  async import(kind: StateKind, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const entriesMax = this.#service.sessionsMax + LINKS_MAX;
    const came = kind === 'snapshot' || this.#came === null ? new TrackedMap({ entriesMax }) : this.#came;
    await came.import(kind, chunks);
    this.#came = came;
    // Refused now, and not when it is needed.
    this.#read(came);
  }

  discard(): void {
    this.#came = null;
  }

  release(): void {
    // It may have been a copy: then both of us know the same secrets, and it is us who are to be heard.
    if (this.#given) this.#service.port.renew();
    this.#given = false;
  }

  changedBytes(): number {
    const { table } = this.#service.relay;
    let changed = 0;
    for (const { changedAt } of table.sessions()) if (changedAt > this.#toldChanges) changed += 1;
    this.#toldChanges = table.changes;
    return changed * RECORD_BYTES;
  }

  /** Goes on with what came, if something did. */
  takeOver(): void {
    if (this.#came === null) return;
    const { sessions, links } = this.#read(this.#came);
    this.#came = null;
    const { port, relay } = this.#service;
    this.#service.run((now) => relay.replace(sessions, now));
    for (const link of links) port.restore(link);
  }

  *#records(): Generator<VersionedRecord> {
    const { port, relay } = this.#service;
    for (const session of relay.table.sessions())
      yield [`s:${session.key}`, session.changedAt, () => writeSessionRecord(session, performance.now())];
    for (const transfer of new Set(relay.table.transfers())) {
      const state = port.state(transfer);
      if (state !== null) yield [`l:${transfer}`, JSON.stringify(state), () => state];
    }
  }

  #read(came: TrackedMap): { readonly sessions: ReadSession[]; readonly links: ForwardingState[] } {
    const sessions: ReadSession[] = [];
    const links: ForwardingState[] = [];
    for (const [key, value] of came.entries()) {
      const session = key.startsWith('s:') ? readSessionRecord(value) : null;
      const link = key.startsWith('l:') ? readForwardingState(value) : null;
      if (session) sessions.push(session);
      else if (link) links.push(link);
      else throw new WireError('value', 0, `${key.slice(0, 64)} is no record of a relay`);
    }
    return { sessions, links };
  }
}

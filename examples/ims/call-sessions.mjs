// SPDX-License-Identifier: Apache-2.0
// Single calls on their way to another proxy, and from one: `MovableSessions` of @vnfpool/client/stateful. With them goes what the
// other one needs to have their messages: where we are, and the secret of this transfer.
import { readForwardGrant } from '@vnfpool/client/forwarding';
import { selectSessions, TrackedMap } from '@vnfpool/client/stateful';
import { aorOf } from './calls.mjs';

const GRANT = 'grant';
const CALLS_MAX = 20_000;

export class CallSessions {
  #proxy;
  #port;
  #flush;
  /** `{ numbers: call → number, grant, out, texts }`; null: nothing is selected. */
  #selection = null;
  #came = null;
  #accepted = 0;

  /** @param flush Does what the proxy wants done. */
  constructor({ proxy, port, flush }) {
    this.#proxy = proxy;
    this.#port = port;
    this.#flush = flush;
  }

  get count() {
    return this.#proxy.calls.open().size;
  }

  // ------------------------------------------------------------ source

  select(selection) {
    this.resume();
    const open = this.#proxy.calls.open();
    const calls = selectSessions(open, open.size, selection, {
      hasUri: ({ uris }, uri) => uris.has(aorOf(uri) ?? ''),
      hasContact: ({ contacts }, contact) => contacts.has(contact),
    });
    if (this.#proxy.tables.away.full) throw new Error('too many calls are elsewhere already');
    const grant = this.#port.offer();
    if (grant === null) throw new Error('calls of too many transfers are under way');
    const numbers = new Map([...calls].map((call, at) => [call, at + 1]));
    this.#selection = { numbers, grant, out: new TrackedMap(), texts: new Map() };
    return numbers.size;
  }

  get selectedCount() {
    return this.#selection === null ? 0 : this.#records(this.#selection).size;
  }

  export(kind) {
    const selection = this.#selected();
    if (kind === 'snapshot') {
      selection.out = new TrackedMap();
      selection.texts = new Map();
    }
    const { out, texts, numbers, grant } = selection;
    if (!out.has(GRANT)) out.set(GRANT, grant);
    const records = this.#records(selection);
    for (const [call, record] of records) {
      const entry = { session: numbers.get(call), record, own: this.#proxy.forwarding.ownIn(call) };
      const text = JSON.stringify(entry);
      if (texts.get(call) === text) continue;
      texts.set(call, text);
      out.set(call, entry);
    }
    for (const call of texts.keys())
      if (!records.has(call)) {
        texts.delete(call);
        out.delete(call);
      }
    return out.export(kind);
  }

  quiesce() {
    this.#proxy.forwarding.hold(this.#selected().numbers.keys());
  }

  resume() {
    if (this.#selection === null) return;
    const { grant } = this.#selection;
    this.#selection = null;
    this.#proxy.forwarding.release(new Map(), null, Date.now());
    this.#flush();
    this.#port.drop(grant.transfer);
  }

  moved(forward) {
    // Asked again.
    if (this.#selection === null) return;
    const { numbers, grant } = this.#selection;
    this.#selection = null;
    this.#port.commit(grant.transfer, forward);
    const given = this.#proxy.forwarding.release(numbers, grant.transfer, Date.now());
    this.#flush();
    if (given === 0) this.#port.drop(grant.transfer);
  }

  // ------------------------------------------------------------ destination

  expect() {
    this.discard();
    return this.#port.place;
  }

  async import(kind, chunks) {
    const came =
      kind === 'snapshot' || this.#came === null ? new TrackedMap({ entriesMax: CALLS_MAX + 1 }) : this.#came;
    await came.import(kind, chunks);
    this.#came = came;
    const { grant, calls } = read(came);
    if (calls.size > 0 && grant === null)
      throw new Error('calls without what says how to have their messages');
    const { dialogs, transactions, via } = this.#proxy.tables;
    if (dialogs.full || transactions.full || via.full) throw new Error('there is no room for more calls');
    const known = this.#proxy.calls.known();
    for (const call of calls.keys()) if (known.has(call)) throw new Error(`the call ${call} is here already`);
    return calls.size;
  }

  accept() {
    // Asked again.
    if (this.#came === null) return this.#accepted;
    const { grant, calls } = read(this.#came);
    this.#came = null;
    this.#accepted = calls.size;
    if (calls.size === 0) return 0;
    this.#proxy.forwarding.accept(calls, grant.transfer, Date.now());
    this.#port.claim(grant);
    this.#flush();
    return calls.size;
  }

  discard() {
    this.#came = null;
    this.#accepted = 0;
  }

  #selected() {
    if (this.#selection === null) throw new Error('no calls are selected');
    return this.#selection;
  }

  #records({ numbers }) {
    return this.#proxy.calls.recordsOf(new Set(numbers.keys()));
  }
}

function read(came) {
  const calls = new Map(came.entries());
  const grant = readForwardGrant(calls.get(GRANT));
  calls.delete(GRANT);
  for (const [call, entry] of calls)
    if (!isMovedCall(entry)) throw new Error(`${call.slice(0, 64)} is no call`);
  return { grant, calls };
}

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

function isMovedCall(entry) {
  if (!isObject(entry) || !Number.isSafeInteger(entry.session) || entry.session < 1) return false;
  const { own, record } = entry;
  if (!isObject(own) || typeof own.host !== 'string' || !Number.isSafeInteger(own.port)) return false;
  if (!isObject(record) || !isObject(record.dialogs) || !isObject(record.transactions)) return false;
  return [...Object.values(record.dialogs), ...Object.values(record.transactions)].every(
    (each) => isObject(each) && Array.isArray(each.uris) && Array.isArray(each.contacts),
  );
}

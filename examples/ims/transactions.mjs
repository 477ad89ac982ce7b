// SPDX-License-Identifier: Apache-2.0
// A request that came in and was sent on is one record: the server and the client transaction of RFC 3261 §17 and RFC 6026.
import { decodeSipMessage, encodeSipMessage, headerValue, readSipEssentials } from '@vnfpool/wire/sip';
import { companionOf, responseTo, withoutTopVia } from './messages.mjs';

const read = (text) => decodeSipMessage(Buffer.from(text, 'base64'));
const write = (message) => Buffer.from(encodeSipMessage(message)).toString('base64');

/**
 * Records: `{ call, uris, contacts, method, state, out, to, reply, path, cancel, early }`; `out` is what was sent on, to `to`; `reply` what was
 * answered, to `path`. States: `trying`, `proceeding`; of INVITE `accepted` (2xx), `completed` (other), `confirmed` (ACK); else
 * `completed`. A CANCEL of ours is a record of its own, its key that of the INVITE and a `c`.
 *
 * Deadlines are of this process: whoever takes the records over begins them anew, so clocks need not agree.
 */
export class Transactions {
  #table;
  #dialogs;
  #count;
  #send;
  #t1Ms;
  #t2Ms;
  #lifeMs;
  #timerCMs;
  /** key → { again, intervalMs, end }; `again` null: nothing to repeat. */
  #deadlines = new Map();

  constructor({
    table,
    dialogs,
    count,
    send,
    timers: { t1Ms = 500, t2Ms = 4_000, timerCMs = 180_000 } = {},
  }) {
    this.#table = table;
    this.#dialogs = dialogs;
    this.#count = count;
    this.#send = send;
    this.#t1Ms = t1Ms;
    this.#t2Ms = t2Ms;
    this.#lifeMs = 64 * t1Ms;
    this.#timerCMs = timerCMs;
  }

  /** `names`: the call, and what its ends are known by. */
  start(id, method, forwarded, to, names, now) {
    const record = {
      ...names,
      method,
      state: 'trying',
      out: write(forwarded),
      to,
      reply: null,
      path: null,
      cancel: null,
      early: [],
    };
    this.#put(id, record, now);
    this.#send(forwarded, to);
  }

  /** Answered by ourselves; kept for repetitions. */
  complete(id, method, response, path, now) {
    const record = {
      call: null,
      uris: [],
      contacts: [],
      method,
      state: 'completed',
      out: null,
      to: null,
      reply: write(response),
      path,
      cancel: null,
      early: [],
    };
    this.#put(id, record, now);
  }

  /** True: it was a repetition, or the ACK of what was refused, and is dealt with. */
  absorb(id, method, now) {
    const record = this.#table.get(id);
    if (record === undefined) return false;
    if (method === 'ACK') {
      // Of a success it goes on to the callee.
      if (record.state === 'accepted') return false;
      if (record.state === 'completed') {
        this.#table.set(id, { ...record, state: 'confirmed' });
        this.#arm(id, { ...record, state: 'confirmed' }, now);
      }
      return true;
    }
    this.#count('repeated');
    if (record.state === 'accepted' || record.state === 'confirmed') return true;
    if (record.reply !== null) this.#send(read(record.reply), record.path);
    else if (method === 'INVITE') this.#trying(record);
    return true;
  }

  /** True: there is such an INVITE. */
  cancel(id, now) {
    const record = this.#table.get(id);
    if (record === undefined || record.method !== 'INVITE') return false;
    if (record.cancel !== null || !isOpen(record)) return true;
    if (record.state === 'trying') this.#table.set(id, { ...record, cancel: 'wanted' });
    else this.#sendCancel(id, record, now);
    return true;
  }

  /** `up`: the response for whoever is before us; `contacts`: what it says of its sender. True: it was dealt with. */
  response(id, response, essentials, up, contacts, now) {
    const { method } = essentials.cseq;
    const key = method === 'CANCEL' ? `${id}c` : id;
    const record = this.#table.get(key);
    if (record === undefined || record.out === null || record.method !== method) return false;
    if (method === 'CANCEL') {
      if (response.status >= 200) this.#remove(key);
    } else if (up !== null) this.#fromBehind(id, record, response, essentials, up, contacts, now);
    return true;
  }

  /** Of another proxy: here from now on. */
  adopt(key, record, now) {
    this.#put(key, record, now);
  }

  /** With another proxy from now on. */
  forget(key) {
    this.#table.delete(key);
    this.#deadlines.delete(key);
  }

  tick(now, isHeld) {
    for (const [key, deadline] of this.#deadlines) {
      const record = this.#table.get(key);
      if (record === undefined) this.#deadlines.delete(key);
      else if (isHeld(record.call)) continue;
      else if (now >= deadline.end) this.#end(key, record, now);
      else if (deadline.again !== null && now >= deadline.again) {
        this.#count('retransmitted');
        if (isOpen(record)) this.#send(read(record.out), record.to);
        else this.#send(read(record.reply), record.path);
        const doubled = deadline.intervalMs * 2;
        deadline.intervalMs =
          record.state === 'trying' && record.method === 'INVITE' ? doubled : Math.min(doubled, this.#t2Ms);
        deadline.again = now + deadline.intervalMs;
      }
    }
  }

  restart(now) {
    this.#deadlines.clear();
    for (const [key, record] of this.#table.entries()) this.#arm(key, record, now);
  }

  #fromBehind(id, record, response, essentials, up, contacts, now) {
    const { status } = response;
    const isInvite = record.method === 'INVITE';
    if (isInvite && status >= 300) this.#acknowledge(record, response);
    if (!isOpen(record)) {
      // Every success of an INVITE goes to the caller, also a repeated one.
      if (!isInvite || status < 200 || status >= 300) return;
      this.#noteDialog(id, record, 'confirmed', essentials, contacts, now);
      this.#send(up.message, up.path);
      return;
    }
    let next = record;
    if (isInvite && status > 100 && status < 300)
      next = this.#noteDialog(id, record, status < 200 ? 'early' : 'confirmed', essentials, contacts, now);
    if (status < 200) next = { ...next, state: 'proceeding' };
    else if (isInvite && status < 300) next = { ...next, state: 'accepted', reply: null };
    else next = { ...next, state: 'completed' };
    if (status > 100 && next.state !== 'accepted')
      next = { ...next, reply: write(up.message), path: up.path };
    if (status >= 300 && isInvite) this.#dialogs.dropEarly(record.early);
    if (record.method === 'BYE' && isGoodbye(status)) this.#dialogs.end(essentials, now);
    this.#put(id, next, now);
    if (status > 100) {
      this.#count(`responses.${status}`);
      this.#send(up.message, up.path);
    }
    if (next.state === 'proceeding' && next.cancel === 'wanted') this.#sendCancel(id, next, now);
  }

  #noteDialog(id, record, state, essentials, contacts, now) {
    if (!essentials.to.parameters.has('tag')) return record;
    const { call, uris } = record;
    const names = { call, uris, contacts: [...new Set([...record.contacts, ...contacts])] };
    const key = this.#dialogs.note(essentials, state, record.early.length, names, now);
    if (key === null) return record;
    const next = { ...record, early: [...record.early, key] };
    this.#table.set(id, next);
    return next;
  }

  #acknowledge(record, response) {
    this.#send(companionOf(read(record.out), 'ACK', headerValue(response, 'To')), record.to);
  }

  #sendCancel(id, record, now) {
    const cancel = companionOf(read(record.out), 'CANCEL');
    const next = { ...record, cancel: 'sent' };
    this.#put(id, next, now);
    this.#put(
      `${id}c`,
      { ...record, method: 'CANCEL', state: 'trying', out: write(cancel), reply: null, early: [] },
      now,
    );
    this.#send(cancel, record.to);
  }

  #trying(record) {
    const up = withoutTopVia(responseTo(read(record.out), 100, 'Trying'));
    if (up !== null) this.#send(up.message, up.path);
  }

  /** Its time is over. */
  #end(key, record, now) {
    if (!isOpen(record) || record.method === 'CANCEL') {
      this.#remove(key);
      return;
    }
    if (record.method === 'INVITE' && record.state === 'proceeding' && record.cancel === null) {
      this.#sendCancel(key, record, now);
      return;
    }
    this.#count('timeouts');
    const out = read(record.out);
    const [status, reason] = record.cancel === null ? [408, 'Request Timeout'] : [487, 'Request Terminated'];
    const up = withoutTopVia(responseTo(out, status, reason, { tag: `v-${key}` }));
    this.#dialogs.dropEarly(record.early);
    if (record.method === 'BYE') this.#dialogs.end(readSipEssentials(out), now);
    if (up === null) {
      this.#remove(key);
      return;
    }
    this.#put(key, { ...record, state: 'completed', reply: write(up.message), path: up.path }, now);
    this.#send(up.message, up.path);
  }

  #put(key, record, now) {
    this.#table.set(key, record);
    this.#arm(key, record, now);
  }

  #remove(key) {
    this.#dialogs.dropEarly(this.#table.get(key)?.early ?? []);
    this.#table.delete(key);
    this.#deadlines.delete(key);
  }

  #arm(key, { method, state, cancel }, now) {
    const isInvite = method === 'INVITE';
    const waits = isInvite && state === 'proceeding' && cancel !== 'sent';
    let intervalMs = null;
    if (state === 'trying' || (isInvite && state === 'completed')) intervalMs = this.#t1Ms;
    else if (!isInvite && state === 'proceeding') intervalMs = this.#t2Ms;
    this.#deadlines.set(key, {
      again: intervalMs === null ? null : now + intervalMs,
      intervalMs,
      end: now + (waits ? this.#timerCMs : this.#lifeMs),
    });
  }
}

/** No final answer has come. */
export const isOpen = ({ state }) => state === 'trying' || state === 'proceeding';

/** After these nobody goes on with the call. @see RFC 3261 §15.1.1 */
const isGoodbye = (status) => (status < 300 ? status >= 200 : status === 481 || status === 408);

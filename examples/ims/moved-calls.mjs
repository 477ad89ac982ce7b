// SPDX-License-Identifier: Apache-2.0
// Calls that another proxy serves while their messages come to us (`away`), those that we serve while their messages come to
// another one (`via`), and those that are just about to move.
import { transactionId } from './messages.mjs';

const HELD_MAX = 1_024;
const CAME_BACK_MAX = 64;
/** Sweeps without a message of a call that is away after which it is forgotten: 12 hours. */
const QUIET_SWEEPS_MAX = 4_320;

export class MovedCalls {
  #tables;
  #calls;
  #count;
  /** `transfer session` → call. */
  #awayBy = new Map();
  #viaBy = new Map();
  /** Transfers by which calls have come back: what is still on its way is of them. */
  #cameBack = new Set();
  /** Ways by which calls were away that have come back: their former holders are told at the sweep after the next. */
  #returned = { now: [], before: [] };
  /** Sweeps since the last message of a call that is away. */
  #quiet = new Map();
  /** Calls that are about to move, and what has come for them: `{ bytes, source }`. */
  #held = new Map();
  #waiting = 0;

  constructor({ tables, calls, count }) {
    this.#tables = tables;
    this.#calls = calls;
    this.#count = count;
  }

  /** No call is elsewhere, from elsewhere, or about to move. */
  get isIdle() {
    return this.#held.size === 0 && this.#tables.away.size === 0 && this.#tables.via.size === 0;
  }

  isHeld = (call) => this.#held.has(call);

  hold(calls) {
    for (const call of calls) this.#held.set(call, []);
  }

  /** What came meanwhile. */
  release() {
    const waiting = [...this.#held.values()].flat();
    this.#held.clear();
    this.#waiting = 0;
    return waiting;
  }

  /** True: it waits, or had no room. */
  keep(call, bytes, source) {
    const waiting = this.#held.get(call);
    if (waiting === undefined) return false;
    if (this.#waiting >= HELD_MAX) this.#count('dropped.held');
    else {
      this.#waiting += 1;
      waiting.push({ bytes, source });
    }
    return true;
  }

  /** By which way a call comes to us, null: by our own socket. */
  viaOf(call) {
    return this.#tables.via.has(call) ? this.#tables.via.get(call) : null;
  }

  /** Where a message goes that is of a call with another proxy; null: it is ours. */
  awayOf(call, message, essentials, branch) {
    if (!this.#tables.away.has(call)) return null;
    const away = this.#tables.away.get(call);
    this.#quiet.delete(call);
    const { transactions } = this.#tables;
    if (message.type === 'response') return branch !== null && transactions.has(branch.id) ? null : away;
    const id = transactionId(message, essentials);
    if (transactions.has(id)) return null;
    // One that begins anew with the same Call-ID is a new one.
    return essentials.to.parameters.has('tag') || away.ids.includes(id) ? away : null;
  }

  /** Another proxy has these calls, with their numbers; kept as they were, should it not be heard any more. */
  give(numbers, transfer) {
    const records = this.#calls.recordsOf(new Set(numbers.keys()));
    for (const [call, record] of records) {
      const ids = Object.keys(record.transactions).map((key) => key.replace(/c$/, ''));
      this.#setAway(call, { transfer, session: numbers.get(call), ids, record });
    }
    this.#calls.forget(new Set(records.keys()));
    return records.size;
  }

  /** A call of another proxy is here: `{ record, own }`, and the way by which its messages come. */
  take(call, { record, own }, way, now) {
    // It was away and has come back: its messages come here anyway.
    const was = this.#tables.away.get(call);
    if (was) {
      this.#dropAway(call, was);
      this.#returned.now.push(was);
      this.#cameBack.add(way.transfer);
      for (const oldest of this.#cameBack)
        if (this.#cameBack.size > CAME_BACK_MAX) this.#cameBack.delete(oldest);
    } else {
      this.#dropVia(call);
      this.#tables.via.set(call, { ...way, ...own });
      this.#viaBy.set(`${way.transfer} ${way.session}`, call);
    }
    this.#calls.forget(new Set([call]));
    this.#calls.adopt(record, now);
    return was && !this.hasTransfer(was.transfer) ? was.transfer : null;
  }

  /** Whether calls have come back by it. */
  came(transfer) {
    return this.#cameBack.has(transfer);
  }

  callAway({ transfer, session }) {
    return this.#awayBy.get(`${transfer} ${session}`);
  }

  callVia({ transfer, session }) {
    return this.#viaBy.get(`${transfer} ${session}`);
  }

  /** The other proxy says that it is over there. Gives ways that are over by that, too. */
  ended(way) {
    const away = this.callAway(way);
    if (away !== undefined) this.#dropAway(away, way);
    const via = this.callVia(way);
    return via === undefined ? [] : this.#endVia(via);
  }

  /**
   * A whole transfer is over: what was away is here again as it left, what came by it is forgotten. Gives ways that are
   * over by that, too.
   */
  over(transfer, now) {
    for (const [call, away] of this.#tables.away.entries()) {
      if (away.transfer !== transfer) continue;
      this.#dropAway(call, away);
      this.#calls.adopt(away.record, now);
      this.#count('calls.takenBack');
    }
    const over = [];
    for (const [call, via] of this.#tables.via.entries())
      if (via.transfer === transfer) over.push(...this.#endVia(call));
    return over;
  }

  /** Ways of calls of which nothing is left here, nor elsewhere; they are forgotten. */
  sweep() {
    const over = this.#returned.before;
    this.#returned = { now: [], before: this.#returned.now };
    for (const [call, away] of this.#tables.away.entries()) {
      const sweeps = (this.#quiet.get(call) ?? 0) + 1;
      this.#quiet.set(call, sweeps);
      if (sweeps <= QUIET_SWEEPS_MAX) continue;
      this.#dropAway(call, away);
      over.push(away);
    }
    if (this.#tables.via.size > 0) {
      const known = this.#calls.known();
      for (const [call, via] of this.#tables.via.entries()) {
        if (known.has(call) || this.#tables.away.has(call)) continue;
        this.#dropVia(call);
        over.push(via);
      }
    }
    return over.map(({ transfer, session }) => ({ transfer, session }));
  }

  hasTransfer(transfer) {
    return this.transfers().has(transfer);
  }

  transfers() {
    const transfers = new Set();
    for (const table of [this.#tables.away, this.#tables.via])
      for (const [, way] of table.entries()) transfers.add(way.transfer);
    return transfers;
  }

  /** After an import. */
  restart() {
    this.#awayBy.clear();
    this.#viaBy.clear();
    for (const [call, { transfer, session }] of this.#tables.away.entries())
      this.#awayBy.set(`${transfer} ${session}`, call);
    for (const [call, { transfer, session }] of this.#tables.via.entries())
      this.#viaBy.set(`${transfer} ${session}`, call);
  }

  #setAway(call, way) {
    this.#tables.away.set(call, way);
    this.#awayBy.set(`${way.transfer} ${way.session}`, call);
  }

  #dropAway(call, { transfer, session }) {
    this.#quiet.delete(call);
    this.#tables.away.delete(call);
    this.#awayBy.delete(`${transfer} ${session}`);
  }

  /** Its home does not know it any more: nor do we, or whoever has it from us. */
  #endVia(call) {
    this.#calls.forget(new Set([call]));
    this.#dropVia(call);
    const away = this.#tables.away.get(call);
    if (away === undefined) return [];
    this.#dropAway(call, away);
    return [away];
  }

  #dropVia(call) {
    const via = this.viaOf(call);
    if (via === null) return;
    this.#tables.via.delete(call);
    this.#viaBy.delete(`${via.transfer} ${via.session}`);
  }
}

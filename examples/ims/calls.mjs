// SPDX-License-Identifier: Apache-2.0
// A call is what transactions and dialogs of one Call-ID are together. Each can move for itself.
import { isIP } from 'node:net';
import { WireError } from '@vnfpool/wire/bytes';
import { addressOfRecord, headerValues, parseNameAddress, parseSipUri } from '@vnfpool/wire/sip';
import { callOf } from './messages.mjs';
import { isOpen } from './transactions.mjs';

export class Calls {
  #tables;
  #transactions;
  #dialogs;

  constructor({ tables, transactions, dialogs }) {
    this.#tables = tables;
    this.#transactions = transactions;
    this.#dialogs = dialogs;
  }

  /** Those that have not ended, the oldest first: call → `{ uris, contacts }` that it is known by. */
  open() {
    const calls = new Map();
    const note = ({ call, uris, contacts }) => {
      const known = calls.get(call) ?? { uris: new Set(), contacts: new Set() };
      for (const uri of uris) known.uris.add(uri);
      for (const contact of contacts) known.contacts.add(contact);
      calls.set(call, known);
    };
    for (const [, dialog] of this.#tables.dialogs.entries()) if (dialog.state !== 'ended') note(dialog);
    for (const [, record] of this.#tables.transactions.entries())
      if (record.method === 'INVITE' && isOpen(record)) note(record);
    return calls;
  }

  /** All that is left of any call: what has ended is kept for repetitions for a while. */
  known() {
    const calls = new Set();
    for (const table of [this.#tables.dialogs, this.#tables.transactions])
      for (const [, { call }] of table.entries()) if (call !== null) calls.add(call);
    return calls;
  }

  /** call → `{ dialogs, transactions }`, each by its key. */
  recordsOf(calls) {
    const records = new Map();
    for (const name of ['dialogs', 'transactions'])
      for (const [key, record] of this.#tables[name].entries()) {
        if (!calls.has(record.call)) continue;
        const found = records.get(record.call) ?? { dialogs: {}, transactions: {} };
        found[name][key] = record;
        records.set(record.call, found);
      }
    return records;
  }

  adopt({ dialogs, transactions }, now) {
    for (const [key, dialog] of Object.entries(dialogs)) this.#dialogs.adopt(key, dialog, now);
    for (const [key, record] of Object.entries(transactions)) this.#transactions.adopt(key, record, now);
  }

  forget(calls) {
    for (const { dialogs, transactions } of this.recordsOf(calls).values()) {
      for (const key of Object.keys(dialogs)) this.#dialogs.forget(key);
      for (const key of Object.keys(transactions)) this.#transactions.forget(key);
    }
  }
}

/** What a call is known by, as one of its messages tells. */
export function namesOf(message, { callId, from, to }) {
  return {
    call: callOf(callId),
    uris: [from, to].flatMap(({ uri }) => aorOf(uri) ?? []),
    contacts: contactsOf(message),
  };
}

/** Addresses of Contact. */
export function contactsOf(message) {
  return headerValues(message, 'Contact').flatMap((value) => {
    try {
      const host = parseSipUri(parseNameAddress(value).uri).host.replaceAll(/[[\]]/g, '');
      return isIP(host) === 0 ? [] : [host];
    } catch (error) {
      if (error instanceof WireError) return [];
      throw error;
    }
  });
}

/** Null: no URI of SIP. */
export function aorOf(uri) {
  try {
    return addressOfRecord(parseSipUri(uri));
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}

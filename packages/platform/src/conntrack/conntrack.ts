// SPDX-License-Identifier: Apache-2.0
import type { PlatformError } from '../errors.ts';
import { isPlatformError } from '../errors.ts';
import { errnoError } from '../libc/errno.ts';
import {
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REQUEST,
  NLMSG_HEADER_BYTES,
  parseAttributes,
  viewOf,
} from '../netlink/message.ts';
import { MessageWriter } from '../netlink/message-writer.ts';
import { NETLINK_NETFILTER, NetlinkSocket, type Refusal } from '../netlink/socket.ts';
import { canaryOf } from './canary.ts';
import type { ConntrackEntry, ConntrackKey } from './entry.ts';
import {
  type ConntrackExpectation,
  type ExpectationKey,
  parseExpectation,
  writeExpectation,
  writeExpectationKey,
  writeExpectationTime,
} from './expectation.ts';
import { type ConntrackFilter, checkFilter, filterRequest, isWanted } from './filter.ts';
import * as n from './numbers.ts';
import { parseEntry } from './parse.ts';
import { PlainWriter } from './plain-writer.ts';
import { checkTuple, type EntryStyle, familyOf, writeEntry, writeKey } from './request.ts';

/** Messages in one datagram. Their errors fit the receive buffer, were all of them refused. */
const MESSAGES_A_DATAGRAM = 100;
const RECEIVE_BUFFER_BYTES = 1024 * 1024;
const EEXIST = 17;

/** How entries are put into the kernel. */
export interface InsertOptions {
  /**
   * What to do where an entry with one of the two tuples is there: leave it and say `EEXIST` (the default), or remove it
   * first. A packet that comes between the two makes an entry of its own.
   */
  readonly ifExists?: 'fail' | 'replace';
  /**
   * Let TCP segments pass whatever their sequence numbers: the kernel takes no windows from us, so that the first
   * segments after a transfer may seem to lie outside. Default true.
   */
  readonly isLiberal?: boolean;
  /**
   * Entries live at least so long, default 1, but for those with a fixed timeout: a copy sees no traffic that would keep
   * an entry alive, and must not lose it before its original.
   */
  readonly timeoutSecondsMin?: number;
}

/** An entry, or key, that was refused. */
export interface ConntrackFailure {
  /** Its place in the list handed in. */
  readonly index: number;
  readonly error: PlatformError;
}

/**
 * The connection tracking table of the namespace where it was opened. All calls are synchronous: a listing takes some
 * 3 µs an entry, inserting some 5, so split long ones. Needs CAP_NET_ADMIN there.
 */
export class Conntrack {
  readonly #socket: NetlinkSocket;
  readonly #writer = new MessageWriter();
  #plainWriter: PlainWriter | undefined;

  constructor() {
    this.#socket = new NetlinkSocket(NETLINK_NETFILTER, 2000, RECEIVE_BUFFER_BYTES);
  }

  /**
   * Lists in pieces of up to about a hundred, each read when it is asked for; canaries are left out. Entries that come or go meanwhile may be
   * in it or not, and one may be there twice. Nothing else can be asked of this object until the end; who stops early
   * has the rest read and thrown away.
   * @throws PlatformError `BUSY` during another listing, `EPERM`
   */
  *dump(filter: ConntrackFilter = {}): Generator<ConntrackEntry[]> {
    checkFilter(filter);
    for (const piece of this.#socket.dumpPieces('list conntrack', n.CT_GET, filterRequest(filter))) {
      const entries: ConntrackEntry[] = [];
      for (const part of piece) {
        const entry = parseEntry(part.body);
        if (entry !== undefined && isWanted(entry, filter) && canaryOf(entry) === null) entries.push(entry);
      }
      if (entries.length > 0) yield entries;
    }
  }

  /** One entry; undefined when there is none. */
  find(key: ConntrackKey): ConntrackEntry | undefined {
    checkTuple(key.original);
    const writer = this.#writer;
    writer.reset();
    const start = writer.beginMessage(n.CT_GET, 0, 0, familyOf(key.original));
    writeKey(writer, key, n.CTA_TUPLE_ORIG, key.original);
    writer.endMessage(start);
    const body = writer.datagram.slice(NLMSG_HEADER_BYTES);
    try {
      for (const part of this.#socket.request('find conntrack', n.CT_GET, 0, [body])) {
        const entry = parseEntry(part.body);
        if (entry !== undefined) return entry;
      }
      return undefined;
    } catch (error) {
      if (isPlatformError(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  /**
   * Puts entries into the kernel. Those with a master go last, as their master may be among the others. Not taken over:
   * counters; labels where no rule of the namespace uses labels; a helper that is not loaded refuses the entry.
   * @returns those that were refused, by place: `EEXIST`, `ENOMEM` (the table is full), `ENOENT` (no such master) …
   * @throws PlatformError `BAD_ARGUMENT` for addresses of a wrong size; nothing is inserted then
   */
  insert(entries: readonly ConntrackEntry[], options: InsertOptions = {}): ConntrackFailure[] {
    const { ifExists = 'fail' } = options;
    const style = { isLiberal: options.isLiberal ?? true, timeoutSecondsMin: options.timeoutSecondsMin ?? 1 };
    for (const entry of entries) {
      for (const tuple of [entry.original, entry.reply, entry.master]) if (tuple !== null) checkTuple(tuple);
    }
    const failures: ConntrackFailure[] = [];
    const alone: number[] = [];
    const withMaster: number[] = [];
    for (const [index, entry] of entries.entries()) (entry.master === null ? alone : withMaster).push(index);
    for (const places of [alone, withMaster]) {
      const chosen = places.map((place) => entries[place] as ConntrackEntry);
      const refusals = this.#send('insert conntrack', chosen, (entry, number, flags) =>
        this.#writeNew(entry, number, flags, style),
      );
      const existing: number[] = [];
      for (const refusal of refusals) {
        const index = places[refusal.index] ?? 0;
        if (refusal.errno === EEXIST && ifExists === 'replace') existing.push(index);
        else failures.push(failure(index, refusal));
      }
      failures.push(...this.#replace(entries, existing, style));
    }
    return failures.sort((a, b) => a.index - b.index);
  }

  /**
   * Puts plain flows into the kernel, as `insert` does, and several times as quick.
   * @param numbers of the flows, see `PLAIN_FLOW_WORDS`
   * @param count how many of them, from the first on
   * @returns those that were refused, by place, those that are there (`EEXIST`) among them
   */
  insertPlain(
    numbers: Int32Array,
    count: number,
    options: Omit<InsertOptions, 'ifExists'> = {},
  ): ConntrackFailure[] {
    const style = { isLiberal: options.isLiberal ?? true, timeoutSecondsMin: options.timeoutSecondsMin ?? 1 };
    this.#plainWriter ??= new PlainWriter(MESSAGES_A_DATAGRAM);
    const writer = this.#plainWriter;
    const failures: ConntrackFailure[] = [];
    for (let start = 0; start < count; start += MESSAGES_A_DATAGRAM) {
      const end = Math.min(count, start + MESSAGES_A_DATAGRAM);
      const refused = this.#socket.sendMany('insert conntrack', end - start, (first) =>
        writer.datagram(numbers, start, end, first, style),
      );
      for (const refusal of refused) failures.push(failure(start + refusal.index, refusal));
    }
    return failures;
  }

  /**
   * Removes entries.
   * @returns those that were refused, by place; `ENOENT`: it was not there
   */
  remove(keys: readonly ConntrackKey[]): ConntrackFailure[] {
    for (const key of keys) checkTuple(key.original);
    const refusals = this.#send('delete conntrack', keys, (key, number, flags) =>
      this.#writeDelete(key, n.CTA_TUPLE_ORIG, key.original, number, flags),
    );
    return refusals.map((refusal) => failure(refusal.index, refusal));
  }

  /** Gives entries so much time from now. @returns those that were refused, by place; `ENOENT`: it was not there */
  renew(keys: readonly ConntrackKey[], timeoutSeconds: number): ConntrackFailure[] {
    for (const key of keys) checkTuple(key.original);
    const refusals = this.#send('renew conntrack', keys, (key, number, flags) => {
      const start = this.#writer.beginMessage(n.CT_NEW, flags, number, familyOf(key.original));
      writeKey(this.#writer, key, n.CTA_TUPLE_ORIG, key.original);
      this.#writer.u32(n.CTA_TIMEOUT, Math.max(1, timeoutSeconds));
      this.#writer.endMessage(start);
    });
    return refusals.map((refusal) => failure(refusal.index, refusal));
  }

  /** Connections that helpers expect now. @throws PlatformError as `dump` */
  expectations(): ConntrackExpectation[] {
    const pieces = this.#socket.dump('list expectations', n.EXP_GET, [new Uint8Array(4)]);
    return pieces.flatMap((part) => parseExpectation(part.body) ?? []);
  }

  /**
   * Puts expectations into the kernel, with the time that they have left; their masters have to be there, each with its helper.
   * @returns those that were refused, by place: `ENOENT` without a master, `EEXIST`
   * @throws PlatformError `BAD_ARGUMENT` for addresses of a wrong size; nothing is inserted then
   */
  expect(expectations: readonly ConntrackExpectation[]): ConntrackFailure[] {
    for (const { master, tuple, mask, translation } of expectations)
      for (const each of [master, tuple, mask, ...(translation ? [translation.tuple] : [])]) checkTuple(each);
    const send = (chosen: readonly ConntrackExpectation[], more: number, write: typeof writeExpectation) =>
      this.#send('insert expectation', chosen, (expectation, number, flags) =>
        this.#writeExpected(expectation, n.EXP_NEW, number, flags | more, (writer) =>
          write(writer, expectation),
        ),
      );
    const refusals = send(expectations, NLM_F_CREATE | NLM_F_EXCL, writeExpectation);
    const refused = new Set(refusals.map(({ index }) => index));
    // One that has gone already has no time left; nothing is lost by it.
    send(
      expectations.filter((_, index) => !refused.has(index)),
      0,
      writeExpectationTime,
    );
    return refusals.map((refusal) => failure(refusal.index, refusal));
  }

  /** Removes expectations. @returns those that were refused, by place; `ENOENT`: it was not there */
  unexpect(keys: readonly ExpectationKey[]): ConntrackFailure[] {
    for (const { tuple } of keys) checkTuple(tuple);
    const refusals = this.#send('delete expectation', keys, (key, number, flags) =>
      this.#writeExpected(key, n.EXP_DELETE, number, flags, (writer) => writeExpectationKey(writer, key)),
    );
    return refusals.map((refusal) => failure(refusal.index, refusal));
  }

  /** By which the kernel's events name this object's changes, see `ConntrackEventOptions`. */
  get port(): number {
    return this.#socket.port;
  }

  /** How many entries the namespace has. */
  count(): number {
    for (const part of this.#socket.request('count conntrack', n.CT_GET_STATS, 0, [new Uint8Array(4)])) {
      const number = parseAttributes(part.body.subarray(4)).get(n.CTA_STATS_GLOBAL_ENTRIES);
      if (number !== undefined) return viewOf(number).getUint32(0);
    }
    return 0;
  }

  close(): void {
    this.#socket.close();
  }

  #writeNew(entry: ConntrackEntry, number: number, flags: number, style: EntryStyle): void {
    const all = flags | NLM_F_CREATE | NLM_F_EXCL;
    const writer = this.#writer;
    const start = writer.beginMessage(n.CT_NEW, all, number, familyOf(entry.original));
    writeEntry(writer, entry, style);
    writer.endMessage(start);
  }

  /** Without a tuple the kernel would remove everything. */
  #writeDelete(
    key: ConntrackKey,
    type: number,
    tuple: ConntrackKey['original'],
    number: number,
    flags: number,
  ): void {
    const writer = this.#writer;
    const start = writer.beginMessage(n.CT_DELETE, flags, number, familyOf(key.original));
    writeKey(writer, key, type, tuple);
    writer.endMessage(start);
  }

  #writeExpected(
    { tuple }: ExpectationKey,
    type: number,
    number: number,
    flags: number,
    write: (writer: MessageWriter) => void,
  ): void {
    const start = this.#writer.beginMessage(type, flags, number, familyOf(tuple));
    write(this.#writer);
    this.#writer.endMessage(start);
  }

  /** Removes what has one of the two tuples, and inserts again. */
  #replace(
    entries: readonly ConntrackEntry[],
    places: readonly number[],
    style: EntryStyle,
  ): ConntrackFailure[] {
    const steps = places.flatMap((index) => {
      const entry = entries[index] as ConntrackEntry;
      return [
        { index, entry, step: 'original' },
        { index, entry, step: 'reply' },
        { index, entry, step: 'insert' },
      ];
    });
    const refusals = this.#send('replace conntrack', steps, ({ entry, step }, number, flags) => {
      if (step === 'insert') this.#writeNew(entry, number, flags, style);
      else if (step === 'reply') this.#writeDelete(entry, n.CTA_TUPLE_REPLY, entry.reply, number, flags);
      else this.#writeDelete(entry, n.CTA_TUPLE_ORIG, entry.original, number, flags);
    });
    const failures: ConntrackFailure[] = [];
    for (const refusal of refusals) {
      const step = steps[refusal.index];
      // Mostly one removal finds nothing; where one fails otherwise, the insertion fails too and tells.
      if (step?.step === 'insert') failures.push(failure(step.index, refusal));
    }
    return failures;
  }

  #send<Item>(
    call: string,
    items: readonly Item[],
    write: (item: Item, number: number, flags: number) => void,
  ): Refusal[] {
    const refusals: Refusal[] = [];
    for (let start = 0; start < items.length; start += MESSAGES_A_DATAGRAM) {
      const part = items.slice(start, start + MESSAGES_A_DATAGRAM);
      const refused = this.#socket.sendMany(call, part.length, (first) => {
        this.#writer.reset();
        for (const [place, item] of part.entries()) {
          const isLast = place === part.length - 1;
          write(item, first + place, NLM_F_REQUEST | (isLast ? NLM_F_ACK : 0));
        }
        return this.#writer.datagram;
      });
      for (const { index, errno, explanation } of refused) {
        refusals.push({ index: start + index, errno, explanation });
      }
    }
    return refusals;
  }
}

function failure(index: number, { errno, explanation }: Refusal): ConntrackFailure {
  return { index, error: errnoError('conntrack', errno, explanation) };
}

// SPDX-License-Identifier: Apache-2.0
import { type NetlinkMessage, NLM_F_CREATE, NLM_F_EXCL } from '../netlink/message.ts';
import { NETLINK_NETFILTER } from '../netlink/socket.ts';
import { Subscription } from '../netlink/subscription.ts';
import { type ConntrackCanary, canaryOf } from './canary.ts';
import type { ConntrackEntry } from './entry.ts';
import { type ConntrackExpectation, parseExpectation } from './expectation.ts';
import { type ConntrackFilter, checkFilter, isExpectationWanted, isWanted } from './filter.ts';
import * as n from './numbers.ts';
import { parseEntry } from './parse.ts';
import { isEventsForced } from './settings.ts';

const RECEIVE_BUFFER_BYTES = 64 * 1024 * 1024;
const ENTRY_GROUPS = [n.GROUP_NEW, n.GROUP_UPDATE, n.GROUP_DESTROY];
/** The kernel's third one, of updates, it never uses. */
const EXPECTATION_GROUPS = [n.GROUP_EXPECT_NEW, n.GROUP_EXPECT_DESTROY];

/** What happened to an entry. Updates say what changed: a null of theirs means unchanged, see {@link mergeEntry}. */
export interface ConntrackEvent {
  readonly type: 'new' | 'update' | 'destroy';
  readonly entry: ConntrackEntry;
}

/** What happened to an expectation, which is said whole; the kernel does not say its zone. */
export interface ExpectationEvent {
  readonly type: 'new' | 'destroy';
  readonly expectation: ConntrackExpectation;
}

/** Who hears of events. */
export interface ConntrackListener {
  /** In order; up to some hundred at once. */
  events(events: readonly ConntrackEvent[]): void;
  /** Of connections that are expected; in order, and behind the events that came with them. Absent: not asked for. */
  expectations?(events: readonly ExpectationEvent[]): void;
  /** Canaries that were put in, whoever's they are; nothing else is told of them. */
  canaries?(heard: readonly ConntrackCanary[]): void;
  /** The kernel dropped events: list anew. Those told from now on are complete, or this is called again. */
  overrun(): void;
  /** Nothing more will be told. */
  failed(error: Error): void;
}

export interface ConntrackEventOptions {
  /** Which entries; the mark as the event has it. */
  readonly filter?: ConntrackFilter;
  /** The `port` of a `Conntrack` whose changes are not told: they take no room of what the kernel keeps. */
  readonly exceptPort?: number;
  /** What the kernel keeps while we do not read, default 64 MiB: some 80,000 events. */
  readonly receiveBufferBytes?: number;
}

/** A subscription that runs. */
export interface ConntrackEvents {
  /**
   * Whether entries that are older than the subscription tell of themselves. False with the sysctl `nf_conntrack_events`
   * at its default, 2: the kernel then equips only those entries for events that are made while somebody listens.
   */
  readonly includesOlder: boolean;
  /** Tells at once what is there, for who wants to be up to date before an answer. */
  flush(): void;
  close(): void;
}

/**
 * Tells of the table's changes in the namespace of the calling thread, from the event loop. Subscribe before listing;
 * what both say is then seen twice, and nothing is missed.
 * @throws PlatformError `EPERM`
 */
export function subscribeConntrack(
  listener: ConntrackListener,
  options: ConntrackEventOptions = {},
): ConntrackEvents {
  const { filter = {}, exceptPort, receiveBufferBytes = RECEIVE_BUFFER_BYTES } = options;
  checkFilter(filter);
  const subscription = new Subscription(
    {
      protocol: NETLINK_NETFILTER,
      groups: listener.expectations === undefined ? ENTRY_GROUPS : [...ENTRY_GROUPS, ...EXPECTATION_GROUPS],
      receiveBufferBytes,
      ...(exceptPort === undefined ? {} : { exceptPort }),
    },
    {
      messages: (messages) => {
        const events: ConntrackEvent[] = [];
        const expectations: ExpectationEvent[] = [];
        const canaries: ConntrackCanary[] = [];
        for (const message of messages) {
          const event = eventOf(message);
          const canary = event === undefined ? null : canaryOf(event.entry);
          if (canary !== null) {
            if (event?.type === 'new') canaries.push(canary);
          } else if (event === undefined) {
            const expectation = expectationEventOf(message);
            if (expectation !== undefined && isExpectationWanted(expectation.expectation, filter))
              expectations.push(expectation);
          } else if (isWanted(event.entry, filter)) events.push(event);
        }
        if (events.length > 0) listener.events(events);
        if (expectations.length > 0) listener.expectations?.(expectations);
        if (canaries.length > 0) listener.canaries?.(canaries);
      },
      overrun: () => listener.overrun(),
      failed: (error) => listener.failed(error),
    },
  );
  return {
    includesOlder: isEventsForced(),
    flush: () => subscription.flush(),
    close: () => subscription.close(),
  };
}

function eventOf(message: NetlinkMessage): ConntrackEvent | undefined {
  const { type, flags, body } = message;
  if (type !== n.CT_NEW && type !== n.CT_DELETE) return undefined;
  const entry = parseEntry(body);
  if (entry === undefined) return undefined;
  if (type === n.CT_DELETE) return { type: 'destroy', entry };
  return { type: (flags & (NLM_F_CREATE | NLM_F_EXCL)) === 0 ? 'update' : 'new', entry };
}

function expectationEventOf({ type, body }: NetlinkMessage): ExpectationEvent | undefined {
  if (type !== n.EXP_NEW && type !== n.EXP_DELETE) return undefined;
  const expectation = parseExpectation(body);
  return expectation && { type: type === n.EXP_NEW ? 'new' : 'destroy', expectation };
}

/** What is known of an entry after an update told of it. */
export function mergeEntry(known: ConntrackEntry, said: ConntrackEntry): ConntrackEntry {
  return {
    ...said,
    tcp: said.tcp ?? known.tcp,
    sctp: said.sctp ?? known.sctp,
    helper: said.helper ?? known.helper,
    labels: said.labels ?? known.labels,
    counters: said.counters ?? known.counters,
    master: said.master ?? known.master,
    shifts: said.shifts ?? known.shifts,
  };
}

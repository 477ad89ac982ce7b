// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import {
  Conntrack,
  type ConntrackCanary,
  type ConntrackEntry,
  type ConntrackEvents,
  type ConntrackExpectation,
  type ConntrackFilter,
  type ConntrackKey,
  type ConntrackListener,
  canaryEntry,
  isExpectationWanted,
  subscribeConntrack,
} from '@vnfpool/platform/conntrack';

/** Which flows are shared, without the mark: an event that changes it may say so only of the mark that it has then. */
export type SharedFlowFilter = Omit<ConntrackFilter, 'mark'>;

/** Who hears of flows. */
export interface FlowListener extends Omit<ConntrackListener, 'canaries'> {
  /** What was sung here was told of. */
  canary?(number: number): void;
}

/** What following needs of the kernel. */
export interface FlowKernel {
  /** @throws PlatformError */
  subscribe(listener: FlowListener): ConntrackEvents;
  /** The table, piece by piece. @throws PlatformError */
  dump(): Generator<readonly ConntrackEntry[]>;
  /** One entry; also amid a listing. @throws PlatformError */
  find(key: ConntrackKey): ConntrackEntry | undefined;
  /** Connections that are expected now; their zones are not said. @throws PlatformError */
  expectations(): readonly ConntrackExpectation[];
  /**
   * Makes an entry that is of no connection, and takes it away again, of which listeners hear by `canary`; also amid a listing.
   * @param number 1, 2, 3 …
   * @throws PlatformError where the kernel takes none: `ENOMEM` (the table is full), `EPERM`
   */
  sing(number: number): void;
  close(): void;
}

export interface FlowKernelOptions {
  readonly filter?: SharedFlowFilter;
  /** What the kernel keeps while we do not read, default 64 MiB: some 80,000 events. */
  readonly receiveBufferBytes?: number;
  /** Enters the namespace, where a subscription may be made at any time; default: it is that of the thread. */
  readonly within?: <Result>(work: () => Result) => Result;
}

/** The kernel's table in the namespace of the calling thread. @throws PlatformError `EPERM` */
export function flowKernel({
  filter = {},
  receiveBufferBytes,
  within = (work) => work(),
}: FlowKernelOptions = {}): FlowKernel {
  // Nothing else can be asked of one that lists.
  const lister = new Conntrack();
  let finder: Conntrack;
  try {
    finder = new Conntrack();
  } catch (error) {
    lister.close();
    throw error;
  }
  const events = { filter, ...(receiveBufferBytes === undefined ? {} : { receiveBufferBytes }) };
  const singer = randomBytes(8).toString('hex');
  return {
    subscribe: (listener) => {
      const canaries = (heard: readonly ConntrackCanary[]): void => {
        for (const each of heard) if (each.singer === singer) listener.canary?.(each.number);
      };
      return within(() => subscribeConntrack({ ...listener, canaries }, events));
    },
    dump: () => lister.dump(filter),
    find: (key) => finder.find(key),
    expectations: () => finder.expectations().filter((each) => isExpectationWanted(each, filter)),
    sing: (number) => {
      const canary = canaryEntry({ singer, number });
      const [refused] = finder.insert([canary]);
      if (refused !== undefined) throw refused.error;
      // One that stays ends by itself.
      finder.remove([canary]);
    },
    close: () => {
      lister.close();
      finder.close();
    },
  };
}

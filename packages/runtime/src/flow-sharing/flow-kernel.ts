// SPDX-License-Identifier: Apache-2.0
import {
  Conntrack,
  type ConntrackEntry,
  type ConntrackEvents,
  type ConntrackExpectation,
  type ConntrackFilter,
  type ConntrackKey,
  type ConntrackListener,
  isExpectationWanted,
  subscribeConntrack,
} from '@vnfpool/platform/conntrack';

/** Which flows are shared, without the mark: an event that changes it may say so only of the mark that it has then. */
export type SharedFlowFilter = Omit<ConntrackFilter, 'mark'>;

/** What following needs of the kernel. */
export interface FlowKernel {
  subscribe(listener: ConntrackListener): ConntrackEvents;
  /** The table, piece by piece. */
  dump(): Generator<readonly ConntrackEntry[]>;
  /** One entry; also amid a listing. */
  find(key: ConntrackKey): ConntrackEntry | undefined;
  /** Connections that are expected now; their zones are not said. @throws PlatformError */
  expectations(): readonly ConntrackExpectation[];
  close(): void;
}

export interface FlowKernelOptions {
  readonly filter?: SharedFlowFilter;
  /** What the kernel keeps while we do not read, default 64 MiB: some 80,000 events. */
  readonly receiveBufferBytes?: number;
}

/** The kernel's table in the namespace of the calling thread, where `subscribe` is to be called too. @throws PlatformError `EPERM` */
export function flowKernel({ filter = {}, receiveBufferBytes }: FlowKernelOptions = {}): FlowKernel {
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
  return {
    subscribe: (listener) => subscribeConntrack(listener, events),
    dump: () => lister.dump(filter),
    find: (key) => finder.find(key),
    expectations: () => finder.expectations().filter((each) => isExpectationWanted(each, filter)),
    close: () => {
      lister.close();
      finder.close();
    },
  };
}

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
  /** @throws PlatformError */
  subscribe(listener: ConntrackListener): ConntrackEvents;
  /** The table, piece by piece. @throws PlatformError */
  dump(): Generator<readonly ConntrackEntry[]>;
  /** One entry; also amid a listing. @throws PlatformError */
  find(key: ConntrackKey): ConntrackEntry | undefined;
  /** Connections that are expected now; their zones are not said. @throws PlatformError */
  expectations(): readonly ConntrackExpectation[];
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
  return {
    subscribe: (listener) => within(() => subscribeConntrack(listener, events)),
    dump: () => lister.dump(filter),
    find: (key) => finder.find(key),
    expectations: () => finder.expectations().filter((each) => isExpectationWanted(each, filter)),
    close: () => {
      lister.close();
      finder.close();
    },
  };
}

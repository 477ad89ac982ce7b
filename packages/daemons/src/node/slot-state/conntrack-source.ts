// SPDX-License-Identifier: Apache-2.0
import { Conntrack, readConntrackSetting, writeConntrackSetting } from '@vnfpool/platform/conntrack';
import { inNamespace } from '@vnfpool/platform/namespaces';
import {
  commitFlows,
  type FlowKernel,
  FlowUpdates,
  flowKernel,
  type SharedFlowFilter,
} from '@vnfpool/runtime/flow-sharing';
import { otherAddresses } from './other-addresses.ts';
import type { StateEntry, StateSink, StateSource } from './state-source.ts';

export interface ConntrackSourceOptions {
  /** Network of the function's own; null: that of the node, which is the calling thread's. */
  readonly network: { readonly namespace: { readonly fd: number } } | null;
  readonly filter: SharedFlowFilter;
  /**
   * Virtual addresses of the slot. Of the node's connections those are left alone, and not shared, of which an end is another address
   * of the node: its management, and the streams of this very state.
   */
  readonly addresses: readonly string[];
  /** What the kernel keeps of events while the agent does not read; default 64 MiB: some 80,000 of them. */
  readonly receiveBufferBytes?: number;
  /** What people should know of it. */
  readonly onNews: (message: string, figures: Readonly<Record<string, number | string>>) => void;
}

/** For what the kernel has already to be told, when the node has it itself. */
const LISTING_MS = 5_000;

/** While the slot is held. */
interface Following {
  readonly kernel: FlowKernel;
  readonly updates: FlowUpdates;
}

/**
 * State of a slot that the kernel has: connections, with their translation. Standbys keep their copies in user space, and the one that
 * takes over puts its copy into the kernel before the address answers.
 */
export class ConntrackSource implements StateSource {
  readonly #options: ConntrackSourceOptions;
  readonly #table: Conntrack;
  #following: Following | null = null;
  #overruns = 0;

  /** Sees to it that connections tell of themselves from now on. @throws PlatformError `EPERM`; Error of the settings */
  constructor(options: ConntrackSourceOptions) {
    this.#options = options;
    this.#table = this.#inside(() => new Conntrack());
    try {
      // A network of its own begins with it. The table was asked for first, which loads what has the settings.
      if (options.network === null) tellAlways();
    } catch (error) {
      this.#table.close();
      throw error;
    }
  }

  async begin(
    entries: Iterable<StateEntry>,
    sink: StateSink,
    { isOwn, signal }: { readonly isOwn: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    if (this.#following !== null) throw new Error('the slot is held already');
    signal.throwIfAborted();
    const copy = [...entries];
    const filter = this.#filter();
    if (!isOwn) await this.#commit(copy, filter, signal);
    // What was refused, or has changed since, is the difference that the first listing finds.
    const following = this.#inside(() => this.#follow(copy, sink, filter));
    this.#following = following;
    // Others may have it once all of it was told.
    if (isOwn) await orLate(following.updates.settle(), LISTING_MS);
  }

  async end(): Promise<void> {
    const following = this.#following;
    if (following === null) return;
    this.#following = null;
    try {
      await following.updates.end();
    } catch (error) {
      this.#options.onNews('the last changes of connections were not told', {
        reason: (error as Error).message,
      });
    } finally {
      following.kernel.close();
    }
  }

  close(): Promise<void> {
    this.#following?.updates.close();
    this.#following?.kernel.close();
    this.#following = null;
    this.#table.close();
    return Promise.resolve();
  }

  async #commit(copy: readonly StateEntry[], filter: SharedFlowFilter, signal: AbortSignal): Promise<void> {
    const { onNews } = this.#options;
    const done = await commitFlows(this.#table, copy, { filter, signal });
    const { flows, kept, removed, weakened, leftOut, refusedTotal, refused } = done;
    onNews('connections of the copy are in the kernel', { flows, kept, removed });
    if (weakened > 0) onNews('connections go on without their helper or master', { weakened });
    if (leftOut > 0) onNews('entries of the copy are no connections for this node', { leftOut });
    const { expected, orphaned, notExpected, notExpectedCode } = done;
    if (expected > 0) onNews('expected connections of the copy are in the kernel', { expected });
    if (orphaned > 0)
      onNews('connections are not expected any more: their master is not there', { orphaned });
    if (notExpected > 0)
      onNews('the kernel refuses to expect connections', { refused: notExpected, why: notExpectedCode });
    if (refusedTotal === 0) return;
    const code = refused[0]?.code ?? '';
    const why = code === 'ENOMEM' ? 'the table is full' : code;
    if (flows + kept === 0) throw new Error(`the kernel refuses all ${refusedTotal} connections: ${why}`);
    // Whoever serves with most of them serves better than nobody.
    onNews('the kernel refuses connections, which are lost', { refused: refusedTotal, why });
  }

  #follow(entries: readonly StateEntry[], sink: StateSink, filter: SharedFlowFilter): Following {
    const { onNews, receiveBufferBytes } = this.#options;
    const kernel = flowKernel({
      filter,
      ...(receiveBufferBytes === undefined ? {} : { receiveBufferBytes }),
    });
    try {
      const updates = new FlowUpdates({
        kernel,
        entries,
        change: (changes) => sink.change(changes),
        onOverrun: () => {
          this.#overruns++;
          onNews('the kernel lost events of connections: all are listed anew', { times: this.#overruns });
        },
        onFault: ({ message }) => onNews('connections cannot be told', { reason: message }),
      });
      if (!updates.includesOlder)
        onNews('connections that are older than this do not tell of their changes', {
          setting: 'net.netfilter.nf_conntrack_events is not 1',
        });
      return { kernel, updates };
    } catch (error) {
      kernel.close();
      throw error;
    }
  }

  #filter(): SharedFlowFilter {
    const { filter, network, addresses } = this.#options;
    return network === null ? { ...filter, except: otherAddresses(addresses) } : filter;
  }

  #inside<Result>(work: () => Result): Result {
    const { network } = this.#options;
    return network === null ? work() : inNamespace(network.namespace.fd, work);
  }
}

/** Whichever comes first; what fails is told elsewhere. */
async function orLate(work: Promise<void>, withinMs: number): Promise<void> {
  let late: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    late = setTimeout(resolve, withinMs);
  });
  await Promise.race([work.catch(() => undefined), over]);
  clearTimeout(late);
}

function tellAlways(): void {
  if (readConntrackSetting('nf_conntrack_events') !== 1) writeConntrackSetting('nf_conntrack_events', 1);
}

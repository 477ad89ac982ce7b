// SPDX-License-Identifier: Apache-2.0
import type { KeyUpdate } from '@vnfpool/core/replication';
import type { CopyContents } from '@vnfpool/runtime/flow-sharing';
import type { FirstPacketReport, OverrunReport, SecurityState } from '@vnfpool/wire/mobility';
import type { ReplicaSecret } from '@vnfpool/wire/replication';

/** One piece of state: its key, as characters U+0000 to U+00FF, and its value, which is not sealed here. */
export type StateEntry = readonly [key: string, value: Uint8Array, secret?: ReplicaSecret];

/** Where what changes goes. */
export interface StateSink {
  /** What becomes of secrets; undefined: they stay where they are, and are not taken. */
  readonly securityState: SecurityState | undefined;
  /**
   * Changes in the order in which they were made. Settles when what they bring about may leave: at once where some may be
   * lost, there is room and nobody is to acknowledge them, else when the standbys have confirmed them. May be called again before that; a source that can wait
   * bounds what has not settled, one that cannot keeps what is new of each key, not every change.
   * @throws StateError `full`, `overload`, `closed`
   */
  change(updates: readonly KeyUpdate[]): Promise<void>;
  /**
   * The same; settles when every standby that may take over has confirmed them, though of others some may be lost. Only where the slot's
   * sharing defers.
   */
  changeDeferred?(updates: readonly KeyUpdate[]): Promise<void>;
  /** Whether first packets are to wait for that. */
  readonly defers?: boolean;
  /**
   * The state of the slot now: what `begin` was given, with all changes that have settled. A function that comes again
   * while the slot is held gets it anew. What was damaged here is left out: the function says what it has otherwise.
   */
  entries(): Iterable<StateEntry>;
}

/**
 * The end of shared state at a function: of a program, by its socket, or of the kernel. One for each run of a function with a
 * slot; it is idle until the node takes the slot. Calls follow one another: `begin`, `end`, and so on.
 */
export interface StateSource {
  /**
   * The slot was granted to this node, and its address does not answer yet: the function is to have exactly `entries`, whatever it
   * had before. `isOwn`: this node held the slot last; a function that went on having its state keeps it, and what it has otherwise than
   * `entries` comes as changes to `sink`, before this resolves. One that was started anew since takes `entries`.
   * @throws Error when the function cannot take them; the slot is given up then
   */
  begin(
    entries: Iterable<StateEntry>,
    sink: StateSink,
    options: {
      readonly isOwn: boolean;
      /** Of the slot, decimal. */
      readonly epoch: string;
      readonly signal: AbortSignal;
    },
  ): Promise<void>;
  /** The slot is held no more, its fence is closed: resolves when the last changes have been given to the sink. */
  end(): Promise<void>;
  /**
   * This node has a copy of the state, and these keys of it have changed (null: any may have): a source that keeps it ready applies
   * them. Not while the slot is held.
   */
  follow?(copy: CopyContents, keys: readonly string[] | null): void;
  /** This node is to have no copy any more: a source that kept it ready gives it up. */
  forget?(): Promise<void>;
  /** Of a source that holds first packets, while the slot is held: what became of them; for views, once a second. */
  firstPackets?(): FirstPacketReport | null;
  /** While the slot is held: why not all of the state is told; null: it is. For views, once a second. */
  fault?(): string | null;
  /** Of a source that is a function, while the slot is held: how often it was refused. For views, once a second. */
  refusals?(): number;
  /** Of a source that follows the kernel's events, while the slot is held: how often it lost some; null: never. For views, once a second. */
  overruns?(): OverrunReport | null;
  /**
   * Values of the state were damaged at the node agent: the function is to say what it has otherwise than `entries`, as one that comes again.
   * Absent: it cannot.
   */
  tellAnew?(): void;
  /** Some of what the slot was taken with could not be had here. */
  hasLost?(): boolean;
  close(): Promise<void>;
}

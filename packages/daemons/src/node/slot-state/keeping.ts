// SPDX-License-Identifier: Apache-2.0
import type { AgentInput, StateOutput } from '@vnfpool/core/agent';
import type { ListWord, ReplicaStore, StandbyInit, TakenOver } from '@vnfpool/core/replication';
import type { Clock, DriverFault } from '@vnfpool/runtime/driver';
import type { Logger } from '@vnfpool/runtime/logging';
import type { CopyServer } from '@vnfpool/runtime/replication';
import type { SealKey } from '@vnfpool/runtime/state-seal';
import type { Connection, StreamTransport } from '@vnfpool/transport/stream';
import type { CheckpointPlace } from '@vnfpool/wire/checkpoint';
import type {
  FoundSlot,
  LeasePeer,
  MadeCheckpoint,
  SharingReport,
  SlotDefinition,
} from '@vnfpool/wire/mobility';
import type { OpenStores } from './open-stores.ts';
import type { StateEntry, StateSink } from './state-source.ts';
import type { OtherSource } from './state-tasks.ts';

export type Take = StateOutput & { readonly type: 'take-state' };

/** What is left of a state when its slot is held here no more. */
export type Kept = NonNullable<StandbyInit['kept']>;

/** What a new holder begins with. */
export interface Found {
  readonly from: TakenOver;
  /** It is a state that a holder had. */
  readonly isWhole: boolean;
  /** Somebody wanted another state than what this node had as the last holder, or than none. */
  readonly isRestored?: boolean;
  /** More is missing than was agreed on; it was told. */
  readonly isLossy: boolean;
}

/** The state of a slot while it is held here. */
export interface HeldSlot extends StateSink {
  /** The holder may begin. */
  readonly ready: Promise<void>;
  /** The function has told all that it had itself: others may have it from now on. */
  gathered(): void;
  /** A value stands with this list. */
  stands(list: ListWord): void;
  /** What the function is to have when it is given the slot; one whose state is its own says what it has otherwise. */
  given?(isOwn: boolean): Iterable<StateEntry>;
  /** Its function has the state. @param ask called when values were damaged here: the function is to tell them anew; null: it cannot */
  whenDamaged?(ask: (() => void) | null): void;
  /** No change follows. @param signal others are not to be waited for */
  leave(signal: AbortSignal): Promise<Kept>;
  /** For views; once a second. */
  report(): SharingReport;
  /** Of state that goes to a store: a checkpoint now. @throws Error why there is none */
  checkpointNow?(isFull: boolean): Promise<MadeCheckpoint>;
  /**
   * Whoever takes the slot next begins with this one: nothing that is changed from here on counts. The slot is to be given up then.
   * @throws Error why not; the holder goes on
   */
  restore?(chosen: ReplicaStore): Promise<MadeCheckpoint>;
}

/** Where the state of a slot is when its holder is gone: at standbys, or in a store. Calls follow one another. */
export interface StateKeeping {
  readonly method: 'standbys' | 'checkpoint' | 'shared';
  define(definition: SlotDefinition, peers: readonly LeasePeer[]): void;
  /** What this node goes on from. @throws Error: the slot is given up */
  found(order: Take, epoch: number, signal: AbortSignal): Promise<Found>;
  /** @param isGathering only the function has the state, and nobody else may have it before `gathered` */
  hold(order: Take, epoch: number, found: Found, isGathering: boolean): HeldSlot;
  /** The function has the state. */
  begun(): void;
  /** Another node holds the slot than was known before. */
  overtaken?(): void;
  /** Of state that goes to a store: what it has of other slots. @throws Error why that cannot be told */
  others?(signal: AbortSignal, from?: Partial<OtherSource>): Promise<readonly FoundSlot[]>;
  /** Of state that goes to a store: what it was at this checkpoint. @param from of this slot @throws Error why it cannot be had */
  stateAt?(place: CheckpointPlace, from?: OtherSource): Promise<ReplicaStore>;
  /** As `restore` of `HeldSlot`, where nobody holds the slot. @param isOther it was another slot's @throws Error why not */
  restoreUnheld?(chosen: ReplicaStore, isOther: boolean): Promise<MadeCheckpoint>;
  /** Held here no more, or not yet. */
  keep(kept?: Kept): void;
  close(): Promise<void>;
}

export interface KeepingParts {
  readonly self: number;
  /** Of the set, as it was declared last. */
  readonly setName: () => string;
  /** Node of a peer, by its certificate. */
  readonly peerOf: (connection: Connection) => number | null;
  readonly server: CopyServer;
  /** To the copies of others. */
  readonly transport: StreamTransport;
  readonly stores: OpenStores;
  /** To which secrets of copies are sealed. */
  readonly sealKey: SealKey;
  readonly give: (input: AgentInput) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onFault: (fault: DriverFault) => void;
}

// SPDX-License-Identifier: Apache-2.0

import type { FunctionId, SlotId } from '@vnfpool/core';
import type { StateOutput } from '@vnfpool/core/agent';
import type { ListWord, ReplicaStore } from '@vnfpool/core/replication';
import { listCheckpoints } from '@vnfpool/runtime/checkpoint';
import type { CheckpointPlace } from '@vnfpool/wire/checkpoint';
import type {
  CouncilDefinition,
  FoundCheckpoint,
  FoundSlot,
  LeasePeer,
  MadeCheckpoint,
  SharingReport,
  SlotCandidate,
  SlotDefinition,
  SlotState,
} from '@vnfpool/wire/mobility';
import type { ToWorker } from '../worker-messages.ts';
import { CheckpointKeeping } from './checkpoint-keeping.ts';
import type { HeldSlot, KeepingParts, StateKeeping, Take } from './keeping.ts';
import { KnownHolder } from './known-holder.ts';
import { LAST_CHANGES_MS } from './last-word.ts';
import { RecordedSink } from './recorded-sink.ts';
import type { Recorder } from './recorder.ts';
import { SharedStoreKeeping } from './shared-store-keeping.ts';
import { StandbyFollowing } from './standby-following.ts';
import { StandbyKeeping } from './standby-keeping.ts';
import { candidatesAt } from './standby-places.ts';
import type { StateSource } from './state-source.ts';
import type { OtherSource, SlotTasks } from './state-tasks.ts';
import { orAborted, pause } from './waiting.ts';

export interface SharedSlotParts extends KeepingParts {
  /** A function's end of its state; null: it shares none. @throws Error when the function is not here */
  readonly sourceOf: (functionId: FunctionId, slot: SlotDefinition) => Promise<StateSource | null>;
  readonly post: (message: ToWorker) => void;
}

interface Held {
  readonly state: HeldSlot;
  readonly source: StateSource;
  /** What the source tells goes through it. */
  readonly sink: RecordedSink;
  /** What there is of the state is all of it: what is left of it may stand in for a copy. */
  isComplete: boolean;
}

/** For a function to take the state in. */
const TAKE_MS = 60_000;
/** Between a function that serves, and whose state cannot be had, and the next try. */
const AGAIN_MS = 1_000;

/** One slot whose state is shared, at a node with a candidate for it: between its function, and wherever the state is kept. */
export class SharedSlot implements SlotTasks {
  readonly #parts: SharedSlotParts;
  readonly #id: SlotId;
  #definition: SlotDefinition;
  #peers: readonly LeasePeer[];
  #keeping: StateKeeping;
  #held: Held | null = null;
  readonly #following: StandbyFollowing;
  readonly #known: KnownHolder;
  /** The source that held the slot last, and has its state itself. */
  #owner: StateSource | null = null;
  /** Of the value that stands, while the slot is held here. */
  #epoch = 0;
  #onNewEpoch: ((epoch: number, listed: readonly SlotCandidate[]) => void) | undefined;
  /** Grant for which this node has nobody beside it in the list: giving it up would help nobody. */
  #aloneFor = 0;
  #isHeldElsewhere = false;
  /** Given up by what comes next. */
  #taking = new AbortController();
  #leaving = new AbortController();
  /** One after the other. */
  #orders: Promise<void> = Promise.resolve();
  #reported = 'null';
  #isClosing = false;

  constructor(
    parts: SharedSlotParts,
    definition: SlotDefinition,
    peers: readonly LeasePeer[],
    councils: readonly CouncilDefinition[] = [],
  ) {
    this.#parts = parts;
    this.#known = new KnownHolder(parts.self);
    this.#known.define(definition, councils);
    this.#id = definition.id as SlotId;
    this.#definition = definition;
    this.#peers = peers;
    this.#following = new StandbyFollowing(() => this.#sourceHere());
    this.#keeping = this.#keepingOf(definition);
    this.#keeping.keep();
  }

  define(
    definition: SlotDefinition,
    peers: readonly LeasePeer[],
    councils: readonly CouncilDefinition[] = [],
  ): void {
    this.#known.define(definition, councils);
    this.#definition = definition;
    this.#peers = peers;
    this.#keeping.define(definition, peers);
    // The method of a slot that is held stays until it is left.
    this.#inOrder(() => this.#followMethod());
  }

  /** Who holds it, as the lease worker sees it. */
  observed(state: SlotState): void {
    this.#isHeldElsewhere = state.state === 'held';
    if (this.#known.observe(state)) this.#keeping.overtaken?.();
  }

  /** The slot was granted here: its function is to have the state before the address answers. */
  take(order: Take): void {
    // What the last holding has left for others is not waited for.
    this.#leaving.abort();
    this.#taking = new AbortController();
    const { signal } = this.#taking;
    this.#epoch = Math.max(this.#epoch, order.epoch);
    this.#inOrder(async () => {
      try {
        await this.#take(order, signal);
      } catch (error) {
        await this.#failed(order, error as Error, signal);
      }
    });
  }

  /** A value stands under this epoch, with this list. */
  listed({ epoch, listed, serial }: StateOutput & { readonly type: 'listed' }): void {
    this.#epoch = epoch;
    this.#onNewEpoch?.(epoch, listed);
    this.#held?.state.stands({ standbys: this.#others(listed), serial });
  }

  /** The slot is held here no more. */
  leave(): void {
    this.#taking.abort(new Error('the slot is held no more'));
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    this.#inOrder(() => this.#release(signal));
  }

  /** Nobody here is a candidate any more, or the agent ends. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.leave();
    this.#inOrder(() => this.#keeping.close());
    this.#inOrder(() => this.#following.close());
    await this.#orders;
  }

  /** Tells how far the standbys are, where that has changed; once a second. */
  report(): void {
    this.#following.look();
    const report = this.#held === null ? null : reportOf(this.#held);
    const text = JSON.stringify(report);
    if (text === this.#reported) return;
    this.#reported = text;
    this.#parts.give({ type: 'sharing', slot: this.#id, report });
  }

  checkpoint(isFull: boolean): Promise<MadeCheckpoint> {
    const { state } = this.#holding();
    return (
      state.checkpointNow?.(isFull) ?? Promise.reject(new Error('there are no checkpoints of its state'))
    );
  }

  async checkpoints(signal: AbortSignal, source?: string): Promise<readonly FoundCheckpoint[]> {
    const { sharing } = this.#definition;
    if (sharing?.method !== 'checkpoint') return noCheckpoints();
    return listCheckpoints(this.#parts.stores.at(sharing.store), source ?? this.#id, signal);
  }

  async others(signal: AbortSignal, from?: Partial<OtherSource>): Promise<readonly FoundSlot[]> {
    return (await this.#keeping.others?.(signal, from)) ?? noCheckpoints();
  }

  /** What the store has of it is read first, as that may take its time. */
  async restore(place: CheckpointPlace, signal: AbortSignal, from?: OtherSource): Promise<MadeCheckpoint> {
    const chosen = (await this.#keeping.stateAt?.(place, from)) ?? noCheckpoints();
    return new Promise((resolve, reject) => {
      this.#inOrder(() => this.#restore(chosen, signal, from !== undefined).then(resolve, reject));
    });
  }

  record(recorder: Recorder): void {
    this.#holding().sink.record(recorder);
  }

  /** @throws Error */
  #holding(): Held {
    if (this.#held === null) throw new Error('the slot is not held here');
    return this.#held;
  }

  async #restore(chosen: ReplicaStore, signal: AbortSignal, isOther: boolean): Promise<MadeCheckpoint> {
    signal.throwIfAborted();
    const { state } = this.#held ?? {};
    if (state === undefined && this.#isHeldElsewhere) throw new Error('another node holds the slot');
    const made = await (state === undefined
      ? this.#keeping.restoreUnheld?.(chosen, isOther)
      : state.restore?.(chosen));
    if (made === undefined) return noCheckpoints();
    if (state !== undefined) this.#giveUp();
    return made;
  }

  /** What there is here of the state counts no more: whoever takes the slot next begins with what the store has. */
  #giveUp(): void {
    this.#owner = null;
    if (this.#held !== null) this.#held.isComplete = false;
    this.#parts.post({ type: 'release', slot: this.#id, reason: 'operator' });
  }

  async #take(order: Take, signal: AbortSignal): Promise<void> {
    const { sourceOf } = this.#parts;
    const stop = AbortSignal.any([signal, AbortSignal.timeout(TAKE_MS)]);
    const source = await orAborted(sourceOf(order.functionId as FunctionId, this.#definition), stop);
    if (source === null) throw new Error('its function shares no state');
    const resumed = order.isResumed ? await this.#alone(order, signal) : order.epoch;
    const found = await this.#keeping.found(order, resumed, signal);
    this.#following.pause();
    const { isWhole } = found;
    const { previous, isResumed } = order;
    const isLossy = order.isLossy || found.isLossy;
    // A slot that nobody has held has what is there.
    const isOwn =
      isResumed ||
      (previous === null && found.isRestored !== true) ||
      (previous?.node === this.#parts.self &&
        found.isRestored !== true &&
        (!isWhole || this.#owner === source));
    if (previous !== null && !isOwn && !isWhole && !isLossy) throw new Error('there is no copy of its state');
    // Only the function has it: whoever was listed must not be filled with less, nor take over with what it had.
    const isGathering =
      isOwn && !isWhole && (isResumed || previous !== null) && this.#keeping.method === 'standbys';
    const epoch = isGathering && !isResumed ? await this.#alone(order, signal) : resumed;
    // Where it is alone in the list nobody else counts, whoever did when the slot was granted.
    const listed = isResumed || isGathering ? [] : order.listed;
    const state = this.#keeping.hold({ ...order, listed }, epoch, found, isGathering);
    const sink = new RecordedSink(state);
    const held = { state, source, sink, isComplete: isWhole || isLossy || (previous === null && !isResumed) };
    this.#held = held;
    await source.begin(state.given?.(isOwn) ?? state.entries(), sink, {
      isOwn,
      epoch: String(epoch),
      signal: stop,
    });
    state.gathered();
    await orAborted(state.ready, signal);
    held.isComplete = true;
    this.#owner = source;
    this.#owns(order);
    // What was changed in between is told with the epoch that stands.
    this.#onNewEpoch = () => this.#owns(order);
    state.whenDamaged?.(source.tellAnew === undefined ? null : () => source.tellAnew?.());
    this.#keeping.begun();
    this.#answer(order, true, '');
  }

  /** A function that serves, or that alone has the state, is asked again: nobody else could go on. */
  async #failed(order: Take, error: Error, signal: AbortSignal): Promise<void> {
    const isAskedAgain = order.isResumed || this.#aloneFor === order.epoch;
    try {
      await this.#release(signal);
    } finally {
      if (!signal.aborted && !isAskedAgain) this.#answer(order, false, error.message);
    }
    if (signal.aborted || !isAskedAgain) return;
    const { clock, logger } = this.#parts;
    logger.warn({ slot: this.#id, reason: error.message }, 'the state of the function cannot be had yet');
    await pause(clock, AGAIN_MS, signal);
    if (!signal.aborted) this.take(order);
  }

  /** Under another epoch, with nobody but this node in the list: what copies have is of no use. */
  #alone({ epoch }: Take, signal: AbortSignal): Promise<number> {
    this.#aloneFor = epoch;
    const next = new Promise<number>((resolve) => {
      this.#onNewEpoch = (stands, listed) => {
        // One that was under way may come first. Whom a store is enough for is listed all the same.
        const isAlone = this.#others(listed).length === 0;
        if (isAlone || this.#keeping.method !== 'standbys') resolve(stands);
      };
    });
    this.#parts.post({
      type: 'list',
      slot: this.#id,
      epoch,
      candidates: [],
      serial: 0,
      isAnew: true,
    });
    return orAborted(next, signal);
  }

  #owns({ functionId }: Take): void {
    this.#parts.give({
      type: 'owns-state',
      slot: this.#id,
      functionId: functionId as FunctionId,
      epoch: this.#epoch,
    });
  }

  /** From a holder, or from nothing, back to a standby. */
  async #release(signal: AbortSignal): Promise<void> {
    this.#onNewEpoch = undefined;
    const held = this.#held;
    this.#held = null;
    if (held === null) {
      if (!this.#isClosing) this.#keeping.keep();
      await this.#followMethod();
      return;
    }
    this.report();
    held.sink.close();
    const { clock, logger } = this.#parts;
    const ended = held.source.end().catch((error: Error) => {
      logger.warn({ slot: this.#id, reason: error.message }, 'the last changes may be missing');
    });
    // What it says may have to wait for standbys that nobody can remove any more.
    await Promise.race([ended, pause(clock, LAST_CHANGES_MS, signal)]);
    const kept = await held.state.leave(signal);
    if (!this.#isClosing) this.#keeping.keep(held.isComplete ? kept : undefined);
    await this.#followMethod();
  }

  /** Where the definition says that the state is kept now. */
  async #followMethod(): Promise<void> {
    if (this.#isClosing || this.#held !== null) return;
    if (methodOf(this.#definition) === this.#keeping.method) return;
    await this.#keeping.close();
    await this.#following.forget();
    this.#keeping = this.#keepingOf(this.#definition);
    this.#keeping.keep();
  }

  #keepingOf(definition: SlotDefinition): StateKeeping {
    const method = methodOf(definition);
    if (method === 'checkpoint') {
      const onOverruled = (): void => this.#giveUp();
      return new CheckpointKeeping({ ...this.#parts, onOverruled }, definition);
    }
    if (method === 'shared') return new SharedStoreKeeping(this.#parts, definition);
    const onList = ({ standbys, serial }: ListWord): void => {
      const candidates = this.#candidates(standbys);
      this.#parts.post({ type: 'list', slot: this.#id, epoch: this.#epoch, candidates, serial });
    };
    const onCopy = this.#following.changed.bind(this.#following);
    return new StandbyKeeping(
      { ...this.#parts, known: this.#known, onList, onCopy },
      definition,
      this.#peers,
    );
  }

  /** Of this node's candidate; null: it has none, or the function is not here. */
  async #sourceHere(): Promise<StateSource | null> {
    const { self, sourceOf } = this.#parts;
    const own = this.#definition.candidates.find(({ node }) => node === self);
    if (own === undefined) return null;
    return sourceOf(own.functionId as FunctionId, this.#definition).catch(() => null);
  }

  #answer({ epoch }: Take, isTaken: boolean, reason: string): void {
    this.#parts.post({ type: 'state-taken', slot: this.#id, epoch, isTaken, reason });
  }

  #others(listed: readonly { readonly node: number }[]): number[] {
    return listed.map(({ node }) => node).filter((node) => node !== this.#parts.self);
  }

  #candidates(nodes: readonly number[]): ReturnType<typeof candidatesAt> {
    return candidatesAt(this.#definition, nodes);
  }

  #inOrder(run: () => Promise<void>): void {
    this.#orders = this.#orders.then(run).catch((error: Error) => {
      this.#parts.logger.error({ slot: this.#id, reason: error.message }, 'shared state');
    });
  }
}

function reportOf({ state, source }: Held): SharingReport {
  const report = state.report();
  const firstPackets = source.firstPackets?.() ?? null;
  const overruns = source.overruns?.() ?? null;
  const fault = source.fault?.() ?? null;
  const refusals = source.refusals?.() ?? 0;
  return {
    ...report,
    isLossy: report.isLossy || source.hasLost?.() === true,
    ...(firstPackets === null ? {} : { firstPackets }),
    ...(overruns === null ? {} : { overruns }),
    ...(fault === null ? {} : { fault }),
    ...(refusals === 0 ? {} : { refusals }),
  };
}

function noCheckpoints(): never {
  throw new Error('there are no checkpoints of its state');
}

function methodOf({ sharing }: SlotDefinition): StateKeeping['method'] {
  return sharing?.method === 'checkpoint' || sharing?.method === 'shared' ? sharing.method : 'standbys';
}

// SPDX-License-Identifier: Apache-2.0
import type { FunctionId, SlotId } from '@vnfpool/core';
import type { AgentInput, StateOutput } from '@vnfpool/core/agent';
import { ReplicaStore, type StandbyInit, type TakenOver } from '@vnfpool/core/replication';
import type { Clock, DriverFault } from '@vnfpool/runtime/driver';
import type { Logger } from '@vnfpool/runtime/logging';
import { type CopyServer, StateCopy } from '@vnfpool/runtime/replication';
import type { StreamTransport } from '@vnfpool/transport/stream';
import type { LeasePeer, SlotDefinition } from '@vnfpool/wire/mobility';
import type { ToWorker } from '../worker-messages.ts';
import { HeldState } from './held-state.ts';
import { candidatesAt, placesOf } from './standby-places.ts';
import type { StateSource } from './state-source.ts';

export interface SharedSlotParts {
  readonly self: number;
  readonly server: CopyServer;
  /** To the copies of others. */
  readonly transport: StreamTransport;
  /** A function's end of its state; null: it shares none. @throws Error when the function is not here */
  readonly sourceOf: (functionId: FunctionId, slot: SlotDefinition) => Promise<StateSource | null>;
  readonly give: (input: AgentInput) => void;
  readonly post: (message: ToWorker) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onFault: (fault: DriverFault) => void;
}

type Take = StateOutput & { readonly type: 'take-state' };
type Kept = NonNullable<StandbyInit['kept']>;

interface Held {
  readonly state: HeldState;
  readonly source: StateSource;
}

/** For a holder that lets go to send its last updates. */
const LAST_UPDATES_MS = 500;
/** For a function to take the state in. */
const TAKE_MS = 60_000;

/** One slot whose state is shared, at a node with a candidate for it: a copy as long as another node holds it, else its source. */
export class SharedSlot {
  readonly #parts: SharedSlotParts;
  readonly #id: SlotId;
  #definition: SlotDefinition;
  #peers: readonly LeasePeer[];
  #copy: StateCopy | null = null;
  #held: Held | null = null;
  /** The source that held the slot last, and has its state itself. */
  #owner: StateSource | null = null;
  /** Of the value that stands, while the slot is held here. */
  #epoch = 0;
  #onNewEpoch: ((epoch: number) => void) | undefined;
  #onEnded: (() => void) | undefined;
  /** Epoch whose holder has said that nothing follows. */
  #endedEpoch = 0;
  /** Given up by what comes next. */
  #taking = new AbortController();
  #leaving = new AbortController();
  /** One after the other. */
  #orders: Promise<void> = Promise.resolve();
  #reported = 'null';

  constructor(parts: SharedSlotParts, definition: SlotDefinition, peers: readonly LeasePeer[]) {
    this.#parts = parts;
    this.#id = definition.id as SlotId;
    this.#definition = definition;
    this.#peers = peers;
    this.#keepCopy();
  }

  define(definition: SlotDefinition, peers: readonly LeasePeer[]): void {
    this.#definition = definition;
    this.#peers = peers;
    this.#held?.state.keepAt(this.#places());
  }

  /** The slot was granted here: its function is to have the state before the address answers. */
  take(order: Take): void {
    // What the last holding has left for others is not waited for.
    this.#leaving.abort();
    this.#taking = new AbortController();
    const { signal } = this.#taking;
    this.#epoch = order.epoch;
    this.#inOrder(async () => {
      try {
        await this.#take(order, signal);
      } catch (error) {
        await this.#release(signal);
        if (!signal.aborted) this.#answer(order, false, (error as Error).message);
      }
    });
  }

  /** A value stands under this epoch, with this list. */
  listed({ epoch, listed }: StateOutput & { readonly type: 'listed' }): void {
    this.#epoch = epoch;
    this.#onNewEpoch?.(epoch);
    this.#held?.state.stands(this.#others(listed));
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
    this.leave();
    this.#inOrder(async () => {
      if (this.#copy !== null) this.#parts.server.remove(this.#copy);
      await this.#copy?.close();
    });
    await this.#orders;
  }

  /** Tells how far the standbys are, where that has changed; once a second. */
  report(): void {
    const report = this.#held?.state.report() ?? null;
    const text = JSON.stringify(report);
    if (text === this.#reported) return;
    this.#reported = text;
    this.#parts.give({ type: 'sharing', slot: this.#id, report });
  }

  async #take(order: Take, signal: AbortSignal): Promise<void> {
    const { sourceOf, give } = this.#parts;
    const source = await sourceOf(order.functionId as FunctionId, this.#definition);
    if (source === null) throw new Error('its function shares no state');
    const { from, isWhole } = await this.#copied(order, signal);
    const { previous, isResumed, isLossy } = order;
    // A slot that nobody has held has what is there.
    const isOwn =
      isResumed ||
      previous === null ||
      (previous.node === this.#parts.self && (!isWhole || this.#owner === source));
    if (previous !== null && !isOwn && !isWhole && !isLossy) throw new Error('there is no copy of its state');
    const epoch = order.isResumed ? await this.#newEpoch(order, signal) : order.epoch;
    const state = this.#hold(order, epoch, from);
    this.#held = { state, source };
    await source.begin(state.entries(), state, {
      isOwn,
      epoch: String(epoch),
      signal: AbortSignal.any([signal, AbortSignal.timeout(TAKE_MS)]),
    });
    await orAborted(state.ready, signal);
    this.#owner = source;
    this.#owns(order);
    // What was changed in between is told with the epoch that stands.
    this.#onNewEpoch = () => this.#owns(order);
    give({ type: 'copy', slot: this.#id, isWhole: true });
    this.#answer(order, true, '');
  }

  /** What this node goes on from; its copy takes nothing more. */
  async #copied(
    { isReleased }: Take,
    signal: AbortSignal,
  ): Promise<{ readonly from: TakenOver; readonly isWhole: boolean }> {
    const copy = this.#copy;
    if (copy === null) return { from: { store: new ReplicaStore(), history: [] }, isWhole: false };
    const isMore = copy.isConnected && copy.position.epoch !== this.#endedEpoch;
    if (isReleased && isMore) await this.#lastUpdates(signal);
    signal.throwIfAborted();
    this.#copy = null;
    this.#parts.server.remove(copy);
    const isWhole = copy.isWhole && copy.position.epoch > 0;
    const from = await copy.takeOver();
    return isWhole ? { from, isWhole } : { from: { ...from, store: new ReplicaStore() }, isWhole };
  }

  /** A holder that lets go sends what is left, and says that it is all. */
  #lastUpdates(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    return new Promise((resolve) => {
      const cancel = clock.at(clock.nowMs() + LAST_UPDATES_MS, () => resolve());
      this.#onEnded = () => {
        cancel();
        resolve();
      };
      signal.addEventListener('abort', this.#onEnded, { once: true });
    });
  }

  /** The copies have what the process before told them: under its epoch nothing else may be said. */
  #newEpoch({ epoch, listed }: Take, signal: AbortSignal): Promise<number> {
    const next = new Promise<number>((resolve) => {
      this.#onNewEpoch = resolve;
    });
    this.#parts.post({
      type: 'list',
      slot: this.#id,
      epoch,
      candidates: this.#candidates(this.#others(listed)),
      isAnew: true,
    });
    return orAborted(next, signal);
  }

  #hold({ listed, isLossy }: Take, epoch: number, from: TakenOver): HeldState {
    const { post, ...parts } = this.#parts;
    const { sharing } = this.#definition;
    if (sharing === undefined) throw new Error('its state is not shared any more');
    return new HeldState({
      ...parts,
      ...from,
      slot: this.#id,
      epoch,
      sharing,
      places: this.#places(),
      listed: this.#others(listed),
      isLossy,
      onList: (nodes) =>
        post({ type: 'list', slot: this.#id, epoch: this.#epoch, candidates: this.#candidates(nodes) }),
    });
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
      if (this.#copy === null) this.#keepCopy();
      return;
    }
    this.report();
    await held.source.end().catch((error: Error) => {
      this.#parts.logger.warn({ slot: this.#id, reason: error.message }, 'the last changes may be missing');
    });
    this.#keepCopy(await held.state.leave(signal));
  }

  #keepCopy(kept?: Kept): void {
    const { clock, onFault, server, logger, give } = this.#parts;
    const tell = (isWhole: boolean): void => give({ type: 'copy', slot: this.#id, isWhole });
    const copy = new StateCopy({
      slot: this.#id,
      clock,
      onFault,
      ...(kept && { kept }),
      onNotice: (notice) => {
        if (this.#copy !== copy) return;
        if (notice.type === 'state') tell(notice.isWhole && notice.position.epoch > 0);
        else if (notice.type === 'ended') {
          this.#endedEpoch = copy.position.epoch;
          this.#onEnded?.();
        } else
          logger[notice.severity === 'warning' ? 'warn' : notice.severity](
            { slot: this.#id },
            notice.message,
          );
      },
    });
    this.#copy = copy;
    server.add(copy);
    tell(kept !== undefined && copy.position.epoch > 0);
  }

  #answer({ epoch }: Take, isTaken: boolean, reason: string): void {
    this.#parts.post({ type: 'state-taken', slot: this.#id, epoch, isTaken, reason });
  }

  #places(): ReturnType<typeof placesOf> {
    return placesOf(this.#definition, this.#peers, this.#parts.self);
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

/** Whatever comes first; a promise that never settles is left behind. */
function orAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

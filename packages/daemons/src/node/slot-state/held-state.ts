// SPDX-License-Identifier: Apache-2.0

import type { TakenOver } from '@vnfpool/core/replication';
import { type KeyUpdate, type ListWord, type ReplicationBound, StandbyList } from '@vnfpool/core/replication';
import type { Clock, DriverFault } from '@vnfpool/runtime/driver';
import type { Logger } from '@vnfpool/runtime/logging';
import { ReplicatedState, type StateNotice } from '@vnfpool/runtime/replication';
import type { SealKey } from '@vnfpool/runtime/state-seal';
import type { StreamTransport } from '@vnfpool/transport/stream';
import type { SecurityState, SharingReport, StandbySharing } from '@vnfpool/wire/mobility';
import type { HeldSlot, Kept } from './keeping.ts';
import { LAST_CONFIRMED_MS } from './last-word.ts';
import { SlotSecrets } from './slot-secrets.ts';
import { StandbyMeter } from './standby-meter.ts';
import type { SecretPlace } from './standby-places.ts';
import type { StateEntry } from './state-source.ts';

export interface HeldStateOptions extends TakenOver {
  readonly slot: string;
  readonly epoch: number;
  /** The function that has it. */
  readonly functionId: number;
  readonly sharing: StandbySharing;
  readonly places: readonly SecretPlace[];
  readonly sealKey: SealKey;
  /** Nodes that may take over, but for this one, by the value that stands. */
  readonly listed: readonly number[];
  /** Standbys are not served before `gathered`; none is listed. */
  readonly isGathering: boolean;
  readonly isLossy: boolean;
  readonly transport: StreamTransport;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onFault: (fault: DriverFault) => void;
  /** These are to be listed from now on. */
  readonly onList: (word: ListWord) => void;
}

/** Between two times that a function is to tell its state anew. */
const ASK_EVERY_MS = 5_000;

/** The state of a slot while it is held here: what its function tells of it goes to the standbys, and these to the list. */
export class HeldState implements HeldSlot {
  readonly #options: HeldStateOptions;
  readonly #state: ReplicatedState;
  readonly #list: StandbyList;
  readonly #secrets: SlotSecrets;
  readonly #underWay = new Set<Promise<unknown>>();
  /** Every listed standby has confirmed the epoch, or was removed. */
  readonly ready: Promise<void>;
  #isReady: () => void = () => undefined;
  #reportedSequence: number;
  readonly #meter: StandbyMeter;
  #waiting = 0;
  #places: readonly SecretPlace[] = [];
  #isGathering: boolean;
  /** Undefined: the function does not have the state yet; null: it cannot tell it anew. */
  #askAnew: (() => void) | null | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #cancelAsking: (() => void) | null = null;

  constructor(options: HeldStateOptions) {
    const { slot, epoch, store, history, sharing, transport, places, listed, clock, onFault } = options;
    this.#options = options;
    this.#secrets = new SlotSecrets({ ...options, securityState: this.securityState });
    this.#isGathering = options.isGathering;
    this.#list = new StandbyList(listed);
    this.#reportedSequence = store.sequence;
    this.#meter = new StandbyMeter(clock.nowMs());
    this.ready = new Promise((resolve) => {
      this.#isReady = resolve;
    });
    this.#state = new ReplicatedState({
      slot,
      epoch,
      store,
      history,
      bound: boundOf(sharing),
      transport,
      // Not before secrets are kept for them.
      standbys: [],
      listed,
      clock,
      onFault,
      onNotice: (notice) => this.#heard(notice),
    });
    this.keepAt(places);
  }

  get securityState(): SecurityState {
    return this.#options.sharing.securityState ?? 'excluded';
  }

  get defers(): boolean {
    return this.#options.sharing.defers === true;
  }

  /** What there is now, for a function that says what it has otherwise. */
  entries(): Iterable<StateEntry> {
    return this.given(true);
  }

  given(isOwn: boolean): Iterable<StateEntry> {
    return this.#secrets.given(this.#options.store, isOwn);
  }

  whenDamaged(ask: (() => void) | null): void {
    this.#askAnew = ask;
    if (this.#state.damage.now > 0) this.#damaged();
  }

  /** What the function tells of what it had itself is not held up: nobody else can have it yet, and nobody else can take over. */
  async change(updates: readonly KeyUpdate[]): Promise<void> {
    if (this.#isGathering) {
      this.#gather(updates);
      return;
    }
    await this.#follow(updates, this.#state.change(this.#kept(updates)));
  }

  /** Waits also for what is told of before others may have it: from then on they count. */
  changeDeferred(updates: readonly KeyUpdate[]): Promise<void> {
    return this.#follow(updates, this.#state.changeDeferred(this.#kept(updates)));
  }

  async #follow(updates: readonly KeyUpdate[], changed: Promise<void>): Promise<void> {
    this.#waiting += updates.length;
    this.#underWay.add(changed);
    try {
      await changed;
    } finally {
      this.#underWay.delete(changed);
      this.#waiting -= updates.length;
    }
  }

  #gather(updates: readonly KeyUpdate[]): void {
    const { logger, slot } = this.#options;
    const changed = this.#state.change(this.#kept(updates)).catch((error: Error) => {
      logger.warn({ slot, reason: error.message }, 'what the function had itself was not taken');
    });
    this.#underWay.add(changed);
    void changed.finally(() => this.#underWay.delete(changed));
  }

  #kept(updates: readonly KeyUpdate[]): readonly KeyUpdate[] {
    const isPlain = updates.every(({ secret }) => secret === undefined);
    return isPlain ? updates : updates.map((update) => this.#secrets.kept(update));
  }

  gathered(): void {
    if (!this.#isGathering) return;
    this.#isGathering = false;
    this.#state.keepAt(this.#places);
  }

  /** Asks for the list once more, by the candidates that there are now. */
  relist(): void {
    if (!this.#isGathering) this.#options.onList(this.#list.word());
  }

  /** A value stands with this list. */
  stands(list: ListWord): void {
    this.#list.stands(list);
    this.#state.listed(this.#list.possible);
  }

  /** Copies are kept at these places from now on. */
  keepAt(places: readonly SecretPlace[]): void {
    this.#places = this.#secrets.placed(places);
    this.#rewrite(this.#secrets.rewrites(this.#options.store));
    if (!this.#isGathering) this.#state.keepAt(this.#places);
  }

  #rewrite(rewrites: readonly KeyUpdate[]): void {
    if (rewrites.length === 0) return;
    const { logger, slot, store } = this.#options;
    const before = store.sequence;
    this.#state.rewrite(rewrites);
    const left = rewrites.length - (store.sequence - before);
    // Who cannot open one does not take the slot.
    if (left > 0)
      logger.error({ slot, left }, 'secrets could not be sealed to other nodes: there is no room');
  }

  /**
   * No change follows. What is left is what this node goes on with as a standby. @param signal the standbys are not to be waited for
   */
  async leave(signal: AbortSignal): Promise<Kept> {
    this.#askAnew = undefined;
    this.#cancelAsking?.();
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    const late = after(this.#options.clock, LAST_CONFIRMED_MS);
    await Promise.race([Promise.allSettled(this.#underWay), late, aborted]);
    this.#state.end();
    await Promise.race([this.#state.flushed(LAST_CONFIRMED_MS), aborted]);
    return this.#state.close();
  }

  /** For views; once a second. */
  report(): SharingReport {
    const { store, isLossy, clock } = this.#options;
    const { sequence } = store;
    const updatesPerSecond = Math.max(0, sequence - this.#reportedSequence);
    this.#reportedSequence = sequence;
    const { damage } = this.#state;
    return {
      keys: store.keys,
      bytes: store.bytes,
      sequence,
      updatesPerSecond,
      waiting: this.#waiting,
      isLossy,
      standbys: this.#meter.read(this.#state.standbys, clock.nowMs()),
      ...(damage.found > 0 && { damage }),
    };
  }

  #damaged(): void {
    const { clock, logger, slot } = this.#options;
    const { found, now } = this.#state.damage;
    if (now === 0) {
      logger.info({ slot, found }, 'nothing of the state here is damaged any more');
      return;
    }
    const then =
      this.#askAnew === null
        ? 'no standby is given them until the function changes them'
        : 'the function is to tell them anew';
    logger.error({ slot, now }, `values of the state here were damaged in memory: ${then}`);
    if (!this.#askAnew || this.#cancelAsking !== null) return;
    // Memory that fails again and again does not have the function do nothing else.
    this.#cancelAsking = clock.at(Math.max(clock.nowMs(), this.#askedAtMs + ASK_EVERY_MS), () => {
      this.#cancelAsking = null;
      if (this.#state.damage.now === 0) return;
      this.#askedAtMs = clock.nowMs();
      this.#askAnew?.();
    });
  }

  #heard(notice: StateNotice): void {
    const { logger, slot, onList } = this.#options;
    switch (notice.type) {
      case 'ready':
        this.#isReady();
        return;
      case 'unlist': {
        logger.warn({ slot, node: notice.standby, reason: notice.reason }, 'a standby leaves the list');
        const word = this.#list.remove(notice.standby);
        if (word) onList(word);
        return;
      }
      case 'caught-up': {
        logger.info({ slot, node: notice.standby }, 'a standby has the state');
        const word = this.#list.add(notice.standby);
        if (!word) return;
        // It counts from before the first word of it.
        this.#state.listed(this.#list.possible);
        onList(word);
        return;
      }
      case 'superseded':
        logger.warn({ slot, epoch: notice.epoch }, 'a standby knows a later holder');
        return;
      case 'damaged':
        this.#damaged();
        return;
      case 'event':
        logger[notice.severity === 'warning' ? 'warn' : notice.severity](
          { slot, node: notice.standby },
          notice.message,
        );
        return;
    }
  }
}

function boundOf(sharing: StandbySharing): ReplicationBound {
  const { lossUpdates, lossMs, acknowledgedBy, overload, defers } = sharing;
  return {
    updates: lossUpdates,
    acknowledgedBy,
    overload,
    ...(lossMs === undefined ? {} : { ageMs: lossMs }),
    ...(defers === undefined ? {} : { defers }),
  };
}

function after(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.at(clock.nowMs() + ms, resolve);
  });
}

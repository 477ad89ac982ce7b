// SPDX-License-Identifier: Apache-2.0
import type { SlotId } from '@vnfpool/core';
import { type ListWord, ReplicaStore } from '@vnfpool/core/replication';
import type { CopyContents } from '@vnfpool/runtime/flow-sharing';
import { StateCopy } from '@vnfpool/runtime/replication';
import type { LeasePeer, SlotDefinition } from '@vnfpool/wire/mobility';
import type { ReplicaPosition } from '@vnfpool/wire/replication';
import { HeldState } from './held-state.ts';
import type { Found, HeldSlot, KeepingParts, Kept, StateKeeping, Take } from './keeping.ts';
import type { KnownHolder } from './known-holder.ts';
import { LAST_WORD_MS, UNHEARD_MS } from './last-word.ts';
import { placesOf } from './standby-places.ts';
import { pause } from './waiting.ts';

export interface StandbyKeepingParts extends KeepingParts {
  /** These nodes are to be listed from now on. */
  readonly onList: (word: ListWord) => void;
  readonly known: KnownHolder;
  /** The copy has come to a mark; null: any key may have changed. */
  readonly onCopy: (copy: CopyContents, keys: readonly string[] | null) => void;
}

/** As often as marks come. */
const LOOK_EVERY_MS = 100;

/** State that goes to standbys: a copy as long as another node holds the slot, else the stream to those of others. */
export class StandbyKeeping implements StateKeeping {
  readonly method = 'standbys';
  readonly #parts: StandbyKeepingParts;
  readonly #id: SlotId;
  #definition: SlotDefinition;
  #peers: readonly LeasePeer[];
  #copy: StateCopy | null = null;
  #held: HeldState | null = null;
  #onEnded: (() => void) | undefined;
  /** Epoch whose holder has said that nothing follows. */
  #endedEpoch = 0;
  #cancelJudging: () => void = () => undefined;

  constructor(parts: StandbyKeepingParts, definition: SlotDefinition, peers: readonly LeasePeer[]) {
    this.#parts = parts;
    this.#id = definition.id as SlotId;
    this.#definition = definition;
    this.#peers = peers;
  }

  define(definition: SlotDefinition, peers: readonly LeasePeer[]): void {
    this.#definition = definition;
    this.#peers = peers;
    this.#held?.keepAt(this.#places());
    // A node may have another candidate now.
    this.#held?.relist();
  }

  /** Its copy takes nothing more. */
  async found(order: Take, _epoch: number, signal: AbortSignal): Promise<Found> {
    const copy = this.#copy;
    if (copy === null)
      return { from: { store: new ReplicaStore(), history: [] }, isWhole: false, isLossy: false };
    const isAwaited = this.#isLastWordAwaited(order, copy);
    if (isAwaited && copy.isConnected) await this.#lastWord(copy, signal);
    signal.throwIfAborted();
    const isMissing = isAwaited && this.#isLastWordAwaited(order, copy);
    this.#copy = null;
    this.#parts.server.remove(copy);
    const isWhole = copy.isWhole && copy.position.epoch > 0;
    const { position } = copy;
    const from = await copy.takeOver();
    if (!isWhole) return { from: { ...from, store: new ReplicaStore() }, isWhole, isLossy: false };
    if (isMissing)
      this.#parts.logger.error(
        { slot: this.#id, ...position },
        'the last word of the holder before did not come',
      );
    return { from, isWhole, isLossy: isMissing };
  }

  hold(
    { listed, isLossy, functionId }: Take,
    epoch: number,
    { from, isLossy: isMissing }: Found,
    isGathering: boolean,
  ): HeldSlot {
    const { self, ...parts } = this.#parts;
    const { sharing } = this.#definition;
    if (sharing?.method !== 'replicate' && sharing?.method !== 'conntrack')
      throw new Error('its state does not go to standbys any more');
    this.#held = new HeldState({
      ...parts,
      ...from,
      slot: this.#id,
      epoch,
      functionId,
      sharing,
      places: this.#places(),
      listed: listed.map(({ node }) => node).filter((node) => node !== self),
      isGathering,
      isLossy: isLossy || isMissing,
    });
    return this.#held;
  }

  begun(): void {
    this.#parts.give({ type: 'copy', slot: this.#id, isWhole: true });
  }

  /** The one before may still have its last word to say. */
  overtaken(): void {
    const { clock } = this.#parts;
    this.#cancelJudging();
    this.#cancelJudging = clock.at(clock.nowMs() + LAST_WORD_MS, () => this.#copy?.rejudge());
  }

  keep(kept?: Kept): void {
    this.#held = null;
    if (this.#copy !== null) return;
    const { clock, onFault, server, logger, give, known, peerOf } = this.#parts;
    const tell = (isWhole: boolean, position: ReplicaPosition): void =>
      give({ type: 'copy', slot: this.#id, isWhole, position });
    const copy = new StateCopy({
      slot: this.#id,
      clock,
      onFault,
      tellsReached: true,
      judge: (connection, { epoch }) => known.refusal(peerOf(connection), epoch),
      ...(kept && { kept }),
      onNotice: (notice) => {
        if (this.#copy !== copy) return;
        if (notice.type === 'reached') this.#parts.onCopy(copy, notice.keys);
        else if (notice.type === 'state') tell(notice.isWhole && notice.position.epoch > 0, notice.position);
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
    tell(kept !== undefined && copy.isWhole && copy.position.epoch > 0, copy.position);
  }

  async close(): Promise<void> {
    this.#cancelJudging();
    const copy = this.#copy;
    this.#copy = null;
    if (copy === null) return;
    this.#parts.server.remove(copy);
    this.#parts.give({ type: 'copy', slot: this.#id, isWhole: false });
    await copy.close();
  }

  /** A holder that lets go sends what is left, and says that it is all. */
  #isLastWordAwaited({ isReleased, isResumed, previous }: Take, { position }: StateCopy): boolean {
    const isOther = previous !== null && previous.node !== this.#parts.self;
    return isReleased && !isResumed && isOther && position.epoch !== this.#endedEpoch;
  }

  /** Nobody serves meanwhile: it is waited for only as long as something comes of it. */
  async #lastWord(copy: StateCopy, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const ended = new AbortController();
    this.#onEnded = () => ended.abort();
    const over = AbortSignal.any([signal, ended.signal]);
    const untilMs = clock.nowMs() + LAST_WORD_MS;
    // Looks are counted, not time: after this node stood still itself, what came meanwhile is read first.
    for (let unheard = 0; unheard < UNHEARD_MS && clock.nowMs() < untilMs && !over.aborted; ) {
      const { heardMs } = copy;
      await pause(clock, LOOK_EVERY_MS, over);
      unheard = copy.heardMs === heardMs ? unheard + LOOK_EVERY_MS : 0;
    }
    this.#onEnded = undefined;
  }

  #places(): ReturnType<typeof placesOf> {
    return placesOf(this.#definition, this.#peers, this.#parts.self);
  }
}

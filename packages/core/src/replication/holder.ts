// SPDX-License-Identifier: Apache-2.0
import type { ReplicaMessage } from '@vnfpool/wire/replication';
import type { Core } from '../core.ts';
import { HeldStandbys } from './held-standbys.ts';
import { extended, type ReplicaHistory } from './history.ts';
import type { StandbyInit } from './standby.ts';
import { StandbyAccount } from './standby-account.ts';
import { StandbyLink } from './standby-link.ts';
import { type ReplicaStore, SCRUB_EVERY_MS, SCRUB_KEYS } from './store.ts';
import {
  acknowledgersOf,
  GONE_MARKS,
  type HolderInput,
  type HolderOutput,
  isHeldBy,
  type KeyUpdate,
  type ReplicationBound,
  SILENT_MARKS,
  type StandbyView,
  type UnlistReason,
} from './types.ts';

export interface HolderInit {
  /** 16 hexadecimal digits. */
  readonly slot: string;
  readonly epoch: number;
  /** What it goes on from: of a new slot, a new store and no history. */
  readonly store: ReplicaStore;
  readonly history: ReplicaHistory;
  readonly bound: ReplicationBound;
  readonly startedAtMs: number;
  /** A mark comes at least this often; whoever says nothing for three of them is silent. Default 100 ms. */
  readonly everyMs?: number;
  /** Weight of the updates in one message, but for the last of them. Default 32 KiB. */
  readonly batchBytes?: number;
  /** Keys that are looked at again a second, for damage in memory. Default 4,096; 0: none. */
  readonly scrubKeys?: number;
  /**
   * Before a standby that has differed twice is filled anew; twice as long each further time, up to 64 times this, until it has agreed for 5 s,
   * and for as long as the last pause. Default 1 s.
   */
  readonly refillPauseMs?: number;
}

/** Updates that wait for an acknowledgement, where what they bring about is held until then. */
export const OUTSTANDING_MAX = 65_536;
/** Standbys with a connection. */
export const STANDBYS_MAX = 16;
const EVERY_MS = 100;
const BATCH_BYTES = 32_768;
const REFILL_PAUSE_MS = 1_000;

/**
 * The sending end of replication: takes the function's updates and keeps every standby's state equal to its own. A standby that
 * is slow gets each key once, as it is by then; one that was away goes on from where it was.
 *
 * It does not know who may take over, which the council decides. It asks for the removal of a standby before that would lose
 * more than was agreed, and takes no more updates until the council has removed it.
 */
export class ReplicationHolder implements Core<HolderInput, HolderOutput> {
  readonly #init: HolderInit;
  readonly #history: ReplicaHistory;
  readonly #everyMs: number;
  readonly #standbys: HeldStandbys;
  /** Told to be fit for the list. */
  readonly #fit = new Set<number>();
  /** Nearly fit: what is deferred waits for them already, so that they come to have all of it. */
  readonly #joining = new Set<number>();
  #acknowledged: number;
  /** The last update whose effect is held until all that may take over have it. */
  #deferred = 0;
  /** Up to where such effects were let out; of former holders too, so whoever is to be listed has at least this. */
  #released: number;
  #isReady = false;
  #isWaiting = false;
  #endedAt: number | undefined;
  #scrubAtMs: number;
  /** Of the store, when it was told last what is damaged. */
  #damagesTold = 0;
  #isDamageTold = false;
  readonly #damagesBefore: number;

  constructor(init: HolderInit) {
    this.#init = init;
    this.#history = extended(init.history, init.epoch, init.store.sequence);
    this.#everyMs = init.everyMs ?? EVERY_MS;
    this.#standbys = new HeldStandbys(init.store, init.bound);
    this.#scrubAtMs = init.startedAtMs + SCRUB_EVERY_MS;
    this.#damagesBefore = init.store.damagesFound;
    this.#acknowledged = init.store.sequence;
    this.#released = init.bound.defers === true ? init.store.sequence : 0;
  }

  get store(): ReplicaStore {
    return this.#init.store;
  }

  get history(): ReplicaHistory {
    return this.#history;
  }

  /** How many updates may be given now. */
  room(nowMs: number): number {
    if (!this.#isReady || this.#endedAt !== undefined) return 0;
    const { updates, ageMs } = this.#init.bound;
    const outstanding = this.store.sequence - this.#acknowledged;
    let room = isHeldBy(this.#init.bound) ? OUTSTANDING_MAX - outstanding : Number.POSITIVE_INFINITY;
    if (updates === 0) return Math.max(0, room);
    for (const standby of this.#standbys.listed ?? []) {
      // Waiting does not make it younger; but nothing younger can be lost with it.
      if (nowMs >= this.#standbys.lacksSinceMs(standby) + (ageMs ?? Number.POSITIVE_INFINITY)) return 0;
      room = Math.min(room, updates - this.#standbys.lagOf(standby));
    }
    return Math.max(0, room);
  }

  /** For the standby that this node becomes when its epoch is over. */
  get kept(): NonNullable<StandbyInit['kept']> {
    for (const link of this.#standbys.links.values()) link.close();
    this.#standbys.links.clear();
    const { store, history } = this;
    return { store, history, position: { epoch: this.#init.epoch, sequence: store.sequence } };
  }

  /** Of all that are listed or have a connection, and of `others`. */
  views(nowMs: number, others: Iterable<number> = []): StandbyView[] {
    return this.#standbys.views(nowMs, others);
  }

  /** Of values in the holder's own copy: how many were found to be damaged under this epoch. */
  get damagesFound(): number {
    return this.store.damagesFound - this.#damagesBefore;
  }

  handle(input: HolderInput, nowMs: number): HolderOutput[] {
    return [...this.#handle(input, nowMs), ...this.#tellDamage()];
  }

  #handle(input: HolderInput, nowMs: number): HolderOutput[] {
    switch (input.type) {
      case 'update':
        return this.#update(input.updates, input.isDeferred === true, nowMs);
      case 'rewrite':
        return this.#rewrite(input.updates, nowMs);
      case 'attach':
        return this.#attach(input.standby, nowMs);
      case 'detach':
        this.#detach(input.standby);
        return this.#follow(nowMs);
      case 'message':
        return this.#read(input.standby, input.message, nowMs);
      case 'garbled':
        return this.#broke(input.standby, input.reason, nowMs);
      case 'list':
        return this.#list(input.standbys, nowMs);
      case 'end':
        return this.#end(nowMs);
    }
  }

  expire(nowMs: number): HolderOutput[] {
    if (nowMs >= this.#scrubAtMs) {
      this.#scrubAtMs = nowMs + SCRUB_EVERY_MS;
      this.store.scrub(this.#init.scrubKeys ?? SCRUB_KEYS);
    }
    const outputs: HolderOutput[] = [];
    for (const [standby, link] of this.#standbys.links) {
      if (nowMs >= this.#goneAtMs(link)) {
        const reason = `it has not answered for ${GONE_MARKS * this.#everyMs} ms`;
        outputs.push(...this.#drop(standby, reason, nowMs));
        continue;
      }
      if (nowMs >= link.lastMarkMs + this.#everyMs) outputs.push(...this.#send(standby, link, nowMs, true));
      if (!link.isSilent && nowMs >= this.#silentAtMs(link)) {
        link.isSilent = true;
        outputs.push(event('warning', standby, 'it has stopped answering'));
        // What is deferred does not wait for it any more, unless it is listed.
        if (this.#standbys.listed?.has(standby) !== true) this.#fit.delete(standby);
      }
    }
    return [...outputs, ...this.#follow(nowMs), ...this.#tellDamage()];
  }

  nextDeadline(): number {
    const moments = [...this.#standbys.links.values()].flatMap((link) => [
      link.lastMarkMs + this.#everyMs,
      this.#goneAtMs(link),
      ...(link.isSilent ? [] : [this.#silentAtMs(link)]),
    ]);
    for (const standby of this.#standbys.listed ?? []) {
      if (!this.#standbys.met.has(standby) && !this.#standbys.unlisting.has(standby))
        moments.push(this.#awaitedUntilMs);
      const agedAtMs = this.#standbys.unlisting.has(standby)
        ? Number.POSITIVE_INFINITY
        : this.#standbys.agedAtMs(standby);
      if (agedAtMs < Number.POSITIVE_INFINITY) moments.push(agedAtMs);
    }
    return Math.min(this.#scrubAtMs, ...moments);
  }

  // Inputs ----------------------------------------------------------------------------------------------

  #update(updates: readonly KeyUpdate[], isDeferred: boolean, nowMs: number): HolderOutput[] {
    const { count, isFull } = this.#put(updates, this.room(nowMs), nowMs);
    if (isDeferred && count > 0) this.#deferred = this.store.sequence;
    const refused = isFull ? 'full' : count < updates.length ? 'waits' : null;
    if (refused === 'waits') this.#isWaiting = true;
    const taken: HolderOutput = { type: 'taken', count, sequence: this.store.sequence, refused };
    return [taken, ...this.#sendAll(nowMs), ...this.#follow(nowMs)];
  }

  #rewrite(updates: readonly KeyUpdate[], nowMs: number): HolderOutput[] {
    this.#put(updates, Number.POSITIVE_INFINITY, nowMs);
    return [...this.#sendAll(nowMs), ...this.#follow(nowMs)];
  }

  #put(
    updates: readonly KeyUpdate[],
    room: number,
    nowMs: number,
  ): { readonly count: number; readonly isFull: boolean } {
    const { store } = this;
    let count = 0;
    let isFull = false;
    for (const { key, value, secret } of updates) {
      if (count >= room) break;
      isFull = !store.hasRoomFor(key, value);
      if (isFull) break;
      store.update(key, value, secret);
      count++;
    }
    if (count > 0) this.#standbys.ages.add(store.sequence, nowMs);
    return { count, isFull };
  }

  #attach(standby: number, nowMs: number): HolderOutput[] {
    this.#detach(standby);
    if (this.#standbys.links.size >= STANDBYS_MAX)
      return [{ type: 'drop', standby, reason: `there are ${STANDBYS_MAX} standbys already` }];
    const { slot, epoch, batchBytes = BATCH_BYTES } = this.#init;
    const account =
      this.#standbys.met.get(standby) ?? new StandbyAccount(this.#init.refillPauseMs ?? REFILL_PAUSE_MS);
    this.#standbys.met.set(standby, account);
    this.#standbys.links.set(standby, new StandbyLink(this.store, { account, epoch, batchBytes }, nowMs));
    const open: ReplicaMessage = {
      type: 'open',
      slot,
      epoch,
      history: this.#history,
      everyMs: this.#everyMs,
    };
    return [{ type: 'send', standby, message: open }];
  }

  #detach(standby: number): void {
    this.#standbys.links.get(standby)?.close();
    this.#standbys.links.delete(standby);
    this.#fit.delete(standby);
    this.#joining.delete(standby);
  }

  #list(standbys: readonly number[], nowMs: number): HolderOutput[] {
    this.#standbys.list(standbys);
    return this.#follow(nowMs);
  }

  #end(nowMs: number): HolderOutput[] {
    this.#endedAt ??= this.store.sequence;
    return this.#sendAll(nowMs);
  }

  #read(standby: number, message: ReplicaMessage, nowMs: number): HolderOutput[] {
    const link = this.#standbys.links.get(standby);
    if (link === undefined) return [];
    link.lastHeardMs = nowMs;
    link.isSilent = false;
    const account = this.#standbys.met.get(standby);
    if (account) account.heardAtMs = nowMs;
    switch (message.type) {
      case 'at': {
        if (link.isFollowing) return this.#broke(standby, 'it says twice where it is', nowMs);
        const resume = link.begin(message, this.#history);
        return [{ type: 'send', standby, message: resume }, ...this.#send(standby, link, nowMs, true)];
      }
      case 'ack': {
        const fault = link.acknowledge(message, nowMs);
        if (fault !== null) return this.#broke(standby, fault, nowMs);
        return [...this.#send(standby, link, nowMs, false), ...this.#follow(nowMs)];
      }
      case 'differs':
        return this.#differs(standby, link, message.sequence, nowMs);
      case 'refuse': {
        const { reason, text } = message;
        // Before it has heard of the slot, and after it has heard of another holder, that is as it should be.
        if (reason !== 'old-epoch' && reason !== 'unknown-slot')
          return this.#broke(standby, `it refuses what it is sent: ${text}`, nowMs);
        const dropped = this.#drop(standby, text, nowMs);
        if (message.reason !== 'old-epoch' || message.epoch <= this.#init.epoch) return dropped;
        return [...dropped, { type: 'superseded', epoch: message.epoch }];
      }
      default:
        return this.#broke(standby, `a standby does not say ${message.type}`, nowMs);
    }
  }

  #differs(standby: number, link: StandbyLink, sequence: number, nowMs: number): HolderOutput[] {
    if (!link.isFollowing) return this.#broke(standby, 'it differs from nothing', nowMs);
    this.#fit.delete(standby);
    const account = this.#standbys.met.get(standby);
    account?.differ(nowMs);
    const pauseMs = Math.max(0, (account?.filledAtMs ?? 0) - nowMs);
    const then = pauseMs === 0 ? 'it gets all anew' : `it gets all anew in ${Math.round(pauseMs)} ms`;
    const resume = link.restart();
    return [
      event('error', standby, `its state is another at update ${sequence}; ${then}`),
      ...this.#unlist(standby, 'differs'),
      { type: 'send', standby, message: resume },
      ...this.#send(standby, link, nowMs, true),
    ];
  }

  /** One end does not take what the other one says. */
  #broke(standby: number, reason: string, nowMs: number): HolderOutput[] {
    const isNew = this.#standbys.met.get(standby)?.broke(reason, nowMs) !== false;
    // One that comes and is refused in turn does not fill the log.
    const told = isNew ? [event('warning', standby, `the stream to it was given up: ${reason}`)] : [];
    return [...told, ...this.#drop(standby, reason, nowMs)];
  }

  #drop(standby: number, reason: string, nowMs: number): HolderOutput[] {
    this.#detach(standby);
    return [{ type: 'drop', standby, reason }, ...this.#follow(nowMs)];
  }

  #tellDamage(): HolderOutput[] {
    const { damaged, damagesFound } = this.store;
    const isMore = damagesFound > this.#damagesTold && damaged.size > 0;
    const isOver = this.#isDamageTold && damaged.size === 0;
    this.#damagesTold = damagesFound;
    if (!isMore && !isOver) return [];
    this.#isDamageTold = isMore;
    return [{ type: 'damaged', keys: [...damaged] }];
  }

  // What leaves -----------------------------------------------------------------------------------------

  #sendAll(nowMs: number): HolderOutput[] {
    return [...this.#standbys.links].flatMap(([standby, link]) => this.#send(standby, link, nowMs, false));
  }

  #send(standby: number, link: StandbyLink, nowMs: number, isMarkDue: boolean): HolderOutput[] {
    const outputs: HolderOutput[] = [];
    for (const message of link.due(nowMs, isMarkDue)) outputs.push({ type: 'send', standby, message });
    if (this.#endedAt !== undefined && link.isEndDue) {
      link.isEndTold = true;
      outputs.push({ type: 'send', standby, message: { type: 'end', sequence: this.#endedAt } });
    }
    // Where the window is full, or nothing was said yet, there is no mark to be sent before something comes.
    if (isMarkDue) link.lastMarkMs = nowMs;
    return outputs;
  }

  // What follows for the slot -----------------------------------------------------------------------------

  /** To be called after everything by which a standby may have come nearer, or gone. */
  #follow(nowMs: number): HolderOutput[] {
    const { listed, links } = this.#standbys;
    if (listed === undefined) return [];
    const outputs: HolderOutput[] = [];
    for (const standby of listed) outputs.push(...this.#judge(standby, nowMs));
    for (const [standby, link] of links) {
      if (listed.has(standby) || this.#fit.has(standby) || !this.#isFit(standby, link, nowMs)) {
        this.#joining.delete(standby);
        continue;
      }
      if ((link.acked ?? 0) < this.#released) {
        this.#joining.add(standby);
        continue;
      }
      this.#joining.delete(standby);
      this.#fit.add(standby);
      outputs.push({ type: 'caught-up', standby });
    }
    if (!this.#isReady && [...listed].every((standby) => this.#standbys.ackedOf(standby) !== undefined)) {
      this.#isReady = true;
      outputs.push({ type: 'ready' });
    }
    outputs.push(...this.#acknowledge(), ...this.#confirm());
    if (this.#isWaiting && this.room(nowMs) > 0) {
      this.#isWaiting = false;
      outputs.push({ type: 'room' });
    }
    return outputs;
  }

  /** Whether a listed standby comes too near the bound. */
  #judge(standby: number, nowMs: number): HolderOutput[] {
    const { updates, overload } = this.#init.bound;
    const link = this.#standbys.links.get(standby);
    if (link === undefined && this.#isAwaited(standby, nowMs)) return [];
    if (link === undefined || link.isSilent) return this.#unlist(standby, 'silent');
    // No mark can follow that it could answer.
    if (link.heldBy === 'damage' && nowMs >= link.heldSinceMs + SILENT_MARKS * this.#everyMs)
      return this.#unlist(standby, 'damage');
    if (nowMs >= this.#standbys.agedAtMs(standby)) return this.#unlist(standby, 'age');
    const isBehind = overload === 'degrade' && updates > 0 && this.#standbys.lagOf(standby) > updates / 2;
    return isBehind ? this.#unlist(standby, 'behind') : [];
  }

  /** At the beginning there is no connection yet to whoever the former holder listed. */
  #isAwaited(standby: number, nowMs: number): boolean {
    return !this.#standbys.met.has(standby) && nowMs < this.#awaitedUntilMs;
  }

  get #awaitedUntilMs(): number {
    return this.#init.startedAtMs + SILENT_MARKS * this.#everyMs;
  }

  #unlist(standby: number, reason: UnlistReason): HolderOutput[] {
    if (this.#standbys.listed?.has(standby) !== true || this.#standbys.unlisting.has(standby)) return [];
    this.#standbys.unlisting.add(standby);
    this.#fit.delete(standby);
    return [{ type: 'unlist', standby, reason }];
  }

  #acknowledge(): HolderOutput[] {
    if (!this.#isReady) return [];
    const sequence = this.#confirmed();
    if (sequence <= this.#acknowledged) return [];
    this.#acknowledged = sequence;
    const all = [...this.#standbys.links.values()].map(({ acked }) => acked ?? 0);
    this.#standbys.ages.forget(Math.min(sequence, ...all));
    return [{ type: 'acknowledged', sequence }];
  }

  /** Up to where as many have it as the bound asks for, and, where nothing may be lost, all that may take over. */
  #confirmed(): number {
    const { updates } = this.#init.bound;
    const by = acknowledgersOf(this.#init.bound);
    const acked = [...(this.#standbys.listed ?? [])]
      .map((standby) => this.#standbys.ackedOf(standby) ?? 0)
      .sort((a, b) => b - a);
    const least = by === 0 ? this.store.sequence : (acked[by - 1] ?? 0);
    return updates === 0 ? Math.min(least, ...acked) : least;
  }

  #confirm(): HolderOutput[] {
    if (!this.#isReady || this.#released >= this.#deferred) return [];
    const counted = new Set([...(this.#standbys.listed ?? []), ...this.#fit, ...this.#joining]);
    if ((this.#standbys.listed?.size ?? 0) < acknowledgersOf(this.#init.bound)) return [];
    const acked = [...counted].map((standby) => this.#standbys.ackedOf(standby) ?? 0);
    const sequence = Math.min(this.#deferred, ...acked);
    if (sequence <= this.#released) return [];
    this.#released = sequence;
    return [{ type: 'confirmed', sequence }];
  }

  #isFit(standby: number, link: StandbyLink, nowMs: number): boolean {
    const { updates } = this.#init.bound;
    if (
      link.acked === undefined ||
      link.isSilent ||
      link.heldBy !== null ||
      nowMs >= this.#standbys.agedAtMs(standby)
    )
      return false;
    return this.store.sequence - link.acked <= updates / 2;
  }

  #goneAtMs(link: StandbyLink): number {
    return link.owesSinceMs + GONE_MARKS * this.#everyMs;
  }

  #silentAtMs(link: StandbyLink): number {
    return link.unheardSinceMs + SILENT_MARKS * this.#everyMs;
  }
}

function event(
  severity: 'info' | 'warning' | 'error',
  standby: number,
  message: string,
): HolderOutput & { type: 'event' } {
  return { type: 'event', severity, standby, message };
}

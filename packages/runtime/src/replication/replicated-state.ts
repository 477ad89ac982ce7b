// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises';
import {
  type HolderInit,
  type HolderInput,
  type HolderOutput,
  isHeldBy,
  type KeyUpdate,
  ReplicationHolder,
  type StandbyInit,
  type StandbyView,
} from '@vnfpool/core/replication';
import type { Connection, StreamTransport } from '@vnfpool/transport';
import { WireError } from '@vnfpool/wire/bytes';
import { decodeReplica, encodeReplica, type ReplicaMessage, updateFault } from '@vnfpool/wire/replication';
import { type Clock, CoreDriver, type DriverFault, systemClock } from '../driver/index.ts';
import { StateError } from './state-error.ts';

export interface ReplicatedStateOptions extends Omit<HolderInit, 'startedAtMs'> {
  /** Of the frames of `replicationRule`. */
  readonly transport: StreamTransport;
  /** Who keeps a copy, and where, until `keepAt` says otherwise. */
  readonly standbys: readonly StandbyPlace[];
  /** Who may take over, see `listed`; default: nobody. */
  readonly listed?: readonly number[];
  /** Changes that wait to be taken. Default 65,536. */
  readonly waitingMax?: number;
  readonly clock?: Clock;
  readonly onNotice?: (notice: StateNotice) => void;
  /** A programmer's error: nothing more is sent. */
  readonly onFault?: (fault: DriverFault) => void;
}

export interface StandbyPlace {
  /** Number by which the council lists it. */
  readonly standby: number;
  readonly host: string;
  readonly port: number;
}

/**
 * What whoever has the council's ear has to do, and what people may want to know. `unlist`: have it removed from the list, and say
 * so by `listed`. `caught-up`: it may be listed; say so by `listed` first, then to the council. `damaged`: of these keys standbys get nothing before
 * they are changed.
 */
export type StateNotice = Exclude<
  HolderOutput,
  { type: 'send' | 'drop' | 'taken' | 'room' | 'acknowledged' | 'confirmed' }
>;

/** What was taken, until it may settle. */
interface Held {
  readonly sequence: number;
  readonly settle: () => void;
  readonly fail: (error: Error) => void;
}

interface Waiting {
  readonly updates: readonly KeyUpdate[];
  readonly isDeferred: boolean;
  /** How many of them are in. */
  taken: number;
  readonly settle: () => void;
  readonly fail: (error: Error) => void;
}

const WAITING_MAX = 65_536;
const RECONNECT_MS = 50;
const RECONNECT_MS_MAX = 1_000;

/**
 * The state of a function that holds a slot, with copies at standbys. A change is made when its promise settles: where nothing
 * may be lost, when all that may take over have it; where standbys are to acknowledge it, when so many of them have; else when it is on
 * its way within the bound.
 */
export class ReplicatedState {
  readonly #options: ReplicatedStateOptions;
  readonly #clock: Clock;
  readonly #core: ReplicationHolder;
  readonly #driver: CoreDriver<HolderInput, HolderOutput>;
  readonly #connections = new Map<number, Connection>();
  readonly #ending = new AbortController();
  /** Not given to the core yet. */
  #waiting: Waiting[] = [];
  /** Changes in it. */
  #waitingCount = 0;
  /** Given to it, and not taken yet. */
  #given: Waiting[] = [];
  /** Taken, and held until they are acknowledged; ascending. */
  #held: Held[] = [];
  /** The same of deferred ones, until all that may take over have them. */
  #deferred: Held[] = [];
  #isFlushing = false;
  /** Why no change is taken any more; empty: they are. */
  #closed = '';
  /** Before the next try of a connection. */
  readonly #pauses = new Set<() => void>();
  /** By standby: where its copy is, and the end of keeping a connection to it. */
  readonly #places = new Map<number, { readonly place: StandbyPlace; readonly ending: AbortController }>();
  #onFlushed: (() => void) | undefined;

  constructor(options: ReplicatedStateOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock();
    this.#core = new ReplicationHolder({ ...options, startedAtMs: this.#clock.nowMs() });
    this.#driver = new CoreDriver<HolderInput, HolderOutput>({
      core: this.#core,
      clock: this.#clock,
      effects: {
        send: ({ standby, message }) => this.#send(standby, message),
        drop: ({ standby, reason }) => this.#connections.get(standby)?.close(reason),
        taken: (output) => this.#taken(output),
        room: () => this.#flush(),
        acknowledged: ({ sequence }) => settleUpTo(this.#held, sequence),
        confirmed: ({ sequence }) => settleUpTo(this.#deferred, sequence),
        ready: (notice) => this.#notice(notice),
        unlist: (notice) => this.#notice(notice),
        'caught-up': (notice) => this.#notice(notice),
        damaged: (notice) => this.#notice(notice),
        superseded: (notice) => this.#notice(notice),
        event: (notice) => this.#notice(notice),
      },
      onFault: (fault) => {
        this.#closed ||= 'an internal error has ended it';
        this.#failAll(new StateError('closed', this.#closed));
        options.onFault?.(fault);
      },
    });
    this.#driver.submit({ type: 'list', standbys: options.listed ?? [] });
    this.keepAt(options.standbys);
  }

  get epoch(): number {
    return this.#options.epoch;
  }

  /** @throws StateError `damaged`: its value is not what was given, and is to be set anew or removed */
  get(key: string): Uint8Array | undefined {
    const { store } = this.#core;
    if (!store.isSound(key)) throw damaged(key);
    return store.get(key);
  }

  /** Keys with their values, the one that was changed longest ago first. @throws StateError as `get` does */
  *entries(): Generator<readonly [key: string, value: Uint8Array], void> {
    const { store } = this.#core;
    for (const { key, value } of store) {
      if (!store.isSound(key)) throw damaged(key);
      if (value !== null) yield [key, value];
    }
  }

  /** Values that were damaged in the memory here: how many were found under this epoch, and how many are so still. */
  get damage(): { readonly found: number; readonly now: number } {
    return { found: this.#core.damagesFound, now: this.#core.store.damaged.size };
  }

  /** Lag and state of every standby, also of those that cannot be reached. */
  get standbys(): StandbyView[] {
    return this.#core.views(this.#clock.nowMs(), this.#places.keys());
  }

  /**
   * A key has this value from now on: 1 to 1,024 octets as characters U+0000 to U+00FF, and up to 65,536 octets.
   * @throws StateError `invalid` for another key or value, `full` when the state is as large as it may be, `overload` when too many changes wait, `closed`
   */
  set(key: string, value: Uint8Array): Promise<void> {
    return this.change([{ key, value }]);
  }

  /** A key is no more. */
  remove(key: string): Promise<void> {
    return this.change([{ key, value: null }]);
  }

  /** Several changes, in this order, with one promise: it settles with the last of them. @throws StateError as `set` does */
  change(updates: readonly KeyUpdate[]): Promise<void> {
    return this.#change(updates, false);
  }

  /** The same; settles when all that may take over have them, whatever else may be lost. Of a bound that `defers`. */
  changeDeferred(updates: readonly KeyUpdate[]): Promise<void> {
    return this.#change(updates, true);
  }

  #change(updates: readonly KeyUpdate[], isDeferred: boolean): Promise<void> {
    return new Promise((settle, fail) => {
      if (this.#closed !== '') {
        fail(new StateError('closed', this.#closed));
        return;
      }
      const fault = faultOf(updates);
      if (fault !== null) {
        fail(new StateError('invalid', fault));
        return;
      }
      if (this.#waitingCount >= (this.#options.waitingMax ?? WAITING_MAX)) {
        fail(new StateError('overload', `${this.#waitingCount} changes wait already`, 0));
        return;
      }
      if (updates.length === 0) {
        settle();
        return;
      }
      this.#waiting.push({ updates, isDeferred, taken: 0, settle, fail });
      this.#waitingCount += updates.length;
      this.#flushSoon();
    });
  }

  /**
   * Some keys are kept otherwise, which nobody outside can tell: at once, as far as there is room for it.
   * @throws StateError `invalid`
   */
  rewrite(updates: readonly KeyUpdate[]): void {
    const fault = faultOf(updates);
    if (fault !== null) throw new StateError('invalid', fault);
    this.#driver.submit({ type: 'rewrite', updates });
  }

  /** Who keeps a copy, and where, from now on. */
  keepAt(places: readonly StandbyPlace[]): void {
    const wanted = new Map(places.map((place) => [place.standby, place]));
    for (const [standby, { place, ending }] of this.#places) {
      const now = wanted.get(standby);
      if (now?.host === place.host && now.port === place.port) wanted.delete(standby);
      else {
        this.#places.delete(standby);
        ending.abort();
        this.#connections.get(standby)?.close('its copy is kept elsewhere');
      }
    }
    for (const goOn of this.#pauses) goOn();
    for (const place of wanted.values()) {
      const ending = new AbortController();
      this.#places.set(place.standby, { place, ending });
      void this.#keepConnected(place, AbortSignal.any([ending.signal, this.#ending.signal]));
    }
  }

  /** Who may take over, as the council has it, and whoever it is about to add. */
  listed(standbys: readonly number[]): void {
    this.#driver.submit({ type: 'list', standbys });
  }

  /** No change follows: standbys are told the last one. What waits is refused. */
  end(): void {
    this.#driver.submit({ type: 'end' });
    this.#closed ||= 'the slot is handed over';
    this.#failWaiting(new StateError('closed', this.#closed));
  }

  /** Once every standby with a connection has confirmed all; after `withinMs` in any case. */
  flushed(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#onFlushed = undefined;
        resolve();
      };
      const cancel = this.#clock.at(this.#clock.nowMs() + withinMs, done);
      this.#onFlushed = () => {
        const isBehind = ({ state, lagUpdates, filledInMs, isHeldUp }: StandbyView): boolean =>
          state !== 'away' && state !== 'silent' && filledInMs === null && !isHeldUp && lagUpdates > 0;
        if (!this.standbys.some(isBehind)) done();
      };
      this.#onFlushed();
    });
  }

  /** Ends the connections; what is left is what this node goes on with as a standby. */
  close(): NonNullable<StandbyInit['kept']> {
    this.#ending.abort();
    for (const goOn of this.#pauses) goOn();
    this.#driver.stop();
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
    this.#closed ||= 'the state is closed';
    this.#failAll(new StateError('closed', this.#closed));
    return this.#core.kept;
  }

  // Changes ---------------------------------------------------------------------------------------------

  /** Changes of one turn go together. */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#waiting.length === 0 || this.#given.length > 0) return;
    this.#given = this.#waiting;
    this.#waiting = [];
    this.#waitingCount = 0;
    const updates = this.#given.flatMap((each) =>
      each.taken === 0 ? each.updates : each.updates.slice(each.taken),
    );
    const isDeferred = this.#given.some((each) => each.isDeferred);
    this.#driver.submit({ type: 'update', updates, isDeferred });
  }

  #taken({ count, sequence, refused }: HolderOutput & { type: 'taken' }): void {
    const given = this.#given;
    this.#given = [];
    const isHeld = isHeldBy(this.#options.bound);
    let left = count;
    let done = 0;
    for (const each of given) {
      const taken = Math.min(left, each.updates.length - each.taken);
      each.taken += taken;
      left -= taken;
      if (each.taken < each.updates.length) break;
      done++;
      const { settle, fail } = each;
      if (each.isDeferred) this.#deferred.push({ sequence: sequence - left, settle, fail });
      else if (isHeld) this.#held.push({ sequence: sequence - left, settle, fail });
      else each.settle();
    }
    const isFull = refused === 'full';
    const refusing = isFull ? given[done] : undefined;
    refusing?.fail(new StateError('full', 'the state is as large as it may be', refusing.taken));
    const rest = given.slice(isFull ? done + 1 : done);
    this.#waiting = [...rest, ...this.#waiting];
    for (const { updates, taken } of rest) this.#waitingCount += updates.length - taken;
    if (isFull && this.#waiting.length > 0) this.#flushSoon();
  }

  #failWaiting(error: StateError): void {
    for (const { fail } of [...this.#given, ...this.#waiting]) fail(error);
    this.#given = [];
    this.#waiting = [];
    this.#waitingCount = 0;
  }

  #failAll(error: StateError): void {
    for (const { fail } of [...this.#held.splice(0), ...this.#deferred.splice(0)]) fail(error);
    this.#failWaiting(error);
  }

  // Connections -----------------------------------------------------------------------------------------

  async #keepConnected({ standby, host, port }: StandbyPlace, signal: AbortSignal): Promise<void> {
    // A new holder has its function take the state first: connecting may cost more than that.
    await turn();
    let waitMs = RECONNECT_MS;
    while (!signal.aborted) {
      try {
        const connection = await this.#options.transport.connect({ host, port, signal });
        if (signal.aborted) {
          connection.close();
          return;
        }
        const isServed = await this.#served(standby, connection);
        // Who answers is well: it is tried again at once. Who only accepts is not.
        if (isServed) waitMs = RECONNECT_MS;
      } catch {
        // It is tried again as long as there is this holder; that it is away the core tells.
      }
      await this.#pause(waitMs, signal);
      waitMs = Math.min(2 * waitMs, RECONNECT_MS_MAX);
    }
  }

  /** Until the connection ends; whether the standby said anything. */
  #served(standby: number, connection: Connection): Promise<boolean> {
    let isServed = false;
    this.#connections.set(standby, connection);
    this.#driver.submit({ type: 'attach', standby });
    connection.onFrame((frame) => {
      if (this.#read(standby, connection, frame)) isServed = true;
    });
    return new Promise((resolve) => {
      connection.onClose(() => {
        if (this.#connections.get(standby) === connection) {
          this.#connections.delete(standby);
          this.#driver.submit({ type: 'detach', standby });
          this.#onFlushed?.();
        }
        resolve(isServed);
      });
    });
  }

  /** Whether it is served there. */
  #read(standby: number, connection: Connection, frame: Uint8Array): boolean {
    let message: ReplicaMessage;
    try {
      message = decodeReplica(frame);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      // Of a connection whose place another one has taken it is nothing.
      if (this.#connections.get(standby) === connection)
        this.#driver.submit({ type: 'garbled', standby, reason: `it is not understood: ${error.message}` });
      connection.close(error.message);
      return false;
    }
    this.#driver.submit({ type: 'message', standby, message });
    this.#onFlushed?.();
    return message.type !== 'refuse';
  }

  #send(standby: number, message: ReplicaMessage): void {
    // Refused: it is over, which `onClose` tells.
    this.#connections.get(standby)?.send(encodeReplica(message));
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const goOn = (): void => {
        cancel();
        this.#pauses.delete(goOn);
        resolve();
      };
      const cancel = this.#clock.at(this.#clock.nowMs() + ms, goOn);
      this.#pauses.add(goOn);
    });
  }

  #notice(notice: StateNotice): void {
    this.#options.onNotice?.(notice);
  }
}

/** Of the first that no standby could be told. The core takes what it is given, and only a standby with a connection would show it. */
function faultOf(updates: readonly KeyUpdate[]): string | null {
  for (const update of updates) {
    const fault = updateFault(update);
    if (fault !== null) return fault;
  }
  return null;
}

function damaged(key: string): StateError {
  return new StateError('damaged', `the value of ${JSON.stringify(key)} was damaged in memory`);
}

/** @param held ascending; those that settle leave it */
function settleUpTo(held: Held[], sequence: number): void {
  let done = 0;
  while ((held[done]?.sequence ?? Number.POSITIVE_INFINITY) <= sequence) done++;
  for (const { settle } of held.splice(0, done)) settle();
}

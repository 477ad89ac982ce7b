// SPDX-License-Identifier: Apache-2.0
import {
  type ReplicaMark,
  type ReplicaMessage,
  type ReplicaOpen,
  type ReplicaPosition,
  type ReplicaRefusal,
  type ReplicaUpdate,
  type ReplicaUpdates,
  replicaWeight,
} from '@vnfpool/wire/replication';
import type { Core } from '../core.ts';
import { isOnWay, type ReplicaHistory } from './history.ts';
import { ReplicaStore, SCRUB_EVERY_MS, SCRUB_KEYS, type StoreBounds } from './store.ts';
import { SILENT_MARKS, type StandbyInput, type StandbyOutput } from './types.ts';

export interface StandbyInit {
  /** 16 hexadecimal digits. */
  readonly slot: string;
  readonly bounds?: StoreBounds;
  /** Weight of updates that may be on their way. Default 512 KiB. */
  readonly windowBytes?: number;
  /** Weight of updates that are kept aside until their mark; beyond it they are taken as they come. Default 4 MiB. */
  readonly asideBytes?: number;
  /** Keys that are looked at again a second, for damage in memory. Default 4,096; 0: none. */
  readonly scrubKeys?: number;
  /** Tells at each mark what has changed. */
  readonly tellsReached?: boolean;
  /** What this node has as the holder of an epoch that is over. */
  readonly kept?: TakenOver & { readonly position: ReplicaPosition };
}

/** What a new holder goes on from. */
export interface TakenOver {
  readonly store: ReplicaStore;
  readonly history: ReplicaHistory;
}

const WINDOW_BYTES = 2 ** 19;
const ASIDE_BYTES = 2 ** 22;

/** Updates that are not complete yet. */
interface Coming {
  /** Everything is sent anew: where it goes, beside what is there; null: it goes on. */
  readonly anew: ReplicaStore | null;
  /** Not taken yet; null: they were too many, and the state is none until the mark. */
  aside: ReplicaUpdate[] | null;
  weight: number;
}

/**
 * The receiving end of replication. Between two marks it keeps updates aside, so that its state is always one that the
 * holder's was, and the one of `position`; only when it goes on from far behind there is none until the next mark.
 */
export class ReplicationStandby implements Core<StandbyInput, StandbyOutput> {
  readonly #init: StandbyInit;
  #store: ReplicaStore;
  #history: ReplicaHistory = [];
  #position: ReplicaPosition = { epoch: 0, sequence: 0 };
  /** Whether the store is what the holder's was at the position. */
  #isWhole = true;
  /** What was told last. */
  #told: ReplicaPosition & { readonly isWhole: boolean };
  #highestEpoch = 0;
  /** What the connected holder said. */
  #open: ReplicaOpen | undefined;
  #coming: Coming | undefined;
  /** It has asked for everything anew: what comes before that is of no use. */
  #isAsking = false;
  #received = 0;
  #ackedWeight = 0;
  #reachedUs = 0;
  #heardMs = 0;
  #isSilent = false;
  #scrubAtMs: number;

  constructor(init: StandbyInit, nowMs: number) {
    this.#init = init;
    this.#store = init.kept?.store ?? new ReplicaStore(init.bounds);
    this.#history = init.kept?.history ?? [];
    this.#position = init.kept?.position ?? { epoch: 0, sequence: 0 };
    this.#highestEpoch = this.#position.epoch;
    // A holder may have known that its copy was damaged.
    this.#isWhole = this.#store.damaged.size === 0;
    this.#told = { isWhole: this.#isWhole, ...this.#position };
    this.#scrubAtMs = nowMs + SCRUB_EVERY_MS;
  }

  /** Of the last state that was whole. */
  get position(): ReplicaPosition {
    return this.#position;
  }

  /** Whether the state is one that the holder's was. A standby of which it is not must not take over by itself. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** When a holder came, or said something last; 0: none has. */
  get heardMs(): number {
    return this.#heardMs;
  }

  get store(): ReplicaStore {
    return this.#store;
  }

  /** What the holder that this standby becomes goes on from. Nothing more may be given to it. */
  takeOver(): TakenOver {
    this.#store.completeTo(this.#position.sequence);
    return { store: this.#store, history: this.#history };
  }

  handle(input: StandbyInput, nowMs: number): StandbyOutput[] {
    switch (input.type) {
      case 'attach':
        this.#forgetConnection();
        this.#heardMs = nowMs;
        return [];
      case 'detach':
        this.#forgetConnection();
        return this.#tellPosition();
      case 'epoch':
        this.#highestEpoch = Math.max(this.#highestEpoch, input.epoch);
        if (this.#open === undefined || this.#open.epoch >= this.#highestEpoch) return [];
        return this.#refuse('old-epoch', `epoch ${this.#highestEpoch} was accepted here`);
      case 'message':
        this.#heardMs = nowMs;
        this.#isSilent = false;
        return this.#read(input.message);
    }
  }

  expire(nowMs: number): StandbyOutput[] {
    const outputs: StandbyOutput[] = [];
    if (!this.#isSilent && nowMs >= (this.#silentAtMs ?? Number.POSITIVE_INFINITY)) {
      this.#isSilent = true;
      outputs.push(
        { type: 'event', severity: 'warning', message: 'nothing comes from the holder any more' },
        ...this.#tellPosition(),
      );
    }
    if (nowMs >= this.#scrubAtMs) {
      this.#scrubAtMs = nowMs + SCRUB_EVERY_MS;
      outputs.push(...this.#scrub());
    }
    return outputs;
  }

  nextDeadline(): number | undefined {
    return Math.min(
      this.#scrubAtMs,
      this.#isSilent ? this.#scrubAtMs : (this.#silentAtMs ?? this.#scrubAtMs),
    );
  }

  // Messages --------------------------------------------------------------------------------------------

  #read(message: ReplicaMessage): StandbyOutput[] {
    if (message.type === 'open') return this.#begin(message);
    const open = this.#open;
    if (open === undefined) return this.#refuse('protocol', `${message.type} before open`);
    switch (message.type) {
      case 'resume':
        return this.#resume(message.from);
      case 'updates':
        return this.#take(message, open);
      case 'end':
        // It comes once more, behind everything anew.
        if (this.#isAsking) return [];
        if (!this.#isWhole) return this.#refuse('protocol', 'the end of a state that is none');
        if (message.sequence !== this.#position.sequence || this.#position.epoch !== open.epoch)
          return this.#refuse('protocol', `the end is ${message.sequence}, not ${this.#position.sequence}`);
        return [{ type: 'ended', sequence: message.sequence }];
      default:
        return this.#refuse('protocol', `a holder does not say ${message.type}`);
    }
  }

  #begin(open: ReplicaOpen): StandbyOutput[] {
    if (open.slot !== this.#init.slot) return this.#refuse('unknown-slot', `slot ${open.slot} is not here`);
    if (this.#open !== undefined) return this.#refuse('protocol', 'open twice');
    if (open.epoch < this.#highestEpoch)
      return this.#refuse('old-epoch', `epoch ${this.#highestEpoch} was accepted here`);
    this.#highestEpoch = open.epoch;
    this.#open = open;
    const isUsable = this.#isWhole && isOnWay(open.history, this.#position);
    const from = isUsable ? this.#position : { epoch: 0, sequence: 0 };
    const windowBytes = this.#init.windowBytes ?? WINDOW_BYTES;
    return [{ type: 'send', message: { type: 'at', ...from, windowBytes } }];
  }

  #resume(from: number | 'whole'): StandbyOutput[] {
    if (from === 'whole') {
      this.#isAsking = false;
      this.#coming = { anew: new ReplicaStore(this.#init.bounds), aside: null, weight: 0 };
      return [];
    }
    if (!this.#isWhole || from !== this.#position.sequence)
      return this.#refuse('protocol', `it goes on from ${from}, not ${this.#position.sequence}`);
    this.#coming = { anew: null, aside: [], weight: 0 };
    return [];
  }

  #take({ updates, mark }: ReplicaUpdates, open: ReplicaOpen): StandbyOutput[] {
    const coming = this.#coming;
    const weight = replicaWeight(updates);
    this.#received += weight;
    if (this.#isAsking) return this.#ackProgress();
    if (coming === undefined) return this.#refuse('protocol', 'updates before resume');
    coming.weight += weight;
    const target = coming.anew ?? this.#store;
    const last = coming.aside?.at(-1)?.sequence ?? target.sequence;
    if ((updates[0]?.sequence ?? Number.POSITIVE_INFINITY) <= last)
      return this.#refuse('protocol', `update ${updates[0]?.sequence} behind update ${last}`);
    // Also where all comes anew: this holder has had what is here, and goes on from it.
    const { epoch, sequence } = this.#position;
    const began = open.history.at(-1)?.sequence ?? 0;
    const reached = Math.max(updates.at(-1)?.sequence ?? last, began, epoch === open.epoch ? sequence : 0);
    if (mark !== null && mark.sequence < reached)
      return this.#refuse('protocol', `a mark at ${mark.sequence} behind update ${reached}`);
    if (coming.aside !== null && coming.weight <= (this.#init.asideBytes ?? ASIDE_BYTES))
      for (const each of updates) coming.aside.push(each);
    else {
      const former = coming.aside ?? [];
      coming.aside = null;
      if (coming.anew === null) this.#isWhole = false;
      for (const all of [former, updates])
        for (const update of all) if (!put(target, update)) return this.#refuseAll();
    }
    if (mark === null) return [...this.#tellState(), ...this.#ackProgress()];
    return this.#complete(coming, mark, open);
  }

  /** All is here that the holder had at the mark. */
  #complete(coming: Coming, mark: ReplicaMark, open: ReplicaOpen): StandbyOutput[] {
    const target = coming.anew ?? this.#store;
    for (const update of coming.aside ?? []) {
      if (put(target, update)) continue;
      this.#isWhole = false;
      return this.#refuseAll();
    }
    target.completeTo(mark.sequence, coming.anew === null ? target.floor : mark.sequence);
    if (target.keys !== mark.keys || target.digestAt(open.epoch) !== mark.digest)
      return this.#differ(coming, mark);
    this.#store = target;
    this.#position = { epoch: open.epoch, sequence: mark.sequence };
    this.#history = open.history;
    this.#isWhole = true;
    this.#reachedUs = mark.clockUs;
    this.#coming = { anew: null, aside: [], weight: 0 };
    return [...this.#tellState(), ...this.#tellReached(coming), this.#ack()];
  }

  #tellReached({ anew, aside }: Coming): StandbyOutput[] {
    if (this.#init.tellsReached !== true) return [];
    if (anew !== null || aside === null) return [{ type: 'reached', keys: null }];
    return aside.length === 0 ? [] : [{ type: 'reached', keys: aside.map(({ key }) => key) }];
  }

  #differ(coming: Coming, { sequence }: ReplicaMark): StandbyOutput[] {
    // What was being filled never counted.
    if (coming.anew === null) this.#isWhole = false;
    return [
      ...this.#tellState(),
      { type: 'event', severity: 'error', message: `the state is not the holder's at update ${sequence}` },
      this.#askForAll(coming.anew ?? this.#store),
    ];
  }

  #scrub(): StandbyOutput[] {
    this.#store.scrub(this.#init.scrubKeys ?? SCRUB_KEYS);
    if (this.#store.damaged.size === 0 || !this.#isWhole) return [];
    this.#isWhole = false;
    const told: StandbyOutput[] = [
      ...this.#tellState(),
      {
        type: 'event',
        severity: 'error',
        message: 'a value is not what was received: it was damaged in memory',
      },
    ];
    // Where everything comes anew already, and where nobody is to be asked.
    const isComing = this.#coming === undefined || this.#coming.anew !== null;
    return isComing ? told : [...told, this.#askForAll(this.#store)];
  }

  #askForAll({ sequence, keys, digest }: ReplicaStore): StandbyOutput {
    this.#coming = undefined;
    this.#isAsking = true;
    this.#reachedUs = 0;
    return { type: 'send', message: { type: 'differs', sequence, keys, digest } };
  }

  // Answers ---------------------------------------------------------------------------------------------

  #ack(): StandbyOutput {
    this.#ackedWeight = this.#received;
    return {
      type: 'send',
      message: {
        type: 'ack',
        sequence: this.#position.sequence,
        bytes: this.#received,
        clockUs: this.#reachedUs,
      },
    };
  }

  /** Between marks, so that the holder's window moves. */
  #ackProgress(): StandbyOutput[] {
    const windowBytes = this.#init.windowBytes ?? WINDOW_BYTES;
    return this.#received - this.#ackedWeight >= windowBytes / 4 ? [this.#ack()] : [];
  }

  #refuseAll(): StandbyOutput[] {
    return this.#refuse('resources', 'there is no room for the whole state');
  }

  #refuse(reason: ReplicaRefusal, text: string): StandbyOutput[] {
    this.#forgetConnection();
    const epoch = this.#highestEpoch;
    return [
      ...this.#tellState(),
      { type: 'send', message: { type: 'refuse', reason, epoch, text } },
      { type: 'drop', reason: text },
    ];
  }

  #tellState(): StandbyOutput[] {
    const isWhole = this.#isWhole;
    const position = this.#position;
    if (this.#told.isWhole === isWhole && this.#told.epoch === position.epoch) return [];
    return this.#tell();
  }

  /** How far it came, when nothing more comes: while it follows that is told to nobody but the holder. */
  #tellPosition(): StandbyOutput[] {
    return this.#told.sequence === this.#position.sequence ? this.#tellState() : this.#tell();
  }

  #tell(): StandbyOutput[] {
    const isWhole = this.#isWhole;
    const position = this.#position;
    this.#told = { isWhole, ...position };
    return [{ type: 'state', isWhole, position }];
  }

  #forgetConnection(): void {
    this.#open = undefined;
    this.#coming = undefined;
    this.#isAsking = false;
    this.#received = 0;
    this.#ackedWeight = 0;
    this.#reachedUs = 0;
    this.#isSilent = false;
  }

  get #silentAtMs(): number | undefined {
    return this.#open === undefined ? undefined : this.#heardMs + SILENT_MARKS * this.#open.everyMs;
  }
}

/** False: there is no room. */
function put(store: ReplicaStore, { key, value, sequence, secret }: ReplicaUpdate): boolean {
  if (!store.hasRoomFor(key, value)) return false;
  store.apply(key, value, sequence, secret);
  return true;
}

// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '../bytes/index.ts';
import { labelName } from '../checkpoint/label.ts';
import { parseStrictJson } from './json.ts';
import {
  fail,
  flag,
  hex64,
  integer,
  list,
  milliseconds,
  object,
  oneOf,
  type Shape,
  stateFormat,
  text,
  uint32,
  versioned,
} from './shape.ts';

/*
 * Orders about the state of one slot that take longer than an ACK may: the first one with a number begins, each later one with it
 * asks how far that is, and takes what there is.
 */

/**
 * What is asked for of a slot's state: a checkpoint now; which ones its store has; that it begins anew with one of these; which other slots
 * its store knows, which checkpoints of one of these it has, and that the slot begins anew with one of them; what its function shares from
 * now on; that what a slot that is no more has left in a store is removed.
 */
export type StateTask =
  | { readonly task: 'checkpoint'; readonly isFull: boolean }
  | { readonly task: 'list' }
  /** Named by its last object. */
  | { readonly task: 'restore'; readonly epoch: number; readonly number: number }
  /** Of other slots, whoever's they are: all, or the one of this id; `format` as below. */
  | { readonly task: 'slots'; readonly source?: string; readonly format?: string }
  | { readonly task: 'list-from'; readonly source: string }
  | {
      readonly task: 'restore-from';
      readonly source: string;
      readonly epoch: number;
      readonly number: number;
      /** What the values are, where the store does not say; absent: nobody says it. */
      readonly format?: string;
    }
  /** Ends after so long, or when the recording has so many octets, as `recordedLine` writes it. */
  | { readonly task: 'record'; readonly forMs: number; readonly octetsMax: number }
  /** `store` is its address. */
  | { readonly task: 'forget'; readonly method: StoredMethod; readonly store: string };

/** Methods by which state lies in a store. */
export type StoredMethod = 'checkpoint' | 'shared';

/** Extension 11, in ADD at node scope. At most 4,096 octets. */
export type StateOrder = StateTask & {
  readonly v: 1;
  /** 16 hexadecimal digits, drawn for each task. */
  readonly id: string;
  /** As in `SlotDefinition`. */
  readonly slot: string;
  /** Items of the answer that the asker has: those before are forgotten. */
  readonly from: number;
  /** The task is to end; what it has is still to be had. */
  readonly stop: boolean;
};

/** Extension 12, in the ACK of that. At most 49,152 octets. */
export interface StateAnswer {
  readonly v: 1;
  readonly id: string;
  /** False: ask again. */
  readonly isOver: boolean;
  /** Why it failed; empty: it did not. */
  readonly fault: string;
  /** Of `checkpoint`, `restore` and `restore-from`, when it is over and has not failed: of the latter what the slot begins with. */
  readonly made?: MadeCheckpoint;
  /** Of `list` and `list-from`, from `from` on. */
  readonly found?: readonly FoundCheckpoint[];
  /** Of `slots`, from `from` on. */
  readonly slots?: readonly FoundSlot[];
  /** Of these lists: there are more, whether it is over or not. */
  readonly hasMore?: boolean;
  /** Of `record`. */
  readonly recording?: RecordingPart;
}

/** A checkpoint that was asked for, and is in the store. */
export interface MadeCheckpoint {
  /** `none`: nothing had changed since the one that it names. */
  readonly kind: 'full' | 'incremental' | 'none';
  readonly epoch: number;
  /** Of its last object. */
  readonly number: number;
  /** Of the last update that is in it. */
  readonly sequence: number;
  /** Keys that the state has, and octets that were written for it. */
  readonly keys: number;
  readonly octets: number;
  /** From the call to when the store had it. */
  readonly tookMs: number;
}

/** A checkpoint that lies in a store. */
export interface FoundCheckpoint {
  readonly epoch: number;
  /** Of its first and its last object. */
  readonly first: number;
  readonly number: number;
  readonly kind: 'full' | 'incremental';
  /** By the wall clock of its writer; 0: it cannot be read. */
  readonly wallMs: number;
  /** Node ID of its writer; 0: it cannot be read. */
  readonly node: number;
  /** Of the last update that is in it; 0: it cannot be read. */
  readonly sequence: number;
  /** As they lie there. */
  readonly octets: number;
  /** What is wrong with it; empty: nothing. */
  readonly damage: string;
  /** What a holder that reads the store now goes on from is up to this one. */
  readonly isRestorable: boolean;
  /** Pieces of the state that are there with it; absent: it cannot be read. */
  readonly keys?: number;
}

/** Another slot whose checkpoints a store has, with the newest of them that can be read. */
export interface FoundSlot {
  /** 16 hexadecimal digits. */
  readonly slot: string;
  /** As it was declared; empty: the store does not say. */
  readonly set: string;
  readonly pool: string;
  /** 0 where the store does not say. */
  readonly index: number;
  /** What its values are; empty: the store does not say. */
  readonly format: string;
  /** Full checkpoints. */
  readonly full: number;
  /** Of the newest checkpoint that can be read, and its last object; 0: none can. */
  readonly epoch: number;
  readonly number: number;
  /** By the wall clock of its writer. */
  readonly wallMs: number;
  readonly keys: number;
  /** Why something newer, or its label, cannot be read; empty: nothing is wrong. */
  readonly damage: string;
  /** Why the slot that it was asked for cannot have its state; empty: it can. */
  readonly misfit: string;
}

/** What was recorded since `from`. */
export interface RecordingPart {
  readonly updates: readonly RecordedUpdate[];
  /** Since it began. */
  readonly elapsedMs: number;
  /** Why nothing follows; empty: more may. */
  readonly end: '' | RecordingEnd;
}

/** `behind`: nobody took what was recorded. */
export type RecordingEnd = 'time' | 'octets' | 'behind' | 'stopped' | 'left';

/** One change of a piece of state: when, since the recording began; of which key, by number; its octets, -1: it was removed. */
export type RecordedUpdate = readonly [atMs: number, key: number, octets: number];

/** Updates in one answer: with the longest numbers they are less than what it may have. */
export const RECORDED_UPDATES_MAX = 1_000;
/** Checkpoints in one answer, in the same way. */
export const FOUND_CHECKPOINTS_MAX = 32;
/** Other slots in one answer, in the same way. */
export const FOUND_SLOTS_MAX = 12;
/** Full checkpoints that a store keeps of a slot: where the newest is damaged there is one before. */
export const KEEP_FULL_MIN = 2;
export const KEEP_FULL_MAX = 100;
/** Of one recording. */
export const RECORDING_MS_MAX = 3_600_000;
export const RECORDING_OCTETS_MAX: number = 64 * 1024 ** 2;
/** Characters of what is told of damage and faults. */
const WORDS_MAX = 200;

/** An update as recordings have it. */
export function recordedUpdate([at, key, octets]: RecordedUpdate): {
  readonly at: number;
  readonly key: string;
  readonly octets?: number;
  readonly value?: null;
} {
  return octets < 0 ? { at, key: String(key), value: null } : { at, key: String(key), octets };
}

/** A line of a recording, with its end. */
export function recordedLine(update: RecordedUpdate): string {
  return `${JSON.stringify(recordedUpdate(update))}\n`;
}

/** So much of a text as an answer may have. */
export function answerWords(words: string): string {
  return words.slice(0, WORDS_MAX);
}

const count = integer(0, Number.MAX_SAFE_INTEGER);

const common = object({
  v: oneOf(1),
  id: hex64,
  slot: hex64,
  task: oneOf('checkpoint', 'list', 'restore', 'slots', 'list-from', 'restore-from', 'record', 'forget'),
  from: count,
  stop: flag,
});
const full = object({ isFull: flag });
const checkpointPlace = object({ epoch: count, number: count });
const other = object({}, { source: hex64, format: stateFormat });
const source = object({ source: hex64 });
const otherPlace = object({ source: hex64, epoch: count, number: count }, { format: stateFormat });
const bounds = object({
  forMs: integer(1, RECORDING_MS_MAX),
  octetsMax: integer(1, RECORDING_OCTETS_MAX),
});
const place = object({ method: oneOf('checkpoint', 'shared'), store: text });

const stateOrder: Shape<StateOrder> = versioned((value, path): StateOrder => {
  const { task, ...rest } = common(value, path);
  switch (task) {
    case 'checkpoint':
      return { ...rest, task, ...full(value, path) };
    case 'list':
      return { ...rest, task };
    case 'restore':
      return { ...rest, task, ...checkpointPlace(value, path) };
    case 'slots':
      return { ...rest, task, ...other(value, path) };
    case 'list-from':
      return { ...rest, task, ...source(value, path) };
    case 'restore-from':
      return { ...rest, task, ...otherPlace(value, path) };
    case 'record':
      return { ...rest, task, ...bounds(value, path) };
    case 'forget':
      return { ...rest, task, ...place(value, path) };
  }
});

const words: Shape<string> = (value, path) => {
  const told = text(value, path);
  return told.length <= WORDS_MAX ? told : fail(path, `must have ${WORDS_MAX} characters at most`);
};

function atMost<Value>(shape: Shape<readonly Value[]>, most: number): Shape<readonly Value[]> {
  return (value, path) => {
    const values = shape(value, path);
    return values.length <= most ? values : fail(path, `must have ${most} items at most`);
  };
}

const made: Shape<MadeCheckpoint> = object({
  kind: oneOf('full', 'incremental', 'none'),
  epoch: count,
  number: count,
  sequence: count,
  keys: count,
  octets: count,
  tookMs: milliseconds,
});

const found: Shape<FoundCheckpoint> = object(
  {
    epoch: count,
    first: count,
    number: count,
    kind: oneOf('full', 'incremental'),
    wallMs: count,
    node: uint32,
    sequence: count,
    octets: count,
    damage: words,
    isRestorable: flag,
  },
  { keys: count },
);

const foundSlot: Shape<FoundSlot> = object({
  slot: hex64,
  set: labelName,
  pool: labelName,
  index: count,
  format: stateFormat,
  full: count,
  epoch: count,
  number: count,
  wallMs: count,
  keys: count,
  damage: words,
  misfit: words,
});

const recorded: Shape<RecordedUpdate> = (value, path) => {
  if (!Array.isArray(value) || value.length !== 3) return fail(path, 'must be three numbers');
  const [at, key, octets] = value as readonly unknown[];
  return [
    milliseconds(at, `${path}[0]`),
    integer(1, 0xffff_ffff)(key, `${path}[1]`),
    integer(-1, 0x7fff_ffff)(octets, `${path}[2]`),
  ];
};

const recording: Shape<RecordingPart> = object({
  updates: atMost(list(recorded), RECORDED_UPDATES_MAX),
  elapsedMs: milliseconds,
  end: oneOf('', 'time', 'octets', 'behind', 'stopped', 'left'),
});

const stateAnswer: Shape<StateAnswer> = versioned(
  object(
    { v: oneOf(1), id: hex64, isOver: flag, fault: words },
    {
      made,
      found: atMost(list(found), FOUND_CHECKPOINTS_MAX),
      slots: atMost(list(foundSlot), FOUND_SLOTS_MAX),
      hasMore: flag,
      recording,
    },
  ),
);

export function parseStateOrder(octets: Uint8Array): StateOrder {
  return stateOrder(parseStrictJson(octets), 'stateOrder');
}

export function encodeStateOrder(value: StateOrder): Uint8Array {
  return encodeUtf8(JSON.stringify(stateOrder(value, 'stateOrder')));
}

export function parseStateAnswer(octets: Uint8Array): StateAnswer {
  return stateAnswer(parseStrictJson(octets), 'stateAnswer');
}

export function encodeStateAnswer(value: StateAnswer): Uint8Array {
  return encodeUtf8(JSON.stringify(stateAnswer(value, 'stateAnswer')));
}

// SPDX-License-Identifier: Apache-2.0

/*
 * What is asked of the state of a slot, and what is answered.
 */

/** POST /v1/checkpoint: the holder of the slot makes one now. */
export interface CheckpointRequest {
  readonly pool: string;
  readonly slot: number;
  /** All of the state, though what changed would do. */
  readonly full?: boolean;
}

/** Answer of POST /v1/checkpoint: the store has it. */
export interface CheckpointAnswer {
  /** `none`: nothing had changed since the one that it names. */
  readonly kind: 'full' | 'incremental' | 'none';
  /** Name of the node that wrote it. */
  readonly node: string;
  readonly epoch: number;
  /** Of its last object in the store. */
  readonly number: number;
  /** Of the last update that is in it. */
  readonly sequence: number;
  /** Pieces of state. */
  readonly keys: number;
  /** That were written. */
  readonly octets: number;
  /** From the order at the node to the store's answer. */
  readonly tookMs: number;
}

/** GET /v1/checkpoints/POOL/SLOT: one that lies in the store. */
export interface CheckpointView {
  readonly pool: string;
  readonly slot: number;
  readonly epoch: number;
  /** Of its first and of its last object. */
  readonly first: number;
  readonly number: number;
  readonly kind: 'full' | 'incremental';
  /** By the clock of its writer; null: it cannot be read. */
  readonly writtenAt: number | null;
  /** Name of the node that wrote it, or its number where that is gone; null: it cannot be read. */
  readonly node: string | null;
  /** Of the last update that is in it; null: it cannot be read. */
  readonly sequence: number | null;
  readonly octets: number;
  /** What is wrong with it; null: it is whole. */
  readonly damage: string | null;
  /** Whoever takes the slot now goes on from what there is up to this one. */
  readonly isRestorable: boolean;
  /** Pieces of the state that are there with it; absent: it cannot be read, or the agent is too old to say. */
  readonly keys?: number;
  /** Id of the slot whose it is, where it was asked for what the store has of another one; `node` is a number then. */
  readonly from?: string;
}

/** GET /v1/stored-slots/POOL/SLOT: another slot, of whatever set, of which the store of this one has checkpoints. */
export interface StoredSlotView {
  readonly id: string;
  /** As they were declared; null: the store does not say. */
  readonly set: string | null;
  readonly pool: string | null;
  readonly slot: number | null;
  /** What its values are, `kv/1`; null: the store does not say. */
  readonly format: string | null;
  /** Full checkpoints that are there. */
  readonly full: number;
  /** Of the newest checkpoint that can be read, the number of its last object; null: none can. */
  readonly epoch: number | null;
  readonly number: number | null;
  /** When that was written, by the clock of its writer. */
  readonly writtenAt: number | null;
  /** Pieces of the state that are there with it. */
  readonly keys: number | null;
  /** Why something newer, or whose it is, cannot be read; null: nothing is wrong. */
  readonly damage: string | null;
  /** Why the slot that was asked for cannot be given its state; null: it can. */
  readonly misfit: string | null;
  /** It is a slot of this set now, `kv/1`; null: it is none. */
  readonly current: string | null;
}

/** POST /v1/restore: the slot begins anew with a checkpoint that its store has; what was changed behind it is dropped. */
export interface RestoreRequest {
  readonly pool: string;
  readonly slot: number;
  /** Of the checkpoint, and the number of its last object. */
  readonly epoch: number;
  readonly number: number;
  /** Id of the slot whose it is; absent: its own. */
  readonly from?: string;
  /** What the values of that are, where the store does not say. */
  readonly format?: string;
}

/** Answer of POST /v1/restore: whoever takes the slot next begins with this one, which has what the chosen one had. */
export interface RestoreAnswer {
  /** Name of the node that wrote it. */
  readonly node: string;
  readonly epoch: number;
  readonly number: number;
  readonly sequence: number;
  /** Pieces of state. */
  readonly keys: number;
  /** That were written. */
  readonly octets: number;
  readonly tookMs: number;
}

/** GET /v1/recording/POOL/SLOT: what the holder's function shares from now on. */
export interface RecordingRequest {
  readonly pool: string;
  readonly slot: number;
  /** 100 ms to 1 h. */
  readonly forMs: number;
  /** Of its lines; 1 KiB to 64 MiB. */
  readonly octetsMax: number;
}

/** One change of a piece of state, as a line of a recording has it. */
export interface RecordedUpdateView {
  /** Milliseconds since the recording began. */
  readonly at: number;
  /** Not the key of the function: a number for it. */
  readonly key: string;
  /** Of the value, which is not in it; absent: see `value`. */
  readonly octets?: number;
  /** The key was removed. */
  readonly value?: null;
}

export interface RecordingProgress {
  readonly updates: number;
  readonly elapsedMs: number;
}

/** Server-sent events of it: updates as they come, progress at least once a second, and one `end`. */
export interface RecordingMessages {
  readonly updates: readonly RecordedUpdateView[];
  readonly progress: RecordingProgress;
  readonly end: RecordingProgress & {
    /** `behind`: it came faster than it was taken; `left`: the slot is held there no more; `failed`: see `reason`. */
    readonly why: 'time' | 'octets' | 'behind' | 'stopped' | 'left' | 'failed';
    readonly reason: string;
  };
}

/** One of them. */
export type RecordingMessage = {
  readonly [Kind in keyof RecordingMessages]: {
    readonly kind: Kind;
    readonly data: RecordingMessages[Kind];
  };
}[keyof RecordingMessages];

/** GET /v1/left-states: what a slot that is no more has left in stores. */
export interface LeftStateView {
  /** Of the slot; never given twice. */
  readonly id: string;
  readonly pool: string;
  readonly slot: number;
  /** Where: names of stores as they were declared. */
  readonly places: readonly { readonly method: 'checkpoint' | 'shared'; readonly store: string }[];
  readonly leftAt: number;
}

/** POST /v1/forget: it is removed from all stores where it was left. */
export interface ForgetRequest {
  readonly id: string;
  /** What it is called, so that nothing else is removed. */
  readonly pool: string;
  readonly slot: number;
  /** Names of stores that are there no more: nothing is removed from these, and nobody looks for it any more. */
  readonly gone?: readonly string[];
}

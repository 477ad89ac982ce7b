// SPDX-License-Identifier: Apache-2.0
import type { ReplicaMark, ReplicaUpdate } from '../replication/index.ts';

/*
 * Objects by which the holder of a slot keeps its state in a store outside of the set: our own format, version 1. docs/checkpoints.md
 * has layouts and rules.
 */

/** Octets of one object, without what it is sealed with. */
export const CHECKPOINT_BYTES_MAX = 0x20_0000;

/** A place in what was kept: an object of an epoch. */
export interface CheckpointPlace {
  /** 0: nowhere. */
  readonly epoch: number;
  /** 0 is the claim of the epoch, what follows counts from 1. */
  readonly number: number;
}

interface Common extends CheckpointPlace {
  /** 16 hexadecimal digits. */
  readonly slot: string;
  /** Who wrote it. */
  readonly node: number;
  /** By its wall clock. */
  readonly wallMs: number;
}

/** First of its epoch: from here on what earlier epochs write counts no more. */
export interface CheckpointClaim extends Common {
  readonly type: 'claim';
  readonly number: 0;
  /** Last object of what the holder began with; epoch 0: with nothing. */
  readonly base: CheckpointPlace;
}

/** A piece of a checkpoint: all of them in order, up to the one with a mark, are one. */
export interface CheckpointPart extends Common {
  readonly type: 'part';
  /** Number of the first piece. */
  readonly first: number;
  /** Sequence behind which the whole checkpoint has everything; 0: it is a full one. */
  readonly from: number;
  readonly updates: readonly ReplicaUpdate[];
  /** What the state is with the last piece. */
  readonly mark: Omit<ReplicaMark, 'clockUs'> | null;
}

/** The holder let go; what it wrote before is all that it had. */
export interface CheckpointEnd extends Common {
  readonly type: 'end';
  /** Of its last update. */
  readonly sequence: number;
}

export type CheckpointObject = CheckpointClaim | CheckpointPart | CheckpointEnd;

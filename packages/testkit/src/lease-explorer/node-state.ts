// SPDX-License-Identifier: Apache-2.0
import type { LeaseInput, LeaseRecord } from '@vnfpool/core/lease';
import type { Action } from '../lease-world/describe.ts';
import type { FenceModel } from '../lease-world/fence-model.ts';
import type { Witnessed } from './promises.ts';

/** One call of the engine: what brings a new one to the same state. */
export type Call =
  | { readonly type: 'handle'; readonly input: LeaseInput; readonly nowMs: number }
  | { readonly type: 'expire'; readonly nowMs: number }
  /** The driver asked for the next deadline. */
  | { readonly type: 'arm' };

/** The calls of one process, newest first. */
export interface Calls {
  readonly last: Call;
  readonly former: Calls | undefined;
}

/** One run of a node's agent. */
export interface Life {
  /** From 1 on. */
  readonly number: bigint;
  readonly incarnation: bigint;
  readonly startedAtMs: number;
  readonly restored: readonly LeaseRecord[];
}

/** Where a node's step may be broken off. */
export interface CutPoints {
  readonly crash: readonly number[];
  readonly pause: readonly number[];
  readonly isSlow: boolean;
}

export interface Spent {
  readonly crashes: number;
  readonly pauses: number;
  readonly duplicates: number;
  readonly orders: number;
}

/**
 * One node after one history of its own: process, disk, kernel and network card. Never changed but for `next`; two equal histories
 * are one object, so that `id` tells histories apart.
 */
export interface NodeState {
  readonly id: number;
  readonly life: Life;
  readonly calls: Calls | undefined;
  readonly disk: readonly LeaseRecord[];
  /** What is left to do of a step in which the process was paused. */
  readonly backlog: readonly Action[];
  /** Inputs that wait for the process; filled only while it is paused. */
  readonly inbox: readonly LeaseInput[];
  /** What function and kernel have still to answer. */
  readonly answers: readonly LeaseInput[];
  readonly isPaused: boolean;
  /** Which list of candidates this node knows. */
  readonly isReordered: boolean;
  readonly functionIncarnations: readonly bigint[];
  readonly fence: FenceModel;
  /** Epoch that the process was granted and has not lost, by slot. */
  readonly holding: readonly (number | undefined)[];
  /** Datagrams that this node ever sent, repetitions not counted. */
  readonly sent: readonly number[];
  /** Datagrams that came here; what came twice stands here twice. */
  readonly delivered: readonly number[];
  /** All that bears on what must hold, oldest first. */
  readonly witnessed: readonly Witnessed[];
  /** Epochs and rounds that are its own; nobody else may have them. */
  readonly claims: ReadonlyMap<string, string>;
  /** A promise that this node broke all by itself. */
  readonly broken: string | undefined;
  /** True time in µs at which its last step ended. */
  readonly atUs: number;
  /** True time in µs at which its timer is due, and at which its member has its voice back. */
  readonly timerUs: number | undefined;
  readonly voiceUs: number;
  readonly spent: Spent;
  readonly cutPoints: CutPoints;
  /** What follows, by moment and step: the engine runs once for each. */
  next: Map<number, NodeState> | undefined;
}

export const NO_CUTS: CutPoints = { crash: [], pause: [], isSlow: false };

/** A node before its first process. */
export function unborn(slots: number, fence: FenceModel, startedAtMs: number, atUs: number): NodeState {
  return {
    id: 0,
    life: { number: 0n, incarnation: 0n, startedAtMs, restored: [] },
    calls: undefined,
    disk: [],
    backlog: [],
    inbox: [],
    answers: [],
    isPaused: false,
    isReordered: false,
    functionIncarnations: Array.from({ length: slots }, () => 1n),
    fence,
    holding: Array.from({ length: slots }, () => undefined),
    sent: [],
    delivered: [],
    witnessed: [],
    claims: new Map(),
    broken: undefined,
    timerUs: undefined,
    voiceUs: 0,
    atUs,
    spent: { crashes: 0, pauses: 0, duplicates: 0, orders: 0 },
    cutPoints: NO_CUTS,
    next: undefined,
  };
}

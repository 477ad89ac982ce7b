// SPDX-License-Identifier: Apache-2.0
import type { AsapMessage } from '@vnfpool/wire/asap';
import type { ErrorCause, PoolElement } from '@vnfpool/wire/parameters';
import { POLICIES, type PolicyTable } from '../handlespace/policies/table.ts';
import type { HuntInput, HuntOptions, HuntOutput } from '../registrar-hunt/messages.ts';

export interface PoolUserOptions extends HuntOptions {
  /** T1-ENRPrequest: how long an answer may take before the question is asked again. Default 15000 ms. */
  readonly requestTimeoutMs?: number;
  /** MAX-REQUEST-RETRANSMIT. Default 2. */
  readonly retransmitsMax?: number;
  /** stale.cache.value: how long an answer is used without asking again. Default 30000 ms. */
  readonly staleMs?: number;
  /** Whether an answer that is stale is used while the new one is awaited. Default true. */
  readonly answerStale?: boolean;
  /** How many elements to ask for; 0: as many as the registrar likes to give. Default 0. */
  readonly items?: number;
  /** S: whether registrars are asked to tell of changes by themselves. Default false. */
  readonly updates?: boolean;
  /** What to choose by. Default: all policies that we know. */
  readonly policies?: PolicyTable;
  /** Pools in the cache at most; the one asked for longest ago goes. Default 256. */
  readonly poolsMax?: number;
  /** Requests that wait for one answer at most; more are refused. Default 1024. */
  readonly waitingMax?: number;
  /** Reports on one element are at least this far apart. Default 1000 ms. */
  readonly reportSpacingMs?: number;
}

export const POOL_USER_DEFAULTS: Required<Omit<PoolUserOptions, keyof HuntOptions>> = {
  requestTimeoutMs: 15_000,
  retransmitsMax: 2,
  staleMs: 30_000,
  answerStale: true,
  items: 0,
  updates: false,
  policies: POLICIES,
  poolsMax: 256,
  waitingMax: 1024,
  reportSpacingMs: 1000,
};

export type PoolUserInput =
  /** Who serves me next? `request` is the driver's number for it. */
  | {
      readonly type: 'resolve';
      readonly request: number;
      readonly poolHandle: Uint8Array;
      /** stale.cache.value for this request alone; 0: ask, and wait for the answer. */
      readonly staleMs?: number;
      /** How many elements to ask for, if it comes to asking; 0xffffffff: all. Default: the option. */
      readonly items?: number;
    }
  /** This element could not be reached. */
  | {
      readonly type: 'unreachable';
      readonly poolHandle: Uint8Array;
      readonly elementId: number;
      /** False: no data was sent to it, so that no registrar is told. Default true. */
      readonly report?: boolean;
    }
  /** Forget what is known of this pool. */
  | { readonly type: 'purge'; readonly poolHandle: Uint8Array }
  | { readonly type: 'message'; readonly association: number; readonly message: AsapMessage }
  | HuntInput;

export type PoolUserOutput =
  | { readonly type: 'send'; readonly association: number; readonly message: AsapMessage }
  | {
      readonly type: 'resolved';
      readonly request: number;
      /** Chosen by the pool's policy. */
      readonly element: PoolElement;
      /** The others that are known, the next best first. */
      readonly alternatives: readonly PoolElement[];
    }
  | {
      readonly type: 'unresolved';
      readonly request: number;
      readonly reason: 'unknown pool' | 'refused' | 'not answered' | 'too many requests';
      readonly causes: readonly ErrorCause[];
    }
  /** What the registrar told by itself, or in answer to a question: the pool as it is known now. */
  | {
      readonly type: 'pool-changed';
      readonly poolHandle: Uint8Array;
      /** In the registrar's order; none: there is no such pool any more. */
      readonly elements: readonly PoolElement[];
    }
  | HuntOutput;

// SPDX-License-Identifier: Apache-2.0
import type { AsapMessage } from '@vnfpool/wire/asap';
import type { Association, RegistrarState } from '../state.ts';

/** Carries out one message of one association; what has to be done gathers in the state. */
export type Handler<M extends AsapMessage> = (
  state: RegistrarState,
  association: Association,
  message: M,
  nowMs: number,
) => void;

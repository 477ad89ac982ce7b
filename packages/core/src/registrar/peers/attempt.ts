// SPDX-License-Identifier: Apache-2.0
import type { ConnectAttempt, RegistrarTransport } from '../messages.ts';
import type { Association, RegistrarState } from '../state.ts';
import type { PeerLink, PeerRegistrar } from './peer.ts';

interface Pending {
  readonly number: ConnectAttempt;
  readonly transport: RegistrarTransport;
  failed(reason: string, nowMs: number): void;
}

/** A `connect` that the driver has not answered yet. */
export type Attempt = Pending &
  (
    | {
        readonly protocol: 'enrp';
        /** Whom it is meant for; undefined: whoever is there. */
        readonly wanted: PeerRegistrar | undefined;
        opened(link: PeerLink, nowMs: number): void;
      }
    | { readonly protocol: 'asap'; opened(association: Association, nowMs: number): void }
  );

type Purpose = Attempt extends infer A
  ? A extends Attempt
    ? Omit<A, 'number' | 'transport'>
    : never
  : never;

/** Asks the driver for an association; a driver that does not answer in time has failed. */
export function connect(
  state: RegistrarState,
  transport: RegistrarTransport,
  purpose: Purpose,
  nowMs: number,
): void {
  const { scope, options } = state;
  scope.lastAttempt += 1;
  const number = scope.lastAttempt;
  // The purpose is one of the two; only its number and its aim are added.
  const attempt = { ...purpose, number, transport } as Attempt;
  scope.attempts.set(number, attempt);
  state.deadlines.set(attempt, 'attempt', nowMs + 2 * options.mentorDiscoveryTimeoutMs);
  state.output({ type: 'connect', attempt: number, protocol: attempt.protocol, transport });
}

/** The attempt of this number and protocol, which is over now. */
export function takeAttempt<P extends Attempt['protocol']>(
  state: RegistrarState,
  number: ConnectAttempt | undefined,
  protocol: P,
): Extract<Attempt, { protocol: P }> | undefined {
  const attempt = number === undefined ? undefined : state.scope.attempts.get(number);
  if (attempt === undefined || attempt.protocol !== protocol) return undefined;
  endAttempt(state, attempt);
  return attempt as Extract<Attempt, { protocol: P }>;
}

export function attemptFailed(
  state: RegistrarState,
  number: ConnectAttempt,
  reason: string,
  nowMs: number,
): void {
  const attempt = state.scope.attempts.get(number);
  if (attempt === undefined) return;
  endAttempt(state, attempt);
  attempt.failed(reason, nowMs);
}

function endAttempt(state: RegistrarState, attempt: Attempt): void {
  state.scope.attempts.delete(attempt.number);
  state.deadlines.clearAll(attempt);
}

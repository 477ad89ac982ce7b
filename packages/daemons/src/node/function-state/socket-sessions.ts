// SPDX-License-Identifier: Apache-2.0
import type { SessionForward, SessionSelector, StateKind } from '@vnfpool/wire/function-socket';
import { Continuity } from './continuity.ts';
import type { Done, Order } from './function-link.ts';
import { FunctionStateError } from './function-state.ts';
import type { FunctionSessions } from './moved-state.ts';

const scope = 'sessions';

/** How the socket of a function is asked. */
export interface SocketCalls {
  /** @param answerMs Time for the answer; default that of every order */
  ask(order: Order, signal?: AbortSignal, answerMs?: number): Promise<Done>;
  export(
    order: Octets,
    continuity: Continuity,
    write: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ readonly bytes: number; readonly done: Done }>;
  import(
    order: Octets,
    continuity: Continuity,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Done>;
}

/** What is exported or imported. */
export interface Octets {
  readonly kind: StateKind;
  readonly scope?: typeof scope;
}

/** Time to select: the manager waits for the answer. */
const SELECT_MS = 3_000;

/** Single sessions of a function by its socket. */
export class SocketSessions implements FunctionSessions {
  /** The function's rate is that of all that it has. */
  readonly changeRate = null;
  readonly #calls: SocketCalls;
  readonly #continuity = { export: new Continuity('export'), import: new Continuity('import') };
  #moved: number | null = null;

  constructor(calls: SocketCalls) {
    this.#calls = calls;
  }

  get movedSessions(): number | null {
    return this.#moved;
  }

  /** The function has begun anew, as far as transfers go. */
  reset(): void {
    this.#continuity.export.reset();
    this.#continuity.import.reset();
    this.#moved = null;
  }

  async select(sessions: readonly SessionSelector[], signal: AbortSignal): Promise<number> {
    this.reset();
    const { count } = await this.#calls.ask({ op: 'select', sessions }, signal, SELECT_MS);
    if (count === undefined)
      throw new FunctionStateError('protocol', 'the function does not say how many sessions it selected');
    return count;
  }

  async expect(signal: AbortSignal): Promise<SessionForward | null> {
    this.reset();
    return (await this.#calls.ask({ op: 'expect' }, signal, SELECT_MS)).forward ?? null;
  }

  async accept(): Promise<number | null> {
    return (await this.#calls.ask({ op: 'accept' })).count ?? null;
  }

  async moved(forward: SessionForward | null): Promise<void> {
    await this.#calls.ask({ op: 'moved', forward });
  }

  async export(
    kind: StateKind,
    write: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ readonly bytes: number }> {
    const { bytes, done } = await this.#calls.export({ kind, scope }, this.#continuity.export, write, signal);
    this.#moved = done.count ?? null;
    return { bytes };
  }

  async import(kind: StateKind, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const done = await this.#calls.import({ kind, scope }, this.#continuity.import, chunks, signal);
    this.#moved = done.count ?? null;
  }

  async quiesce(signal: AbortSignal): Promise<void> {
    await this.#calls.ask({ op: 'quiesce', scope }, signal);
  }

  async resume(): Promise<void> {
    this.reset();
    await this.#calls.ask({ op: 'resume', scope });
  }

  async discard(): Promise<void> {
    this.reset();
    await this.#calls.ask({ op: 'discard', scope });
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { SessionForward, SessionSelector, StateKind } from '@vnfpool/wire/function-socket';
import type { Hooks } from '@vnfpool/wire/mobility';
import { parseIp } from '@vnfpool/wire/parameters';
import { Continuity } from './continuity.ts';
import { FunctionStateError } from './function-state.ts';
import type { FunctionSessions } from './moved-state.ts';

/** What a hook gets besides the usual variables. */
export type HookVariables = Readonly<Record<string, string>>;

/** How the hooks of a function are run. */
export interface HookCalls {
  /** Runs a hook without octets in its turn, and gives what it wrote to its standard output. One that is missing: ''. */
  inTurn(hook: SessionHook, variables: HookVariables, signal?: AbortSignal): Promise<string>;
  export(
    continuity: Continuity,
    kind: StateKind,
    write: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
    variables: HookVariables,
  ): Promise<{ readonly bytes: number }>;
  import(
    continuity: Continuity,
    kind: StateKind,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    variables: HookVariables,
  ): Promise<void>;
}

/** Hooks that carry no octets. */
export type SessionHook = Exclude<keyof Hooks, 'export' | 'import'>;

const SCOPE: HookVariables = { VNFPOOL_SCOPE: 'sessions' };

/** Whether the hooks are there without which no session can move: `expect` may be missing. */
export function moveSessions({ select, moved, accept, discard }: Hooks): boolean {
  return [select, moved, accept, discard].every((hook) => hook !== undefined);
}

/** Single sessions of a function by its hooks. */
export class HookSessions implements FunctionSessions {
  readonly changeRate = null;
  readonly #calls: HookCalls;
  readonly #continuity = { export: new Continuity('export'), import: new Continuity('import') };

  constructor(calls: HookCalls) {
    this.#calls = calls;
  }

  async select(sessions: readonly SessionSelector[], signal: AbortSignal): Promise<number> {
    this.#reset();
    const variables = { VNFPOOL_SESSIONS: JSON.stringify(sessions) };
    const count = countIn(await this.#calls.inTurn('select', variables, signal));
    if (count === null) throw new FunctionStateError('protocol', 'hook select says no number');
    return count;
  }

  async moved(forward: SessionForward | null): Promise<void> {
    const where = forward === null ? '' : `${forward.address} ${forward.port}`;
    await this.#calls.inTurn('moved', { VNFPOOL_FORWARD: where });
  }

  async expect(signal: AbortSignal): Promise<SessionForward | null> {
    this.#reset();
    return forwardIn(await this.#calls.inTurn('expect', {}, signal));
  }

  async accept(): Promise<number | null> {
    return countIn(await this.#calls.inTurn('accept', {}));
  }

  export(
    kind: StateKind,
    write: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ readonly bytes: number }> {
    return this.#calls.export(this.#continuity.export, kind, write, signal, SCOPE);
  }

  import(kind: StateKind, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    return this.#calls.import(this.#continuity.import, kind, chunks, signal, SCOPE);
  }

  async quiesce(signal: AbortSignal): Promise<void> {
    await this.#calls.inTurn('quiesce', SCOPE, signal);
  }

  async resume(): Promise<void> {
    this.#reset();
    await this.#calls.inTurn('resume', SCOPE);
  }

  async discard(): Promise<void> {
    this.#reset();
    await this.#calls.inTurn('discard', SCOPE);
  }

  #reset(): void {
    this.#continuity.export.reset();
    this.#continuity.import.reset();
  }
}

/** Null: it says nothing. */
function countIn(output: string): number | null {
  const said = output.trim();
  if (said === '') return null;
  if (/^\d{1,15}$/.test(said)) return Number(said);
  throw new FunctionStateError(
    'protocol',
    `a hook says ${JSON.stringify(said.slice(0, 64))}, which is no number`,
  );
}

/** `ADDRESS PORT`; null: it says nothing. */
function forwardIn(output: string): SessionForward | null {
  const said = output.trim();
  if (said === '') return null;
  const [, address = '', digits] = /^(\S+) (\d{1,5})$/.exec(said) ?? [];
  const port = Number(digits);
  try {
    parseIp(address);
    if (port >= 1 && port <= 65_535) return { address, port };
  } catch {
    // Told below.
  }
  throw new FunctionStateError(
    'protocol',
    `hook expect says ${JSON.stringify(said.slice(0, 64))}, which is no address and port`,
  );
}

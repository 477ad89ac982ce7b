// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:net';
import {
  type AgentRequest,
  type AgentWelcome,
  boundReason,
  FUNCTION_SOCKET_VARIABLE,
  FUNCTION_SOCKET_VERSION,
} from '@vnfpool/wire/function-socket';
import type { Role } from '@vnfpool/wire/mobility';
import { bounded } from '../bounded.ts';
import type { CallOptions } from '../client-options.ts';
import { PoolError } from '../pool-error.ts';
import { AgentConnection, type Done } from './agent-connection.ts';
import { ChangeGate } from './change-gate.ts';
import type { MergeableMap } from './mergeable-map.ts';
import type { MovableSessions } from './movable-sessions.ts';
import type { MovableState } from './movable-state.ts';
import { NOTHING_TO_MOVE } from './nothing-to-move.ts';
import { answerSessions, isOfSessions, type SessionRequest } from './session-requests.ts';
import { ShareLink } from './share-link.ts';
import type { SharedState } from './shared-state.ts';
import { exportTo, importFrom } from './state-octets.ts';

type ShareRequest = AgentRequest & { readonly op: 'share' };

export interface StatefulFunctionOptions extends CallOptions {
  /** Absent: it has none that would move with it, beside what is `shared`. */
  readonly state?: MovableState;
  /** State of which standbys have a copy while this instance holds a slot; changes of it do not go through `change`. */
  readonly shared?: SharedState;
  /** State that all instances of the pool change at the same time. */
  readonly mergeable?: MergeableMap;
  /** Makes single sessions movable, beside the state as a whole. */
  readonly sessions?: MovableSessions;
  /** The agent's socket, default `VNFPOOL_SOCKET` of the environment. Without either the function is alone, and active. */
  readonly path?: string;
  /**
   * The state of the slot is in `shared`, and changes are taken; the address of the slot does not answer yet, and `onRole` follows. The agent
   * waits for its end. Not called when the function goes on with the same state, behind an agent that has come again.
   */
  readonly onTakeOver?: (epoch: string) => void | Promise<void>;
  /** What the function is to be now; the agent waits for its end. */
  readonly onRole?: (role: Role, epoch: string) => void | Promise<void>;
  /** Once no change is under way, before the last of the state is taken. */
  readonly onQuiesce?: () => void | Promise<void>;
  readonly onResume?: () => void | Promise<void>;
  /**
   * `close` was called, or the agent refuses us: nobody tells the role any more. An agent that is only gone may be starting anew: it
   * is looked for until it is back, and all stays as it is; what is quiesced stays so, as another may have the state.
   */
  readonly onEnd?: (error: PoolError) => void;
  /** Changes held back at once while the function is quiesced, default 1024; more fail with `overloaded`. */
  readonly waitingMax?: number;
}

/** How often the rate of changes is told. */
const RATE_MS = 1_000;
/** Until an agent that is gone is looked for, and the longest time until it is again. */
const AGAIN_MS_MIN = 50;
const AGAIN_MS_MAX = 1_000;

/**
 * A function whose state the node agent can move: it hears its role, gives and takes state, and stands still for
 * a moment when the last of it goes. Whatever changes the state goes through `change`.
 */
export class StatefulFunction {
  readonly #options: StatefulFunctionOptions;
  readonly #gate: ChangeGate;
  #connection: AgentConnection | null = null;
  #rate: NodeJS.Timeout | undefined;
  #again: NodeJS.Timeout | undefined;
  #isClosed = false;
  #told = 0;
  #countTold: number | null = null;
  #orders: Promise<unknown> = Promise.resolve();
  #transfers: Promise<unknown> = Promise.resolve();
  #role: Role | null = null;
  #epoch: string | null = null;
  #name = '';

  private constructor(options: StatefulFunctionOptions) {
    this.#options = options;
    this.#gate = new ChangeGate(options.waitingMax ?? 1_024);
  }

  /** Resolves when the agent has said welcome, with `onRole` called if there is a role. */
  static async start(options: StatefulFunctionOptions): Promise<StatefulFunction> {
    const made = new StatefulFunction(options);
    const path = options.path ?? process.env[FUNCTION_SOCKET_VARIABLE];
    if (path === undefined) {
      options.mergeable?.standAlone();
      await made.#become('active', '0');
    } else await made.#connect(path, options);
    return made;
  }

  /** Name of this instance, for people; empty when it is alone. */
  get name(): string {
    return this.#name;
  }

  /** Null: nobody has decided yet. */
  get role(): Role | null {
    return this.#role;
  }

  /** Decimal. */
  get epoch(): string | null {
    return this.#epoch;
  }

  get quiesced(): boolean {
    return this.#gate.closed;
  }

  /** Runs what changes the state; waits while the function is quiesced. Keep it short: a move waits for its end. */
  change<Result>(run: () => Result | Promise<Result>): Promise<Result> {
    return this.#gate.run(run);
  }

  /** For a health check of type `function`: to be repeated within its interval. */
  tellHealth(ok: boolean, reason = ''): void {
    this.#connection?.say(ok ? { op: 'health', ok } : { op: 'health', ok, reason: boundReason(reason) });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#again);
    const error = new PoolError('closed', 'the function was closed');
    if (this.#connection) this.#connection.end(error);
    else this.#end(error);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #end(error: PoolError): void {
    this.#gate.end(error);
    this.#options.shared?.close();
    this.#options.mergeable?.close();
    this.#options.onEnd?.(error);
  }

  /** The agent may be starting anew. */
  #comeBack(path: string, waitMs: number = AGAIN_MS_MIN): void {
    this.#told = 0;
    this.#countTold = null;
    this.#again = setTimeout(() => {
      const { timeoutMs } = this.#options;
      this.#connect(path, timeoutMs === undefined ? {} : { timeoutMs }).catch(() => {
        if (!this.#isClosed) this.#comeBack(path, Math.min(AGAIN_MS_MAX, waitMs * 2));
      });
    }, waitMs).unref();
  }

  #connect(path: string, bounds: CallOptions): Promise<void> {
    const { mergeable, sessions, shared, state } = this.#options;
    return bounded<void>('connecting to the agent', bounds, (resolve, reject) => {
      let welcomed = false;
      let over = false;
      const socket = connect(path);
      const connection = new AgentConnection({
        socket,
        onWelcome: (welcome) => {
          welcomed = true;
          this.#welcome(welcome).then(resolve, reject);
        },
        onRequest: (request, signal) => this.#handle(request, signal),
        onEnd: (error) => {
          clearInterval(this.#rate);
          this.#connection = null;
          if (!over) reject(error);
          if (!welcomed) return;
          if (error.code === 'closed' && !this.#isClosed) this.#comeBack(path);
          else this.#end(error);
        },
      });
      this.#connection = connection;
      const { format } = state ?? {};
      connection.say({
        op: 'hello',
        v: FUNCTION_SOCKET_VERSION,
        ...(format === undefined ? {} : { format }),
        ...(sessions === undefined ? {} : { sessions: true }),
        ...(shared === undefined ? {} : { shares: true, secrets: true }),
        ...(mergeable === undefined ? {} : { merges: true }),
      });
      // Given up, in time or by the signal, before there was a welcome.
      return () => {
        over = true;
        if (!welcomed) connection.end(new PoolError('closed', 'no welcome of the agent'));
      };
    });
  }

  async #welcome({ name, role, epoch }: AgentWelcome): Promise<void> {
    this.#name = name;
    let at = performance.now();
    this.#rate = setInterval(() => {
      const now = performance.now();
      this.#tellRate(((this.#options.state?.changedBytes?.() ?? 0) * 1_000) / (now - at));
      this.#tellSessions();
      at = now;
    }, RATE_MS).unref();
    this.#tellSessions();
    if (role !== null) await this.#inOrder(() => this.#become(role, epoch ?? '0'));
  }

  #tellRate(bytesPerSecond: number): void {
    const rounded = Math.round(bytesPerSecond);
    if (rounded === this.#told) return;
    this.#told = rounded;
    this.#connection?.say({ op: 'changes', bytesPerSecond: rounded });
  }

  #tellSessions(): void {
    const { sessions } = this.#options;
    if (sessions === undefined || sessions.count === this.#countTold) return;
    this.#countTold = sessions.count;
    this.#connection?.say({ op: 'sessions', count: sessions.count });
  }

  async #become(role: Role, epoch: string): Promise<void> {
    this.#role = role;
    this.#epoch = epoch;
    const { onRole, onTakeOver, shared } = this.#options;
    if (role !== 'active') shared?.standBy();
    // The state of a slot would have come before.
    else if (shared?.standAlone() === true) await onTakeOver?.(epoch);
    await onRole?.(role, epoch);
  }

  async #share({ data, epoch, own, secrets }: ShareRequest, signal: AbortSignal): Promise<void> {
    const { onTakeOver, shared } = this.#options;
    if (shared === undefined) throw new PoolError('refused', 'its state is not shared');
    const link = ShareLink.connect(data, secrets);
    const abort = (): void => link.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      if (await shared.share(link, own)) await onTakeOver?.(epoch);
    } catch (error) {
      link.abort(error);
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Answered at once: the state comes behind it. */
  #merge(path: string): void {
    const { mergeable } = this.#options;
    if (mergeable === undefined) throw new PoolError('refused', 'it takes part in no mergeable state');
    mergeable.join(path);
  }

  #movable(): MovableState {
    const { mergeable, shared, state } = this.#options;
    if (state !== undefined) return state;
    if (shared !== undefined || mergeable !== undefined) return NOTHING_TO_MOVE;
    throw new PoolError('refused', 'it has no state that can be moved');
  }

  #handle(request: AgentRequest, signal: AbortSignal): Promise<Done> {
    const { onQuiesce, onResume, state } = this.#options;
    if (isOfSessions(request)) return this.#handleSessions(request, signal);
    switch (request.op) {
      case 'role':
        return this.#inOrder(() => this.#become(request.role, request.epoch), signal);
      case 'quiesce':
        return this.#inOrder(async () => {
          await this.#gate.close();
          await onQuiesce?.();
        }, signal);
      case 'resume':
        return this.#inOrder(async () => {
          state?.release?.();
          await onResume?.();
          this.#gate.open();
        }, signal);
      case 'discard':
        return this.#inOrder(() => state?.discard(), signal);
      case 'export':
        return this.#oneByOne(() => {
          const movable = this.#movable();
          return exportTo(request.data, signal, () => movable.export(request.kind, signal));
        });
      case 'import':
        return this.#oneByOne(() => {
          const movable = this.#movable();
          return importFrom(request.data, signal, (chunks) => movable.import(request.kind, chunks, signal));
        });
      case 'share':
        return this.#inOrder(() => this.#share(request, signal), signal);
      case 'merge':
        return this.#inOrder(() => this.#merge(request.data), signal);
    }
  }

  async #handleSessions(request: SessionRequest, signal: AbortSignal): Promise<Done> {
    const { sessions } = this.#options;
    if (sessions === undefined) throw new PoolError('refused', 'single sessions cannot be moved');
    const answer = (): Promise<Done> => answerSessions(sessions, request, signal);
    const done = await (request.op === 'export' || request.op === 'import'
      ? this.#oneByOne(answer)
      : this.#inOrder(answer, signal));
    this.#tellSessions();
    return done;
  }

  /** Orders that carry no octets run one after the other, also beside a transfer. */
  async #inOrder(run: () => unknown, signal?: AbortSignal): Promise<Done> {
    const done = this.#orders.then(() => orGivenUp(run, signal));
    this.#orders = done.catch(() => undefined);
    return ((await done) ?? {}) as Done;
  }

  async #oneByOne(run: () => Promise<unknown>): Promise<Done> {
    const done = this.#transfers.then(run);
    this.#transfers = done.catch(() => undefined);
    return ((await done) ?? {}) as Done;
  }
}

/** One that never ends must not hold up what comes after the agent has given it up. */
async function orGivenUp(run: () => unknown, signal?: AbortSignal): Promise<unknown> {
  signal?.throwIfAborted();
  let abort: (() => void) | undefined;
  const givenUp = new Promise<never>((_, reject) => {
    abort = () => reject(signal?.reason as Error);
    signal?.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([run(), givenUp]);
  } finally {
    if (abort) signal?.removeEventListener('abort', abort);
  }
}

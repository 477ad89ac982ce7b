// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import type { FunctionId } from '@vnfpool/core';
import type { AgentInput, AgentOutput } from '@vnfpool/core/agent';
import type { Clock } from '@vnfpool/runtime/driver';
import type { Logger } from '@vnfpool/runtime/logging';
import { type SessionForward, sessionSelectors } from '@vnfpool/wire/function-socket';
import {
  type FunctionSessions,
  FunctionStateError,
  type FunctionStateErrorCode,
  type MovedState,
} from './function-state/index.ts';
import type { FunctionStates } from './function-states.ts';
import type { StateMover, Transfer, TransferListener } from './state-mover/index.ts';

export interface SessionTransfersOptions {
  readonly mover: StateMover;
  /** Node ID of this node, once it is known. */
  readonly self: () => number;
  readonly states: Pick<FunctionStates, 'of'>;
  readonly give: (input: AgentInput) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Runs a transfer of the function and remembers it. */
  readonly begin: (
    functionId: FunctionId,
    role: 'source' | 'destination',
    peer: number,
    begin: () => Transfer,
  ) => void;
  readonly listener: (functionId: FunctionId) => TransferListener;
  /** Until a function that did not hear what became of its sessions is told again. Default 1000. */
  readonly againMs?: number;
}

/** Time from the making of a token in which its bearer has to come. */
const TOKEN_MS = 30_000;
const AGAIN_MS = 1_000;
/** It may hear the next time. */
const PASSING: ReadonlySet<FunctionStateErrorCode> = new Set([
  'not-connected',
  'not-answered',
  'ended',
  'busy',
]);

/** Transfers of single sessions of the functions of a node, as the agent core orders them. */
export class SessionTransfers {
  readonly #options: SessionTransfersOptions;
  readonly #closing = new AbortController();
  /** Of functions that have selected sessions, or expect some. */
  readonly #asked = new Map<FunctionId, FunctionSessions>();

  constructor(options: SessionTransfersOptions) {
    this.#options = options;
  }

  async select({ functionId, sessions }: AgentOutput & { readonly type: 'select-sessions' }): Promise<void> {
    await this.#ask(functionId, async (its) => {
      const count = await its.select(sessionSelectors(sessions), this.#closing.signal);
      return { type: 'sessions-selected', functionId, count };
    });
  }

  async expect({ functionId }: AgentOutput & { readonly type: 'expect-sessions' }): Promise<void> {
    await this.#ask(functionId, async (its) => {
      const forward = await its.expect(this.#closing.signal);
      return { type: 'sessions-expected', functionId, forward };
    });
  }

  send(output: AgentOutput & { readonly type: 'send-sessions' }): void {
    const { mover, self, logger } = this.#options;
    const { functionId, destination, selection, targetFunctionId, token } = output;
    const its = this.#taken(functionId);
    // The agent core has seen that they are there.
    const to = { address: destination.addresses[0] ?? '', port: destination.port ?? 0 };
    const order = {
      token,
      source: self(),
      destination: destination.node,
      functionId,
      targetFunctionId,
      mode: 'sessions',
    } as const;
    this.#options.begin(functionId, 'source', destination.node, () => {
      try {
        return mover.send(order, {
          to,
          state: this.#serving(functionId, its),
          selection,
          finish: (_mode, forward) => this.#moved(functionId, its, forward),
          ...this.#options.listener(functionId),
        });
      } catch (error) {
        its.resume().catch((reason: Error) => logger.warn({ functionId, reason: reason.message }, DEAF));
        throw error;
      }
    });
  }

  receive(output: AgentOutput & { readonly type: 'receive-sessions' }): void {
    const { mover, self, clock } = this.#options;
    const { functionId, token, from, forward } = output;
    const its = this.#taken(functionId);
    const expected = { token, source: from, destination: self(), targetFunctionId: functionId };
    this.#options.begin(functionId, 'destination', from, () =>
      mover.receive(expected, {
        tokenUntilMs: clock.nowMs() + TOKEN_MS,
        state: its,
        ofSessions: true,
        ...(forward === null ? {} : { forward }),
        activate: async () => {
          await its.accept();
        },
        ...this.#options.listener(functionId),
      }),
    );
  }

  /** Asks nobody any more. */
  close(): void {
    this.#closing.abort(new FunctionStateError('closed', 'the agent stops'));
  }

  async #ask(
    functionId: FunctionId,
    ask: (sessions: FunctionSessions) => Promise<AgentInput>,
  ): Promise<void> {
    const { give, states } = this.#options;
    try {
      const its = (await states.of(functionId)).movableSessions;
      if (!its) throw new FunctionStateError('unsupported', 'the function does not move single sessions');
      const answer = await ask(its);
      this.#asked.set(functionId, its);
      give(answer);
    } catch (error) {
      give({ type: 'sessions-refused', functionId, reason: (error as Error).message });
    }
  }

  #taken(functionId: FunctionId): FunctionSessions {
    const its = this.#asked.get(functionId);
    this.#asked.delete(functionId);
    if (its === undefined) throw new Error(`function ${functionId} was not asked for sessions`);
    return its;
  }

  /** That another owns them: it holds them back until it knows. A function that is gone has none of them any more. */
  async #moved(functionId: FunctionId, its: FunctionSessions, forward: SessionForward | null): Promise<void> {
    await this.#untilHeard(
      functionId,
      () => its.moved(forward),
      () => true,
    ).catch((error: unknown) => {
      if (this.#closing.signal.aborted || !isClosed(error)) throw error;
    });
  }

  /** That it keeps them is told until it has heard it, too: else it would hold them back for ever. */
  #serving(functionId: FunctionId, its: FunctionSessions): MovedState {
    return {
      changeRate: its.changeRate,
      get movedSessions() {
        return its.movedSessions ?? null;
      },
      export: (kind, write, signal) => its.export(kind, write, signal),
      import: (kind, chunks, signal) => its.import(kind, chunks, signal),
      quiesce: (signal) => its.quiesce(signal),
      resume: () =>
        this.#untilHeard(
          functionId,
          () => its.resume(),
          (code) => PASSING.has(code),
        ),
      discard: () => its.discard(),
    };
  }

  /** Asks again while the failure is one that may pass, and the function is there. */
  async #untilHeard(
    functionId: FunctionId,
    ask: () => Promise<void>,
    mayPass: (code: FunctionStateErrorCode) => boolean,
  ): Promise<void> {
    const { logger, againMs = AGAIN_MS } = this.#options;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof FunctionStateError) || isClosed(error) || !mayPass(error.code)) throw error;
        logger.warn({ functionId, reason: error.message }, DEAF);
        await delay(againMs, undefined, { ref: false, signal: this.#closing.signal });
      }
    }
  }
}

/** Its process has ended, or we have. */
function isClosed(error: unknown): boolean {
  return error instanceof FunctionStateError && error.code === 'closed';
}

const DEAF = 'the function does not hear what became of its sessions';

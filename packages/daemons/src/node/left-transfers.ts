// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import type { FunctionId } from '@vnfpool/core';
import type { AdoptedFunction } from '@vnfpool/core/agent';
import { aborted, type TransferEnd } from '@vnfpool/core/state-transfer';
import type { Clock } from '@vnfpool/runtime/driver';
import type { Logger } from '@vnfpool/runtime/logging';
import { toHex } from '@vnfpool/wire/bytes';
import {
  FunctionStateError,
  type FunctionStateErrorCode,
  type MovedState,
  NoFunctionState,
} from './function-state/index.ts';
import type { FunctionStates } from './function-states.ts';
import type { StateMover, Transfer, TransferListener } from './state-mover/index.ts';
import type { TransferRecord } from './state-mover/transfer-records.ts';

export interface LeftTransfersOptions {
  readonly mover: StateMover;
  readonly states: Pick<FunctionStates, 'of'>;
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
  readonly ended: (functionId: FunctionId, end: TransferEnd) => void;
  /** Resolves when the function has ended for good. */
  readonly untilGone: (functionId: FunctionId) => Promise<void>;
}

/** Until a function that cannot be asked now is asked again. */
const AGAIN_MS = 500;
/** It may be coming back to its socket. */
const PASSING: ReadonlySet<FunctionStateErrorCode> = new Set([
  'not-connected',
  'not-answered',
  'ended',
  'busy',
]);

/**
 * Goes on with the transfers that a former agent of this folder left undecided. A source that had sent `commit` asks for the
 * outcome: its function, quiesced, ends by it or goes on. A destination that had taken `commit` serves. Of the others nothing was
 * decided: a source goes on, a destination forgets. Where the function has ended with or after its agent the other end hears so.
 */
export class LeftTransfers {
  readonly #options: LeftTransfersOptions;
  readonly #closing = new AbortController();

  constructor(options: LeftTransfersOptions) {
    this.#options = options;
  }

  /** @param adopted functions of the node, once the agent core knows them */
  settle(adopted: readonly AdoptedFunction[]): void {
    const functions = new Map(adopted.map((each) => [each.functionId as number, each]));
    const undecided = new Set(
      adopted.flatMap(({ functionId, record, process }) => (record.transfer && process ? [functionId] : [])),
    );
    for (const record of this.#options.mover.left) {
      const functionId = (
        record.end === 'source' ? record.functionId : record.targetFunctionId
      ) as FunctionId;
      const found = functions.get(functionId);
      const lives = found !== undefined && found.process !== null;
      const of = lives ? found.record.transfer : null;
      // Outcomes are kept for a while: of a function that came back, one of an earlier stay says nothing of this.
      const its = of?.role === record.end && of.token === toHex(record.token) ? (found ?? null) : null;
      const { source, destination } = record;
      const told = { functionId, source, destination, role: record.end, phase: record.phase };
      this.#options.logger.warn(told, 'a transfer of state was under way when the agent before ended');
      if (its) undecided.delete(functionId);
      if (record.end === 'source') this.#send(functionId, record, its);
      else this.#receive(functionId, record, its, found);
    }
    for (const functionId of undecided) {
      const transfer = functions.get(functionId)?.record.transfer;
      if (transfer) this.#giveUp(functionId, transfer);
    }
  }

  close(): void {
    this.#closing.abort();
  }

  #send(
    functionId: FunctionId,
    record: TransferRecord & { readonly end: 'source' },
    its: AdoptedFunction | null,
  ): void {
    const { mover, begin, ended, listener, untilGone } = this.#options;
    if (its === null) {
      const state = new NoFunctionState();
      mover.send(record, { to: record.to, state, finish: () => Promise.resolve(), ...this.#told(record) });
      return;
    }
    const state = this.#stateOf(functionId, record.mode);
    begin(functionId, 'source', record.destination, () =>
      mover.send(record, {
        to: record.to,
        state,
        isLeased: record.mode === 'move' && (its.record.assignment?.slot ?? null) !== null,
        finish: (mode, forward) => {
          // That it was over nobody has told the agent core of this life.
          const isOver = record.phase === 'committed';
          if (mode === 'move') {
            if (isOver) ended(functionId, COMMITTED);
            return untilGone(functionId);
          }
          return this.#untilHeard(functionId, async () => {
            await (await this.#sessionsOf(functionId)).moved(forward);
          }).then(() => {
            if (isOver) ended(functionId, COMMITTED);
          });
        },
        ...listener(functionId),
      }),
    );
  }

  #receive(
    functionId: FunctionId,
    record: TransferRecord & { readonly end: 'destination' },
    its: AdoptedFunction | null,
    found: AdoptedFunction | undefined,
  ): void {
    const { mover, clock, states, listener, begin } = this.#options;
    const tokenUntilMs = clock.nowMs();
    if (its === null) {
      // It took its state, and whoever asks may know; what it does since is no matter of the transfer.
      const functionLives = found !== undefined && !found.record.life.awaitsState;
      const activate = (): Promise<void> => Promise.resolve();
      const state = new NoFunctionState();
      mover.receive(record, { tokenUntilMs, state, functionLives, activate, ...this.#told(record) });
      return;
    }
    const isLeased = (its.record.assignment?.slot ?? null) !== null;
    const activate = async (): Promise<void> => {
      if (record.mode === 'sessions')
        await this.#untilHeard(functionId, async () => {
          await (await this.#sessionsOf(functionId)).accept();
        });
      else if (!isLeased) await (await states.of(functionId)).role('active', '0');
    };
    begin(functionId, 'destination', record.source, () =>
      mover.receive(record, {
        tokenUntilMs,
        state: this.#stateOf(functionId, record.mode),
        ofSessions: record.mode === 'sessions',
        functionLives: true,
        activate,
        ...listener(functionId),
      }),
    );
  }

  /** Nothing was decided: it stays as it was before. */
  #giveUp(functionId: FunctionId, { role, mode }: NonNullable<AdoptedFunction['record']['transfer']>): void {
    const { ended } = this.#options;
    const state = this.#stateOf(functionId, mode);
    const undone = role === 'source' ? state.resume() : mode === 'sessions' ? state.discard() : null;
    undone?.catch((error: unknown) => this.#warn(functionId, error));
    ended(functionId, aborted('cancelled', 'the agent restarted'));
  }

  /** What is asked of the function is asked until it hears. */
  #stateOf(functionId: FunctionId, mode: TransferRecord['mode'] | null): MovedState {
    const find = async (): Promise<MovedState> =>
      mode === 'sessions' ? await this.#sessionsOf(functionId) : await this.#options.states.of(functionId);
    const ask = (act: (state: MovedState) => Promise<void>): Promise<void> =>
      this.#untilHeard(functionId, async () => await act(await find()));
    return {
      changeRate: null,
      export: async (kind, write, signal) => await (await find()).export(kind, write, signal),
      import: async (kind, chunks, signal) => await (await find()).import(kind, chunks, signal),
      quiesce: async (signal) => await (await find()).quiesce(signal),
      resume: () => ask((state) => state.resume()),
      discard: () => ask((state) => state.discard()),
    };
  }

  /** @throws FunctionStateError `not-connected` while the function has not come back */
  async #sessionsOf(functionId: FunctionId) {
    const { movableSessions } = await this.#options.states.of(functionId);
    if (movableSessions) return movableSessions;
    throw new FunctionStateError('not-connected', 'the function has not come back yet');
  }

  async #untilHeard(functionId: FunctionId, ask: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await ask();
        return;
      } catch (error) {
        if (!(error instanceof FunctionStateError && PASSING.has(error.code))) throw error;
        this.#warn(functionId, error);
        await delay(AGAIN_MS, undefined, { signal: this.#closing.signal, ref: false });
      }
    }
  }

  #warn(functionId: FunctionId, error: unknown): void {
    const { message: reason } = error as Error;
    if (this.#closing.signal.aborted) return;
    this.#options.logger.warn(
      { functionId, reason },
      'the function does not hear what became of its transfer',
    );
  }

  #told({ functionId, source, destination }: TransferRecord): TransferListener {
    const { logger } = this.#options;
    return {
      onEnded: ({ outcome }) =>
        logger.info({ functionId, source, destination, outcome }, 'that transfer is settled'),
      onInquire: () => undefined,
    };
  }
}

const COMMITTED: TransferEnd = { outcome: 'committed', sessions: null, pauseMs: null };

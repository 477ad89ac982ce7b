// SPDX-License-Identifier: Apache-2.0
import type { FunctionId } from '@vnfpool/core';
import type { AdoptedFunction, AgentInput, AgentOutput } from '@vnfpool/core/agent';
import { type AbortReason, aborted, type TransferEnd } from '@vnfpool/core/state-transfer';
import type { Clock } from '@vnfpool/runtime/driver';
import type { Logger } from '@vnfpool/runtime/logging';
import type { FunctionStates } from './function-states.ts';
import { LateFunctionState } from './late-function-state.ts';
import { LeftTransfers } from './left-transfers.ts';
import { SessionTransfers } from './session-transfers.ts';
import type { StateMover, Transfer } from './state-mover/index.ts';

export interface NodeTransfersOptions {
  readonly mover: StateMover;
  /** Node ID of this node, once it is known. */
  readonly self: () => number;
  readonly states: Pick<FunctionStates, 'of'>;
  readonly give: (input: AgentInput) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Open {
  readonly transfer: Transfer & { gone?(): void };
  readonly role: 'source' | 'destination';
  readonly peer: number;
}

/** Time from the making of a token in which its bearer has to come. */
const TOKEN_MS = 30_000;
/** How old the report of a transfer may be. */
const PROGRESS_MS = 500;

/** Transfers of the functions of a node, as the agent core orders them. */
export class NodeTransfers {
  readonly #options: NodeTransfersOptions;
  readonly #open = new Map<FunctionId, Open>();
  /** Of whose transfer an end was told last. */
  #lastEnded: FunctionId | null = null;
  /** Who waits for functions to be gone. */
  readonly #leaving = new Map<FunctionId, () => void>();
  readonly #reporting: NodeJS.Timeout;
  readonly #left: LeftTransfers;
  /** Of single sessions. */
  readonly sessions: SessionTransfers;

  constructor(options: NodeTransfersOptions) {
    this.#options = options;
    this.sessions = new SessionTransfers({
      ...options,
      begin: (...transfer) => this.#begin(...transfer),
      listener: (functionId) => this.#listener(functionId),
    });
    this.#left = new LeftTransfers({
      ...options,
      begin: (...transfer) => this.#begin(...transfer),
      listener: (functionId) => this.#listener(functionId),
      ended: (functionId, end) => this.#ended(functionId, end),
      untilGone: (functionId) => this.#untilGone(functionId),
    });
    this.#reporting = setInterval(() => this.#report(), PROGRESS_MS);
  }

  /** Where this node takes state. */
  get port(): number {
    return this.#options.mover.port;
  }

  /** The node has another address: state is taken there from now on. */
  move(address: string): Promise<void> {
    return this.#options.mover.move(address);
  }

  receive({ functionId, token, from, isLeased }: AgentOutput & { readonly type: 'receive-state' }): void {
    const { mover, self, states, clock } = this.#options;
    const state = new LateFunctionState(states.of(functionId));
    const expected = { token, source: from, destination: self(), targetFunctionId: functionId };
    this.#begin(functionId, 'destination', from, () =>
      mover.receive(expected, {
        tokenUntilMs: clock.nowMs() + TOKEN_MS,
        state,
        // Its lease says when it is active.
        activate: () => (isLeased ? Promise.resolve() : state.role('active', '0')),
        ...this.#listener(functionId),
      }),
    );
  }

  send(output: AgentOutput & { readonly type: 'send-state' }): void {
    const { mover, self, states } = this.#options;
    const { functionId, destination, mode, targetFunctionId, token, isLeased } = output;
    const [address] = destination.addresses;
    const { port } = destination;
    if (address === undefined || port === null) {
      this.#ended(functionId, aborted('refused', 'the order does not say where the destination takes state'));
      return;
    }
    const order = {
      token,
      source: self(),
      destination: destination.node,
      functionId,
      targetFunctionId,
      mode,
    };
    this.#begin(functionId, 'source', destination.node, () =>
      mover.send(order, {
        to: { address, port },
        state: new LateFunctionState(states.of(functionId)),
        isLeased,
        finish: () => this.#untilGone(functionId),
        ...this.#listener(functionId),
      }),
    );
  }

  cancel({ functionId, isGone }: AgentOutput & { readonly type: 'cancel-transfer' }): void {
    const open = this.#open.get(functionId);
    if (isGone && open?.transfer.gone) open.transfer.gone();
    else open?.transfer.cancel();
  }

  /** Somebody knows how a transfer in doubt has ended. */
  decide({ functionId, verdict }: AgentOutput & { readonly type: 'settle-transfer' }): void {
    this.#open.get(functionId)?.transfer.verdict(verdict);
  }

  /** A function whose state is elsewhere goes on here all the same: its slot did not follow. */
  async keep(functionId: FunctionId): Promise<void> {
    const { states, logger } = this.#options;
    try {
      await states.of(functionId).then((state) => state.resume());
    } catch (error) {
      logger.warn({ functionId, reason: (error as Error).message }, 'the function does not resume');
    }
    this.gone(functionId);
  }

  /** Functions whose move from here to another node was undecided when the agent before ended. */
  get undecided(): ReadonlySet<number> {
    const { left } = this.#options.mover;
    return new Set(
      left.flatMap((each) => (each.end === 'source' && each.mode === 'move' ? [each.functionId] : [])),
    );
  }

  /** What an agent before left undecided: once the agent core knows the functions that it left. */
  settle(adopted: readonly AdoptedFunction[]): void {
    this.#left.settle(adopted);
  }

  /** A function has ended for good: whoever waits for that goes on. */
  gone(functionId: FunctionId): void {
    this.#leaving.get(functionId)?.();
    this.#leaving.delete(functionId);
  }

  /** Ends all of them where they are. */
  async close(): Promise<void> {
    clearInterval(this.#reporting);
    this.sessions.close();
    this.#left.close();
    await this.#options.mover.close();
  }

  #untilGone(functionId: FunctionId): Promise<void> {
    return new Promise((resolve) => {
      this.#leaving.set(functionId, resolve);
    });
  }

  #begin(functionId: FunctionId, role: Open['role'], peer: number, begin: () => Open['transfer']): void {
    const { logger } = this.#options;
    this.#lastEnded = null;
    try {
      const transfer = begin();
      // One that ended at once has told so already.
      if (this.#lastEnded === functionId) return;
      this.#open.set(functionId, { transfer, role, peer });
      this.#reportOf(functionId);
      logger.info({ functionId, transfer: transfer.name, role, peer }, 'transfer of state');
    } catch (error) {
      this.#ended(functionId, aborted('refused', (error as Error).message));
    }
  }

  #listener(functionId: FunctionId) {
    return {
      onEnded: (end: TransferEnd) => this.#ended(functionId, end),
      onInquire: () => {
        const transfer = this.#open.get(functionId)?.transfer.name;
        this.#options.logger.warn({ functionId, transfer }, 'the outcome of a transfer is not known yet');
        this.#report();
      },
    };
  }

  #ended(functionId: FunctionId, end: TransferEnd): void {
    const transfer = this.#open.get(functionId)?.transfer.name;
    this.#reportOf(functionId);
    this.#open.delete(functionId);
    this.#lastEnded = functionId;
    const { give, logger } = this.#options;
    if (end.outcome === 'committed')
      logger.info({ functionId, transfer, pauseMs: end.pauseMs }, 'state transferred');
    else {
      const level = QUIET.has(end.reason) ? 'info' : 'warn';
      logger[level]({ functionId, transfer, of: end.reason, reason: end.text }, 'state not transferred');
    }
    give({ type: 'transfer-ended', functionId, end });
  }

  #report(): void {
    for (const functionId of this.#open.keys()) this.#reportOf(functionId);
  }

  #reportOf(functionId: FunctionId): void {
    const open = this.#open.get(functionId);
    if (!open) return;
    const { transfer, role, peer } = open;
    const { bytesPerSecond, changePerSecond, expectedPauseMs, expectedEndMs, ...rest } = transfer.report();
    const report = {
      ...rest,
      id: transfer.name,
      role,
      peer,
      bytesPerSecond: Math.round(bytesPerSecond),
      changePerSecond: Math.round(changePerSecond),
      expectedPauseMs: rounded(expectedPauseMs),
      expectedEndMs: rounded(expectedEndMs),
    };
    this.#options.give({ type: 'transfer-progress', functionId, report });
  }
}

/** What somebody ordered is no trouble. */
const QUIET: ReadonlySet<AbortReason> = new Set(['cancelled']);

function rounded(value: number | null): number | null {
  return value === null ? null : Math.max(0, Math.round(value));
}

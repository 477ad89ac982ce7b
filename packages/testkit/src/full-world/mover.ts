// SPDX-License-Identifier: Apache-2.0
import type { FunctionId } from '@vnfpool/core';
import type { AgentInput, AgentOutput } from '@vnfpool/core/agent';
import { aborted, answerStranger, type TransferEnd } from '@vnfpool/core/state-transfer';
import type { Machine } from './machine.ts';
import type { FindCounter } from './movable-counter.ts';
import type { SimProcess } from './process.ts';
import { StateChannels } from './state-channels.ts';
import type { StreamEnd } from './streams.ts';
import { type EndParts, startReceiving, startSending } from './transfer-ends.ts';
import { type SimReceiving, type SimTransfer, tokenKey } from './transfer-types.ts';
import type { World } from './world.ts';

/** Where every simulated node takes state. */
export const STATE_PORT = 49_881;

export interface MoverParts {
  readonly world: World;
  readonly process: SimProcess;
  readonly machine: Machine;
  readonly self: number;
  /** Node ID of the machine with this host number; null: it is none. */
  readonly peerOf: (host: number) => number | null;
  readonly hostOf: (address: string) => number | undefined;
  readonly find: (functionId: FunctionId) => FindCounter;
  readonly give: (input: AgentInput) => void;
  readonly maybeFault: () => void;
}

interface Open {
  readonly transfer: SimTransfer;
  readonly role: 'source' | 'destination';
  readonly peer: number;
  readonly id: string;
}

const TOKEN_MS = 30_000;
const PROGRESS_MS = 500;

/** Transfers of one life of an agent, as the daemon has them. Functions end with their agent, so what a former life left is only settled. */
export class SimMover {
  readonly #parts: MoverParts;
  readonly #open = new Map<FunctionId, Open>();
  readonly #receiving = new Map<string, SimReceiving>();
  readonly #left: SimTransfer[] = [];
  /** Who waits for functions to be gone. */
  readonly #leaving = new Map<FunctionId, () => void>();
  readonly #ends: EndParts;
  readonly #channels: StateChannels;
  /** Of whose transfer an end was told last. */
  #lastEnded: FunctionId | null = null;
  #isReporting = false;

  constructor(parts: MoverParts) {
    this.#parts = parts;
    const { process, world } = parts;
    this.#channels = new StateChannels(world, process);
    this.#ends = { ...parts, channels: this.#channels };
    process.onEnd(() => this.close());
    world.streams.listen(process, (end, fromHost) => this.#accept(end, fromHost));
  }

  /** Goes on with what a former life of the agent left: its functions have ended with it. */
  settleLeft(): void {
    for (const record of Array.from(this.#parts.machine.transfers.values())) {
      const onEnded = ({ outcome }: TransferEnd): void => this.#log(`settles a transfer: ${outcome}`);
      const find: FindCounter = () => undefined;
      if (record.end === 'source') {
        const { toHost } = record;
        const finish = (done: () => void): void => done();
        const options = { toHost, isLeased: false, find, finish, onEnded, onInquire: () => {} };
        this.#left.push(startSending(this.#ends, record, options));
      } else {
        const options = { tokenUntilMs: this.#parts.process.nowMs(), isLeased: true, find, onEnded };
        this.#left.push(this.#await(record, { ...options, onInquire: () => {} }));
      }
    }
  }

  receive({ functionId, token, from, isLeased }: AgentOutput & { readonly type: 'receive-state' }): void {
    const { process, self, find, world } = this.#parts;
    const tokenUntilMs = process.nowMs() + TOKEN_MS;
    const expected = { token, source: from, destination: self, targetFunctionId: functionId };
    this.#begin(functionId, 'destination', from, token, () =>
      this.#await(
        { ...expected, functionId, mode: 'move' },
        { tokenUntilMs, isLeased, find: find(functionId), ...this.#listener(functionId) },
      ),
    );
    if (world.mutation === 'offers itself before it has its state')
      this.#parts.give({ type: 'transfer-ended', functionId, end: COMMITTED });
  }

  send(output: AgentOutput & { readonly type: 'send-state' }): void {
    const { self, find, hostOf } = this.#parts;
    const { functionId, destination, mode, targetFunctionId, token, isLeased } = output;
    const toHost = hostOf(destination.addresses[0] ?? '');
    if (toHost === undefined || destination.port === null) {
      this.#ended(functionId, aborted('refused', 'the order does not say where the destination takes state'));
      return;
    }
    const order = { token, source: self, destination: destination.node, functionId, targetFunctionId, mode };
    this.#begin(functionId, 'source', destination.node, token, () =>
      startSending(this.#ends, order, {
        toHost,
        isLeased,
        find: find(functionId),
        finish: (done) => this.#leaving.set(functionId, done),
        ...this.#listener(functionId),
      }),
    );
  }

  cancel({ functionId, isGone }: AgentOutput & { readonly type: 'cancel-transfer' }): void {
    const transfer = this.#open.get(functionId)?.transfer;
    if (isGone && transfer?.gone) transfer.gone();
    else transfer?.cancel();
  }

  decide({ functionId, verdict }: AgentOutput & { readonly type: 'settle-transfer' }): void {
    this.#open.get(functionId)?.transfer.verdict(verdict);
  }

  /** A function whose state is elsewhere goes on here all the same. */
  keep(functionId: FunctionId): void {
    const counter = this.#parts.find(functionId)();
    if (counter) counter.isQuiesced = false;
    this.gone(functionId);
  }

  /** A function has ended for good. */
  gone(functionId: FunctionId): void {
    const done = this.#leaving.get(functionId);
    this.#leaving.delete(functionId);
    done?.();
  }

  close(): void {
    for (const { transfer } of this.#open.values()) transfer.stop();
    for (const transfer of [...this.#left, ...this.#receiving.values()]) transfer.stop();
    this.#open.clear();
    this.#channels.closeAll('the agent stops');
  }

  #await(
    order: Parameters<typeof startReceiving>[1],
    options: Parameters<typeof startReceiving>[2],
  ): SimReceiving {
    const name = tokenKey(order.token);
    const receiving = startReceiving(this.#ends, order, options, () => this.#receiving.delete(name));
    this.#receiving.set(name, receiving);
    return receiving;
  }

  /** Somebody came: its first message says for which transfer. */
  #accept(end: StreamEnd, fromHost: number): void {
    const peer = this.#parts.peerOf(fromHost);
    const id = this.#channels.adopt(end, (heard) => {
      if (heard.type === 'malformed') this.#channels.close(id, heard.reason);
      if (heard.type !== 'message') return;
      const { message } = heard;
      const named = message.type === 'hello' || message.type === 'ask' ? tokenKey(message.token) : '';
      if (this.#receiving.get(named)?.open(id, peer, message) === true) return;
      this.#log(`has no transfer for ${message.type} of node ${peer}`);
      this.#channels.send(id, answerStranger(message));
      this.#channels.close(id, 'no such transfer');
    });
  }

  #begin(
    functionId: FunctionId,
    role: Open['role'],
    peer: number,
    token: Uint8Array,
    begin: () => SimTransfer,
  ): void {
    this.#lastEnded = null;
    const transfer = begin();
    if (this.#lastEnded === functionId) return;
    this.#open.set(functionId, { transfer, role, peer, id: tokenKey(token) });
    this.#log(`begins a transfer as ${role} of ${functionId}, peer ${peer}`);
    this.#reportOf(functionId);
    this.#keepReporting();
  }

  #listener(functionId: FunctionId): { onEnded: (end: TransferEnd) => void; onInquire: () => void } {
    return {
      onEnded: (end) => this.#ended(functionId, end),
      onInquire: () => this.#reportOf(functionId),
    };
  }

  #ended(functionId: FunctionId, end: TransferEnd): void {
    this.#reportOf(functionId);
    const role = this.#open.get(functionId)?.role;
    this.#open.delete(functionId);
    this.#lastEnded = functionId;
    this.#log(`transfer of ${functionId} as ${role} ${end.outcome}${'text' in end ? `: ${end.text}` : ''}`);
    this.#parts.give({ type: 'transfer-ended', functionId, end });
  }

  #keepReporting(): void {
    if (this.#isReporting) return;
    this.#isReporting = true;
    this.#parts.process.after(PROGRESS_MS, () => {
      this.#isReporting = false;
      for (const functionId of this.#open.keys()) this.#reportOf(functionId);
      if (this.#open.size > 0) this.#keepReporting();
    });
  }

  #reportOf(functionId: FunctionId): void {
    const open = this.#open.get(functionId);
    if (!open) return;
    const { transfer, role, peer, id } = open;
    const { bytesPerSecond, changePerSecond, expectedPauseMs, expectedEndMs, ...rest } = transfer.report();
    const report = {
      ...rest,
      id,
      role,
      peer,
      bytesPerSecond: Math.round(bytesPerSecond),
      changePerSecond: Math.round(changePerSecond),
      expectedPauseMs: rounded(expectedPauseMs),
      expectedEndMs: rounded(expectedEndMs),
    };
    this.#parts.give({ type: 'transfer-progress', functionId, report });
  }

  #log(text: string): void {
    this.#parts.world.log(() => `${this.#parts.machine.name} ${text}`);
  }
}

const COMMITTED: TransferEnd = { outcome: 'committed', sessions: null, pauseMs: null };

function rounded(value: number | null): number | null {
  return value === null ? null : Math.max(0, Math.round(value));
}

// SPDX-License-Identifier: Apache-2.0
import type { LeaseInput } from '@vnfpool/core/lease';
import { type FreshState, NodeRun, type RunParts, type Watch } from './node-run.ts';
import type { NodeState } from './node-state.ts';
import type { Budgets } from './options.ts';
import { NODES } from './setting.ts';
import { DATAGRAMS_MAX, type NodeStep, type Order, stepCode } from './steps.ts';

const STEP_CODES = 6 * 128 * DATAGRAMS_MAX;

/** Carries out the steps of nodes, each once: equal histories are one state. */
export class NodeSteps {
  readonly #parts: RunParts;
  readonly #histories: NodeState[] = [];

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#histories.length;
  }

  of(id: number): NodeState {
    const state = this.#histories[id];
    if (state === undefined) throw new RangeError(`no history ${id}`);
    return state;
  }

  born(node: number): NodeState {
    return this.#keep(NodeRun.born(node, 0, this.#parts));
  }

  /** The same node, but that these datagrams of its are lost for ever. */
  forgetting(state: NodeState, lost: readonly number[]): NodeState {
    return this.#keep({ ...state, sent: state.sent.filter((id) => !lost.includes(id)), next: undefined });
  }

  after(node: number, state: NodeState, step: NodeStep, nowUs: number): NodeState {
    const key = nowUs * STEP_CODES + stepCode(step);
    const known = state.next?.get(key);
    if (known !== undefined) return known;
    const next = this.#keep(this.run(node, state, step, nowUs));
    state.next ??= new Map();
    state.next.set(key, next);
    return next;
  }

  /** The same without keeping it, for somebody who wants to watch. */
  run(node: number, state: NodeState, step: NodeStep, nowUs: number, watch?: Watch): NodeState {
    const cut = 'cut' in step ? step.cut : undefined;
    const run = new NodeRun(node, state, nowUs, this.#parts, cut, watch);
    switch (step.type) {
      case 'deliver':
        run.deliver(step.datagram);
        break;
      case 'timer':
        run.timer();
        break;
      case 'resume':
        run.resume();
        break;
      case 'answer':
        run.answer();
        break;
      case 'crash':
        run.crash();
        break;
      case 'order':
        this.#order(run, node, state, step.order);
        break;
    }
    return run.end();
  }

  /** What `node` may do next, given what was sent to it; steps that may be broken off stand there whole. */
  possible(node: number, state: NodeState, inbound: readonly number[], left: Budgets): NodeStep[] {
    if (state.isPaused) {
      return left.crashes > 0 ? [{ type: 'resume' }, { type: 'crash' }] : [{ type: 'resume' }];
    }
    const steps: NodeStep[] = [];
    for (const datagram of inbound) {
      const times = state.delivered.filter((id) => id === datagram).length;
      if (times === 0 || (times === 1 && left.duplicates > 0)) steps.push({ type: 'deliver', datagram });
    }
    if (state.timerUs !== undefined) steps.push({ type: 'timer' });
    if (state.answers.length > 0) steps.push({ type: 'answer' });
    if (left.crashes > 0) steps.push({ type: 'crash' });
    if (left.orders > 0) for (const order of this.#orders(node, state)) steps.push({ type: 'order', order });
    return steps;
  }

  #orders(node: number, state: NodeState): Order[] {
    const { candidates } = this.#parts.setting;
    const orders: Order[] = [];
    for (const [slot, epoch] of state.holding.entries()) {
      if (epoch === undefined) continue;
      orders.push({ kind: 'release', slot }, { kind: 'function-restart', slot });
      for (const to of NODES)
        if (to !== node && to <= candidates) orders.push({ kind: 'hand-over', slot, to });
    }
    if (orders.length > 0) orders.push({ kind: 'candidates' });
    return orders;
  }

  #order(run: NodeRun, node: number, state: NodeState, order: Order): void {
    const { setting } = this.#parts;
    if (order.kind === 'candidates') {
      const isReordered = !state.isReordered;
      run.order([setting.configuration(isReordered)], { isReordered });
      return;
    }
    const slot = setting.slots[order.slot] ?? '';
    if (order.kind === 'release') {
      run.order([{ type: 'release', slot, reason: 'operator' }]);
    } else if (order.kind === 'hand-over') {
      const to = { node: order.to, functionId: setting.functionId(order.to, order.slot) };
      run.order([{ type: 'hand-over', slot, to, nonce: 'c' }]);
    } else {
      const functionIncarnations = state.functionIncarnations.map((former, index) =>
        index === order.slot ? former + 1n : former,
      );
      const inputs: LeaseInput[] = [
        { type: 'candidate-gone', slot, functionId: setting.functionId(node, order.slot) },
        setting.candidate(node, order.slot, functionIncarnations[order.slot] ?? 0n),
      ];
      run.order(inputs, { functionIncarnations });
    }
  }

  #keep(state: FreshState): NodeState {
    state.id = this.#histories.length;
    this.#histories.push(state);
    return state;
  }
}

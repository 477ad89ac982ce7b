// SPDX-License-Identifier: Apache-2.0
import type { Datagrams } from './datagrams.ts';
import type { NodeState } from './node-state.ts';
import type { NodeSteps } from './node-steps.ts';
import type { Budgets } from './options.ts';
import { disagreement } from './promises.ts';
import { NODES, type Setting } from './setting.ts';
import type { WholeState } from './state-table.ts';
import type { NodeStep } from './steps.ts';

/** What happens next: a node does something, now or when its timer is due, or time passes. */
export type Step =
  | { readonly type: 'node'; readonly node: number; readonly step: NodeStep }
  | { readonly type: 'time' };

export interface Successor {
  readonly step: Step;
  readonly state: WholeState;
  readonly violation?: string;
}

export interface WholeParts {
  readonly setting: Setting;
  readonly nodeSteps: NodeSteps;
  readonly datagrams: Datagrams;
  readonly budgets: Budgets;
  readonly horizonUs: number;
}

/** All nodes together: what may happen next, and what must hold. */
export class Whole {
  readonly #parts: WholeParts;

  constructor(parts: WholeParts) {
    this.#parts = parts;
  }

  /** Hands every state that follows in one step to `take`, until it says that it is enough. */
  successors(state: WholeState, take: (successor: Successor) => boolean): void {
    const { nodeSteps, horizonUs } = this.#parts;
    const nodes = state.histories.map((id) => nodeSteps.of(id));
    const left = this.#left(nodes);
    // Worth waiting for: a timer is due (at a member also the end of a lease), a voice comes back.
    const moments = new Set<number>();
    for (const [index, former] of nodes.entries()) {
      const node = NODES[index] ?? 0;
      if (former.voiceUs > state.atUs) moments.add(former.voiceUs);
      for (const step of nodeSteps.possible(node, former, this.#inbound(node, nodes), left)) {
        const atUs = step.type === 'timer' ? Math.max(state.atUs, former.timerUs ?? 0) : state.atUs;
        const next = nodeSteps.after(node, former, step, atUs);
        if (next.atUs > horizonUs) continue;
        // Past repetitions that say nothing new.
        if (step.type === 'timer' && next.atUs > state.atUs) moments.add(next.atUs);
        if (!take(this.#successor(state, nodes, index, step, next))) return;
        for (const cut of this.#cutSteps(step, next, left)) {
          const cutNext = nodeSteps.after(node, former, cut, atUs);
          if (!take(this.#successor(state, nodes, index, cut, cutNext))) return;
        }
      }
    }
    for (const atUs of moments) {
      if (atUs > horizonUs) continue;
      if (!take({ step: { type: 'time' }, state: { ...state, atUs } })) return;
    }
  }

  #left(nodes: readonly NodeState[]): Budgets {
    const left = { ...this.#parts.budgets };
    for (const { spent } of nodes) {
      left.crashes -= spent.crashes;
      left.pauses -= spent.pauses;
      left.duplicates -= spent.duplicates;
      left.orders -= spent.orders;
    }
    return left;
  }

  /** All that was ever sent to `node`: loss is what never comes, delay what comes later. */
  #inbound(node: number, nodes: readonly NodeState[]): number[] {
    const { datagrams } = this.#parts;
    return nodes.flatMap(({ sent }) => sent.filter((id) => datagrams.of(id).to === node));
  }

  /** The same step, broken off wherever that matters. */
  #cutSteps(step: NodeStep, { cutPoints }: NodeState, left: Budgets): NodeStep[] {
    if (step.type !== 'deliver' && step.type !== 'timer' && step.type !== 'order') return [];
    const cuts: NodeStep[] = [];
    if (left.crashes > 0) {
      for (const at of cutPoints.crash) cuts.push({ ...step, cut: { kind: 'crash', at } });
    }
    if (left.pauses > 0) {
      for (const at of cutPoints.pause) cuts.push({ ...step, cut: { kind: 'pause', at } });
      if (cutPoints.isSlow) cuts.push({ ...step, cut: { kind: 'slow', at: 0 } });
    }
    return cuts;
  }

  #successor(
    { histories }: WholeState,
    nodes: readonly NodeState[],
    index: number,
    step: NodeStep,
    next: NodeState,
  ): Successor {
    const { atUs } = next;
    const [a, b, c] = histories;
    const after: WholeState['histories'] =
      index === 0 ? [next.id, b, c] : index === 1 ? [a, next.id, c] : [a, b, next.id];
    const violation = this.#violation(nodes, index, next, atUs);
    return {
      step: { type: 'node', node: NODES[index] ?? 0, step },
      state: { histories: after, atUs },
      ...(violation !== undefined && { violation }),
    };
  }

  /** What this step broke. Time alone only closes fences, so nothing else needs to be looked at. */
  #violation(nodes: readonly NodeState[], index: number, next: NodeState, atUs: number): string | undefined {
    if (next.broken !== undefined) return next.broken;
    const hasClaimed = next.claims !== nodes[index]?.claims;
    for (const slot of this.#parts.setting.slots) {
      if (next.fence.openEpoch(slot, atUs / 1000) === undefined) continue;
      for (const [other, node] of nodes.entries()) {
        if (other === index || node.fence.openEpoch(slot, atUs / 1000) === undefined) continue;
        return `fences of ${slot} open at nodes ${NODES[other]} and ${NODES[index]}`;
      }
    }
    if (!hasClaimed) return undefined;
    for (const [other, node] of nodes.entries()) {
      const found = other === index ? undefined : disagreement(next.claims, node.claims);
      if (found !== undefined) return `two of ${found}`;
    }
    return undefined;
  }
}

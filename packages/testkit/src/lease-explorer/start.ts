// SPDX-License-Identifier: Apache-2.0
import type { RunParts } from './node-run.ts';
import type { NodeState } from './node-state.ts';
import type { NodeSteps } from './node-steps.ts';
import type { Start } from './options.ts';
import { LEASE_MS, NODES } from './setting.ts';
import type { WholeState } from './state-table.ts';
import type { NodeStep } from './steps.ts';

/** A question for an heir and two renewals. */
const WITH_HEIR_US = 0.75 * LEASE_MS * 1000;

function timerUs({ timerUs: dueUs }: NodeState): number {
  return dueUs ?? Number.POSITIVE_INFINITY;
}

/** Brings three nodes to where the search begins. */
export function startState(
  start: Start,
  steps: NodeSteps,
  { datagrams, setting }: Pick<RunParts, 'datagrams' | 'setting'>,
): WholeState {
  const nodes = NODES.map((node) => steps.born(node));
  const at = (node: number): NodeState => {
    const state = nodes[node - 1];
    if (state === undefined) throw new RangeError(`no node ${node}`);
    return state;
  };
  const take = (node: number, step: NodeStep, nowUs: number): void => {
    nodes[node - 1] = steps.after(node, at(node), step, nowUs);
  };
  if (start !== 'born') {
    const isReached = (id: number) => {
      const { from, to } = datagrams.of(id);
      return start === 'held' || start === 'with-heir' || (from !== 3 && to !== 3);
    };
    const isOpen = (id: number) => isReached(id) && !at(datagrams.of(id).to).delivered.includes(id);
    const deliver = (nowUs: number): void => {
      for (;;) {
        const datagram = nodes.flatMap(({ sent }) => sent).find(isOpen);
        if (datagram === undefined) return;
        take(datagrams.of(datagram).to, { type: 'deliver', datagram }, nowUs);
      }
    };
    take(1, { type: 'timer' }, 0);
    deliver(0);
    if (start === 'with-heir') {
      for (;;) {
        const [next = 1] = NODES.toSorted((a, b) => timerUs(at(a)) - timerUs(at(b)));
        if (timerUs(at(next)) > WITH_HEIR_US) break;
        take(next, { type: 'timer' }, timerUs(at(next)));
        // It was called in between where it had nothing to do.
        deliver(at(next).atUs);
      }
      if (!at(2).disk.some((record) => record.type === 'slot' && record.promised.isHeirs === true))
        throw new Error('node 1 has no heir at the start of the search');
    }
    if (setting.slots.some((slot) => at(1).fence.openEpoch(slot, 0) === undefined)) {
      throw new Error('node 1 does not hold its slots at the start of the search');
    }
  }
  if (start === 'renewing') {
    nodes[0] = steps.forgetting(at(1), at(1).sent);
    take(1, { type: 'timer' }, at(1).timerUs ?? 0);
  }
  return { histories: [at(1).id, at(2).id, at(3).id], atUs: at(1).atUs };
}

// SPDX-License-Identifier: Apache-2.0
import type { SlotRefusal } from '@vnfpool/wire/mobility';
import type { SlotVerdict } from '../management/views.ts';
import { indexed } from './indexed.ts';
import {
  type Observed,
  type ObservedInstance,
  type ObservedNode,
  type ObservedSlot,
  refusalOf,
} from './observed.ts';
import { lacksState } from './slot-sharing.ts';

/** What only the manager's clock tells of an instance. */
export interface Waiting {
  /** It ranks last for so long from now; 0: it does not. */
  readonly lastForMs: number;
  readonly heldDownForMs: number;
  readonly penalty: number;
  readonly failures: number;
  readonly startsInPlace: number;
}

/** Rules that refuse a slot, the weightiest first. Each tells in words why, or that it does not refuse. */
type Rule = (who: Who) => string | null;

interface Who {
  readonly instance: ObservedInstance;
  readonly node: ObservedNode | undefined;
  readonly slot: ObservedSlot;
  /** How many slots it may hold. */
  readonly slotsMax: number;
  readonly observed: Observed;
  readonly waiting: Waiting | undefined;
}

const RULES: readonly (readonly [name: Exclude<SlotVerdict['rule'], null>, Rule])[] = [
  ['node', ({ node, instance }) => nodeTrouble(node, instance)],
  ['runs', ({ instance }) => runTrouble(instance)],
  ['healthy', ({ instance }) => (instance.healthy ? null : 'its health check fails')],
  ['link', byNode('link')],
  ['address', byNode('address')],
  ['clock', byNode('clock')],
  ['fence-hook', byNode('fence-hook')],
  [
    'one-slot',
    ({ instance: { functionId }, slot, slotsMax, observed }) => {
      const others = indexed(observed)
        .heldBy(functionId)
        .filter(({ id }) => id !== slot.id);
      const [other] = others;
      if (!other || others.length < slotsMax) return null;
      return slotsMax === 1
        ? `it holds slot ${other.index} of ${other.pool}; an instance serves one slot at a time`
        : `it holds ${others.length} other slots; an instance of ${slot.pool} serves ${slotsMax} at most`;
    },
  ],
  [
    'admitted',
    ({ instance, node, slot, observed }) => {
      const { admitted } = slot;
      const isListed = admitted?.some(
        (each) => each.functionId === instance.functionId && each.node === node?.id,
      );
      if (admitted === null || admitted.length === 0 || isListed) return null;
      return lacksState(slot, instance, observed)
        ? 'it lacks state of the slot; the holder lists it once it has all'
        : 'the lease of the present epoch does not list it; the holder adds it with its next renewal';
    },
  ],
  [
    'hold-down',
    ({ waiting }) =>
      waiting && waiting.heldDownForMs > 0
        ? `it lost a slot by a failure and does not try for another ${seconds(waiting.heldDownForMs)} s (holdDown)`
        : null,
  ],
];

/**
 * Whether the instance would take the slot, and if not, which rule refuses it.
 * @param slotsMax How many slots an instance of the pool may hold
 */
export function verdictFor(
  instance: ObservedInstance,
  slot: ObservedSlot,
  slotsMax: number,
  observed: Observed,
  waiting: Waiting | undefined,
): Pick<SlotVerdict, 'rule' | 'verdict'> {
  const node = indexed(observed).nodes.get(instance.node);
  const who: Who = { instance, node, slot, slotsMax, observed, waiting };
  for (const [rule, refuses] of RULES) {
    const why = refuses(who);
    if (why !== null) return { rule, verdict: why };
  }
  return { rule: null, verdict: `ready${remarks(who)}` };
}

/** Why nothing on the node can serve; null: it does not stand in the way. */
export function nodeTrouble(node: ObservedNode | undefined, instance: ObservedInstance): string | null {
  if (!node) return `${instance.node} has not joined`;
  return node.state === 'lost' || node.state === 'absent' ? `${instance.node} is ${node.state}` : null;
}

/** Why the instance does not run; null: it does. */
export function runTrouble({ status, failing, move }: ObservedInstance): string | null {
  if (status === null) return 'it does not run yet';
  if (failing) return 'it ends again and again';
  if (move) return `it moves to ${move.to}`;
  return status === 'Running' ? null : `it is ${status.toLowerCase()}`;
}

/** What the instance's node has found out, and told. */
function byNode(rule: SlotRefusal['rule']): Rule {
  return ({ instance, slot }) => {
    const refusal = refusalOf(instance, slot);
    return refusal?.rule === rule ? refusal.why : null;
  };
}

/** What does not refuse it, and still counts. */
function remarks({ waiting, node, instance }: Who): string {
  const all = [];
  if (waiting && waiting.lastForMs > 0)
    all.push(
      `behind all others for another ${seconds(waiting.lastForMs)} s: it failed ${waiting.failures} times (penalty ${Math.round(waiting.penalty)})`,
    );
  if (node?.draining) all.push(`it stays on ${instance.node}, which is drained, until a node is free`);
  if (node?.state === 'suspect') all.push(`${instance.node} is silent to the manager`);
  return all.map((each) => `; ${each}`).join('');
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}

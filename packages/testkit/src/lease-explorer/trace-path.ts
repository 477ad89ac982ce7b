// SPDX-License-Identifier: Apache-2.0
import { describe } from '../lease-world/describe.ts';
import type { Datagrams } from './datagrams.ts';
import type { NodeSteps } from './node-steps.ts';
import { NODES, type Setting } from './setting.ts';
import type { StateTable } from './state-table.ts';
import { describeStep } from './steps.ts';
import type { Successor, Whole } from './whole.ts';

export interface Searched {
  readonly table: StateTable;
  readonly whole: Whole;
  readonly nodeSteps: NodeSteps;
  readonly datagrams: Datagrams;
  readonly setting: Setting;
}

/** The `nth` step from state number `from` was the one that broke something. */
export interface Found {
  readonly text: string;
  readonly from: number;
  readonly nth: number;
}

/** The path from the start to a violation, by taking its steps once more. */
export function tracePath(searched: Searched, { text, from, nth }: Found): string[] {
  const { table, whole } = searched;
  const path: number[] = [];
  for (let each = from; each >= 0; each = table.foundFrom(each)) path.push(each);
  path.reverse();
  const lines: string[] = [];
  for (const [at, index] of path.entries()) {
    const wanted = path[at + 1];
    let taken: Successor | undefined;
    let count = 0;
    whole.successors(table.at(index), (successor) => {
      const isIt = wanted === undefined ? count === nth : isSame(successor.state, table.at(wanted));
      count += 1;
      if (isIt) taken = successor;
      return !isIt;
    });
    if (taken === undefined) throw new Error(`no step leads from state ${index} on`);
    lines.push(...stepLines(searched, index, taken, at + 1));
  }
  lines.push(`violation: ${text}`);
  return lines;
}

function stepLines(
  { table, nodeSteps, datagrams, setting }: Searched,
  index: number,
  { step, state }: Successor,
  number: number,
): string[] {
  const head = `${String(number).padStart(2)} ${(state.atUs / 1000).toFixed(3).padStart(9)} ms`;
  if (step.type === 'time') return [`${head}  time passes`];
  const { node } = step;
  const lines = [`${head}  node ${node} ${describeStep(step.step, (id) => datagrams.of(id))}`];
  const former = nodeSteps.of(table.at(index).histories[NODES.indexOf(node)] ?? 0);
  const after = nodeSteps.run(node, former, step.step, state.atUs, (_, what) => {
    if (what.type === 'observed' || what.type === 'datagram') return;
    lines.push(`                   ${describe(what)}`);
  });
  for (const slot of setting.slots) {
    const epoch = after.fence.openEpoch(slot, state.atUs / 1000);
    if (epoch !== undefined) lines.push(`                   fence of ${slot} is open`);
  }
  return lines;
}

function isSame(a: Successor['state'], b: Successor['state']): boolean {
  return a.atUs === b.atUs && a.histories.every((id, node) => id === b.histories[node]);
}

// SPDX-License-Identifier: Apache-2.0
import { LeaseRules } from '@vnfpool/core/lease';
import { Datagrams } from './datagrams.ts';
import { NodeSteps } from './node-steps.ts';
import { type Covered, type ExplorerOptions, type ExplorerResult, NO_FAULTS } from './options.ts';
import { Setting } from './setting.ts';
import { startState } from './start.ts';
import { StateTable } from './state-table.ts';
import { tracePath } from './trace-path.ts';
import { Whole } from './whole.ts';

const STATES_MAX = 1_000_000;

const HORIZON_MS = 2_000;

/** States after which others get a turn and the caller is told. */
const STATES_A_TURN = 2_000;

/**
 * Follows all paths of the production engines from a start, shortest first: three nodes, each a member of the
 * council with a candidate of its own. On a path any datagram that was ever sent may come next, or never; any node may
 * be late for its timer; time passes to the next moment that one of them waits for; what costs a budget happens as
 * often as that allows. Two paths on which every node has the same history are one state.
 *
 * Not followed: moments between those, and machines that lose power (a restart has all that they could do, and fences
 * besides).
 */
export async function explore(options: ExplorerOptions): Promise<ExplorerResult> {
  const { rates = ['right', 'right', 'right'], statesMax = STATES_MAX } = options;
  const setting = new Setting(
    options.slots ?? 1,
    rates,
    options.candidates ?? 3,
    options.start === 'with-heir',
  );
  const datagrams = new Datagrams();
  const rules = options.rules ?? new LeaseRules();
  const nodeSteps = new NodeSteps({
    setting,
    rules,
    manners: options.manners ?? {},
    fence: options.fence ?? 'bpf',
    datagrams,
  });
  const budgets = { ...NO_FAULTS, ...options.budgets };
  const horizonUs = (options.horizonMs ?? HORIZON_MS) * 1000;
  const whole = new Whole({ setting, nodeSteps, datagrams, budgets, horizonUs });
  const table = new StateTable(statesMax);
  table.add(startState(options.start ?? 'held-by-two', nodeSteps, { datagrams, setting }), -1);

  let depth = 0;
  let steps = 0;
  let violation: { readonly text: string; readonly from: number; readonly nth: number } | undefined;
  const covered = (): Covered => ({ depth, states: table.count, histories: nodeSteps.count, steps });
  const isEnded = () => violation !== undefined || table.isFull || options.signal?.aborted === true;

  let from = 0;
  while (depth < options.depthMax && from < table.count && !isEnded()) {
    const until = table.count;
    for (; from < until && !isEnded(); from++) {
      let nth = 0;
      whole.successors(table.at(from), (successor) => {
        steps += 1;
        if (successor.violation !== undefined) violation = { text: successor.violation, from, nth };
        else table.add(successor.state, from);
        nth += 1;
        return violation === undefined;
      });
      if (from % STATES_A_TURN === 0) {
        options.progress?.(covered());
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    if (!isEnded()) depth += 1;
  }
  const trace =
    violation === undefined ? [] : tracePath({ table, whole, nodeSteps, datagrams, setting }, violation);
  return {
    ...covered(),
    ok: violation === undefined,
    isComplete: violation === undefined && (depth === options.depthMax || from === table.count),
    ...(violation !== undefined && { violation: violation.text }),
    trace,
  };
}

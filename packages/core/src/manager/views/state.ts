// SPDX-License-Identifier: Apache-2.0
import type { SetView, StateView } from '../../management/views.ts';
import type { ManagerState } from '../state.ts';
import { instanceViews } from './instances.ts';
import { nodeViews } from './nodes.ts';
import { poolViews } from './pools.ts';
import { setViews } from './sets.ts';
import { slotViews } from './slots.ts';

const FAILOVERS_SHOWN = 50;
const EVENTS_SHOWN = 100;

/** Everything at once. */
export function stateView(
  state: ManagerState,
  nowMs: number,
  wallMs: (nowMs: number) => number,
  mode: SetView['mode'],
  heardMs: (node: number) => number | null,
): StateView {
  return {
    at: wallMs(nowMs),
    sets: setViews(state, nowMs, mode),
    pools: poolViews(state, nowMs),
    instances: instanceViews(state, nowMs),
    nodes: nodeViews(state, nowMs, wallMs, heardMs),
    slots: slotViews(state, nowMs),
    failovers: state.failovers.slice(-FAILOVERS_SHOWN).reverse(),
    traffic: [...state.traffic.values()],
    events: state.events.slice(-EVENTS_SHOWN).reverse(),
  };
}

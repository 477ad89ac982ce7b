// SPDX-License-Identifier: Apache-2.0
import type { DrainView, NodeView } from '../../management/views.ts';
import { instanceName, type Observed } from '../../planner/observed.ts';
import { destinationOf } from '../../planner/target.ts';
import type { ManagerState } from '../state.ts';

/** @param heardMs When the protocol's endpoint heard of a node last: an answer to a keep-alive is no news otherwise */
export function nodeViews(
  state: ManagerState,
  nowMs: number,
  wallMs: (nowMs: number) => number,
  heardMs: (node: number) => number | null,
): NodeView[] {
  const declared = state.set?.declared;
  const observed = state.observed(nowMs);
  const names = new Set([...(declared?.nodes.map(({ name }) => name) ?? []), ...state.nodes.keys()]);
  const { councils = [] } = state.set ?? {};
  const all = councils.length > 0 ? councils : (declared?.councils ?? []);
  const members = new Set(all.flatMap((each) => each.members));
  return [...names].map((name) => {
    const record = state.nodes.get(name);
    const life = state.lives.get(name);
    const told = life?.lastHeardMs ?? null;
    const answered = record === undefined ? null : heardMs(record.id);
    const lastMs = told === null || answered === null ? told : Math.max(told, answered);
    return {
      name,
      nodeId: record?.id ?? 0,
      status: life?.state ?? 'absent',
      reason: life?.reason ?? (record ? 'It has not registered yet.' : 'It has not joined yet.'),
      address: life?.address ?? record?.endpoint?.address ?? null,
      council: members.has(name),
      fence: record?.endpoint?.fence ?? 'none',
      muteMs: Math.max(0, (life?.muteUntilMs ?? 0) - wallMs(nowMs)),
      stalls: life?.stalls ?? null,
      functions: [...state.instances.values()].filter(({ node }) => node === name).map(instanceName),
      version: record?.endpoint?.version ?? '',
      lastHeardAt: lastMs === null ? null : wallMs(lastMs),
      drain: drainView(state, observed, name),
      maintenance: record?.maintenance
        ? { since: record.maintenance.sinceMs, until: record.maintenance.untilMs }
        : null,
    };
  });
}

function drainView(state: ManagerState, observed: Observed, name: string): DrainView | null {
  const record = state.nodes.get(name);
  const since = record?.drainedSinceMs ?? record?.maintenance?.sinceMs;
  const declared = state.set?.declared;
  if (since === undefined || !declared) return null;
  const mine = observed.instances.filter(({ node }) => node === name);
  const staying = mine.filter(
    (instance) =>
      !instance.move && !instance.busy && destinationOf(instance, declared, observed) === undefined,
  );
  const holdsSlot = observed.slots.some(({ holder }) => mine.some(({ functionId }) => functionId === holder));
  const strays = observed.strays.some(({ node }) => node === name);
  return {
    since,
    isOver: staying.length === mine.length && !holdsSlot && !strays,
    staying: staying.map(instanceName),
  };
}

// SPDX-License-Identifier: Apache-2.0
import type { NodeView } from '../../management/views.ts';
import { instanceName } from '../../planner/observed.ts';
import type { ManagerState } from '../state.ts';

export function nodeViews(state: ManagerState, wallMs: (nowMs: number) => number): NodeView[] {
  const declared = state.set?.declared;
  const names = new Set([...(declared?.nodes.map(({ name }) => name) ?? []), ...state.nodes.keys()]);
  const council = state.set?.council?.members ?? declared?.council ?? [];
  return [...names].map((name) => {
    const record = state.nodes.get(name);
    const life = state.lives.get(name);
    return {
      name,
      nodeId: record?.id ?? 0,
      status: life?.state ?? 'absent',
      reason: life?.reason ?? (record ? 'It has not registered yet.' : 'It has not joined yet.'),
      address: life?.address ?? record?.endpoint?.address ?? null,
      council: council.includes(name),
      fence: record?.endpoint?.fence ?? 'none',
      muteMs: life?.muteMs ?? 0,
      functions: [...state.instances.values()].filter(({ node }) => node === name).map(instanceName),
      version: record?.endpoint?.version ?? '',
      lastHeardAt: life?.lastHeardMs === null || life === undefined ? null : wallMs(life.lastHeardMs),
    };
  });
}

// SPDX-License-Identifier: Apache-2.0
import type { InstanceView, MoveView } from '../../management/views.ts';
import { instanceName, type Observed, type ObservedInstance } from '../../planner/observed.ts';
import { rolesOf } from '../../planner/roles.ts';
import { isAsked } from '../asked.ts';
import type { FunctionLife, ManagerState } from '../state.ts';

export function instanceViews(state: ManagerState, nowMs: number): InstanceView[] {
  const { set } = state;
  if (!set) return [];
  const observed = state.observed(nowMs);
  return set.declared.pools.flatMap((pool) =>
    rolesOf(pool, observed).map(({ instance, role }) => {
      const life = state.functions.get(`${instance.node}/${instance.functionId}`);
      const held = observed.slots.find(({ holder }) => holder === instance.functionId);
      const refused = state.retries.get(`${instance.node}/${instance.functionId}`)?.reason;
      // Only who holds a slot is active; what is wanted to become so still stands by.
      const shown = role === 'active' && !held ? 'none' : role;
      return {
        name: instanceName(instance),
        pool: instance.pool,
        functionId: instance.functionId,
        node: instance.node,
        role: life ? shown : 'none',
        slot: held?.index ?? null,
        status: isAsked(state, instance) ? 'unknown' : statusOf(instance, life, observed),
        healthy: instance.healthy,
        address: life?.report?.address ?? null,
        port: life?.report?.port ?? null,
        pid: life?.report?.pid ?? null,
        restarts: life?.report?.restarts ?? 0,
        reason: life?.report?.reason || life?.reason || refused || '',
        output: life?.report?.output ?? [],
        sessions: life?.report?.sessions ?? null,
        move: moveView(state, instance.functionId),
      };
    }),
  );
}

function moveView(state: ManagerState, functionId: number): MoveView | null {
  const move = state.moves.get(functionId);
  if (!move) return null;
  const told = state.functions.get(`${move.from}/${functionId}`)?.report?.transfer;
  const isArriving = state.arrivalOf(move)?.status === 'Running';
  const isSending = state.moveLives.get(functionId)?.phase === 'ordered';
  return {
    to: move.to,
    startedAt: move.startedMs,
    phase: isArriving ? 'switching' : isSending ? 'sending' : 'preparing',
    bytes: told?.bytes ?? null,
    bytesTotal: told?.bytesTotal ?? null,
    bytesPerSecond: told?.bytesPerSecond ?? null,
    changePerSecond: told?.changePerSecond ?? null,
    expectedPauseMs: told?.expectedPauseMs ?? null,
    expectedEndMs: told?.expectedEndMs ?? null,
  };
}

function statusOf(
  instance: ObservedInstance,
  life: FunctionLife | undefined,
  observed: Observed,
): InstanceView['status'] {
  const state = observed.nodes.find(({ name }) => name === instance.node)?.state;
  if (state === 'lost' || (state === 'absent' && life)) return 'unknown';
  if (!life) return 'pending';
  if (instance.failing) return 'failing';
  switch (life.status) {
    case 'Starting':
      return 'starting';
    case 'Running':
      return 'running';
    case 'Terminating':
      return 'terminating';
    case 'Unknown':
      return 'unknown';
  }
}

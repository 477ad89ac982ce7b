// SPDX-License-Identifier: Apache-2.0
import type { Health, PoolView, StateView } from '@vnfpool/core/management';
import { joinNames } from './format.ts';

export interface Verdict {
  readonly health: Health;
  readonly text: string;
}

/** The head of the page: are the pools whole, and if not, which are not. */
export function judge(pools: readonly PoolView[]): Verdict {
  if (pools.length === 0) return { health: 'down', text: 'No pool is declared yet.' };
  const down = pools.filter((pool) => pool.health === 'down').map((pool) => pool.name);
  const degraded = pools.filter((pool) => pool.health === 'degraded').map((pool) => pool.name);
  const parts = [
    ...(down.length > 0 ? [`${joinNames(down)} ${down.length > 1 ? 'are' : 'is'} down`] : []),
    ...(degraded.length > 0
      ? [
          `${joinNames(degraded)} ${degraded.length > 1 ? 'serve' : 'serves'} with less redundancy than declared`,
        ]
      : []),
  ];
  if (parts.length > 0)
    return { health: down.length > 0 ? 'down' : 'degraded', text: `${parts.join('; ')}.` };
  const names = joinNames(pools.map((pool) => pool.name));
  return { health: 'whole', text: pools.length === 1 ? `${names} is whole.` : `${names} are whole.` };
}

/** Changes whenever an explanation of the pool may have become stale. */
export function explanationKey(state: StateView, pool: string): string {
  const slots = state.slots.filter((slot) => slot.pool === pool);
  const instances = state.instances.filter((instance) => instance.pool === pool);
  return [
    ...slots.map((slot) => `${slot.index}:${slot.epoch}:${slot.holder}:${slot.standbys.join('+')}`),
    ...slots.map(({ sharing }) =>
      sharing?.standbys.map(({ node, isListed }) => `${node}:${isListed}`).join('+'),
    ),
    state.pools.find(({ name }) => name === pool)?.sharing?.level ?? '',
    ...instances.map((instance) => `${instance.name}:${instance.role}:${instance.status}`),
  ].join(' ');
}

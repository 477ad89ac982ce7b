// SPDX-License-Identifier: Apache-2.0
import type { MergeablePool, SetConfiguration } from '@vnfpool/wire/mobility';
import type { DeclaredSet } from '../declared/set.ts';
import type { Observed } from './observed.ts';

/** Pools whose state goes by gossip, and who takes part: an instance on its way at both ends, as either may have changed something. */
export function mergeablePart(
  declared: DeclaredSet,
  { instances, nodes, sharing = [] }: Observed,
): Pick<SetConfiguration, 'mergeable'> {
  const ids = new Map(nodes.map(({ name, id }) => [name, id]));
  const mergeable = declared.pools.flatMap(({ name }): MergeablePool[] => {
    if (sharing.find(({ pool }) => pool === name)?.level.method !== 'gossip') return [];
    const mine = instances.filter(({ pool }) => pool === name);
    return [
      {
        pool: name,
        instances: mine.flatMap(({ functionId, node, move }) =>
          [node, ...(move ? [move.to] : [])].flatMap((at) => {
            const id = ids.get(at);
            return id === undefined ? [] : [{ node: id, functionId }];
          }),
        ),
      },
    ];
  });
  return mergeable.length === 0 ? {} : { mergeable };
}

// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool, DeclaredSet } from '../declared/set.ts';
import type { Decision } from './actions.ts';
import { assignmentFingerprint, assignmentOf } from './documents.ts';
import { indexed } from './indexed.ts';
import { councilOf, type Observed, takesOrders } from './observed.ts';
import { rolesOf } from './roles.ts';

/** Secrets that are to be drawn, to seal, or to be forgotten. */
export function decideSecrets(declared: DeclaredSet, observed: Observed): Decision[] {
  const { secrets = [], sharing = [] } = observed;
  const hasCookies = (pool: string): boolean =>
    declared.pools.some(({ name }) => name === pool) &&
    sharing.some((each) => each.pool === pool && each.level.method === 'cookie');
  const gone = secrets
    .filter(({ pool }) => !hasCookies(pool))
    .map(
      ({ pool }): Decision => ({
        type: 'drop-secret',
        pool,
        reason: `pool ${pool} leaves no cookies with its users any more`,
      }),
    );
  const others = declared.pools.flatMap((pool): Decision[] => {
    if (!hasCookies(pool.name)) return [];
    const record = secrets.find((each) => each.pool === pool.name);
    if (record === undefined)
      return [{ type: 'draw-secret', pool: pool.name, reason: `pool ${pool.name} seals cookies with it` }];
    if (!record.hasNext || !isToldToAll(pool, observed)) return [];
    const reason = `all instances of pool ${pool.name} that can be reached open cookies with it`;
    return [{ type: 'use-secret', pool: pool.name, reason }];
  });
  return [...gone, ...others];
}

/** Whoever runs where orders are taken knows what it is to know. */
function isToldToAll(pool: DeclaredPool, observed: Observed): boolean {
  const council = councilOf(pool, observed);
  if (!council) return false;
  const nodes = indexed(observed).nodes;
  return rolesOf(pool, observed).every((role) => {
    const { instance } = role;
    // One that does not run begins with all of them.
    if (!takesOrders(nodes.get(instance.node)) || instance.status === null || role.slot === null) return true;
    if (instance.busy || instance.move) return false;
    return instance.assignment === assignmentFingerprint(assignmentOf(pool, role, observed, council));
  });
}

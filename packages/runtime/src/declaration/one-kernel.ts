// SPDX-License-Identifier: Apache-2.0
import { type ConnectionFilter, isStateOfNode } from '@vnfpool/wire/mobility';
import { parseIp } from '@vnfpool/wire/parameters';
import type { Finding } from './checks.ts';
import type { PoolFile } from './schema.ts';
import { normalState } from './state.ts';

/**
 * Pools that share what the kernels of nodes track, of which two would be in one kernel: whoever takes a slot makes the connections of its
 * kernel, within the filter of the pool, those of that slot, and removes others. Any node may run an instance of any pool, so only a network of
 * the function's own, or filters without anything in common, keep two apart.
 */
export function checkOneKernel(pools: Readonly<Record<string, PoolFile>>): Finding[] {
  const sharing = Object.entries(pools).flatMap(
    ([
      name,
      {
        function: { state, netns },
        sharing,
      },
    ]) => {
      const place = sharing?.method.indexOf('conntrack') ?? -1;
      if (state === undefined || place < 0) return [];
      // The offers are none of its business, and may be wrong.
      const access = normalState({ ...state, offers: undefined });
      if (!isStateOfNode({ state: access, ...(netns === undefined ? {} : { netns }) })) return [];
      return [{ name, place, filter: access.filter ?? {} }];
    },
  );
  return sharing.flatMap(({ name, place, filter }, index) => {
    const other = sharing.slice(0, index).find((each) => !areApart(each.filter, filter));
    if (other === undefined) return [];
    return [
      {
        path: ['pools', name, 'sharing', 'method', place],
        message: `conntrack of ${other.name} and of ${name} would be in one kernel, on a node that runs both: whoever takes a slot of the one removes connections of the other; give their functions a netns each, or each a state.filter whose zones, protocols or addresses the other's has not`,
      },
    ];
  });
}

/** Whether no connection is of both; but for one from a network of the one to a network of the other. */
function areApart(a: ConnectionFilter, b: ConnectionFilter): boolean {
  return (
    haveNothingInCommon(a.zones, b.zones, Object.is) ||
    haveNothingInCommon(a.protocols, b.protocols, Object.is) ||
    haveNothingInCommon(a.addresses, b.addresses, overlap)
  );
}

/** A list that is not there has everything. */
function haveNothingInCommon<Item>(
  a: readonly Item[] | undefined,
  b: readonly Item[] | undefined,
  meet: (a: Item, b: Item) => boolean,
): boolean {
  if (a === undefined || b === undefined) return false;
  return !a.some((each) => b.some((other) => meet(each, other)));
}

/** Of two networks with prefix length. */
function overlap(a: string, b: string): boolean {
  const [addressA = '', lengthA] = a.split('/');
  const [addressB = '', lengthB] = b.split('/');
  const [octetsA, octetsB] = [parseIp(addressA), parseIp(addressB)];
  if (octetsA.length !== octetsB.length) return false;
  const bits = Math.min(Number(lengthA), Number(lengthB));
  return octetsA.every((octet, index) => {
    const left = Math.min(8, Math.max(0, bits - index * 8));
    return (octet ^ (octetsB[index] ?? 0)) >> (8 - left) === 0;
  });
}

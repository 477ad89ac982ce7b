// SPDX-License-Identifier: Apache-2.0
import type { PoolEntry } from '@vnfpool/wire/enrp';
import { causeInfo, type PoolElement, writePoolElement } from '@vnfpool/wire/parameters';
import type { Pool } from '../../handlespace/pool.ts';
import type { TableSession } from './session.ts';

/** Octets of a parameter's type and length. */
const PARAMETER_HEADER_BYTES = 4;
/** Octets of a response before its first pool. */
const MESSAGE_BYTES = 12;

/** The next elements of a session, within both bounds, but at least one. */
export function nextPart(
  session: TableSession,
  elementsMax: number,
  bytesMax: number,
): { readonly pools: readonly PoolEntry[]; readonly more: boolean } {
  const pools: { poolHandle: Uint8Array; elements: PoolElement[] }[] = [];
  let last: Pool | undefined;
  let bytes = MESSAGE_BYTES;
  for (let count = 0; ; count++) {
    const placed = session.held ?? take(session);
    session.held = placed;
    if (placed === undefined) return { pools, more: false };
    const { pool, element } = placed;
    // It may have changed or gone while it was held back.
    const current = pool.get(element.id);
    if (current === undefined || (session.ownOnly && current.homeRegistrar !== element.homeRegistrar)) {
      session.held = undefined;
      continue;
    }
    const handleBytes = pool === last ? 0 : padded(PARAMETER_HEADER_BYTES + pool.handle.length);
    bytes += handleBytes + padded(causeInfo((writer) => writePoolElement(writer, current)).length);
    if (count > 0 && pools.length > 0 && (count >= elementsMax || bytes > bytesMax))
      return { pools, more: true };
    if (pool !== last) pools.push({ poolHandle: pool.handle, elements: [] });
    last = pool;
    pools.at(-1)?.elements.push(current);
    session.held = undefined;
  }
}

function take(session: TableSession): { pool: Pool; element: PoolElement } | undefined {
  const next = session.rest.next();
  // Its record changes with the element: what is held must not.
  return next.done === true ? undefined : { pool: next.value.pool, element: next.value.element };
}

function padded(bytes: number): number {
  return (bytes + 3) & ~3;
}

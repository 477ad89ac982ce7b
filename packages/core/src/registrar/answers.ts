// SPDX-License-Identifier: Apache-2.0
import type { HandleResolutionResponse } from '@vnfpool/wire/asap';
import type { PoolElement } from '@vnfpool/wire/parameters';
import type { Pool } from '../handlespace/pool.ts';
import type { Association, OwnedElement, RegistrarState } from './state.ts';

/** Elements that are remembered as told to one association; the oldest go first. */
const TOLD_MAX = 512;

/** The ASAP transport is the registrars' business. */
function withoutAsapTransport(element: PoolElement): PoolElement {
  if (element.asapTransport === undefined) return element;
  const { id, homeRegistrar, registrationLife, userTransport, policy } = element;
  return { id, homeRegistrar, registrationLife, userTransport, policy };
}

/** The answer with these elements of a pool. */
export function positive(
  { handle, policy }: Pool,
  elements: readonly PoolElement[],
  updatesAccepted: boolean,
): HandleResolutionResponse {
  return {
    type: 'handle-resolution-response',
    updatesAccepted,
    poolHandle: handle,
    policy,
    elements: elements.map(withoutAsapTransport),
    causes: [],
  };
}

/** Remembers which elements an association was told of: only its reports on those count against them. */
export function remember({ told }: Association, pool: Pool, elements: readonly PoolElement[]): void {
  for (const { id } of elements) {
    // The handlespace's own record: keys made of handle and identifier took longer than all else of an answer.
    const holding = pool.holding(id);
    if (holding === undefined) continue;
    told.delete(holding);
    told.add(holding);
  }
  if (told.size <= TOLD_MAX) return;
  for (const holding of told) {
    if (told.size <= TOLD_MAX) return;
    told.delete(holding);
  }
}

export function wasTold(
  { handlespace }: RegistrarState,
  { told }: Association,
  { poolHandle, id }: OwnedElement,
): boolean {
  const holding = handlespace.pool(poolHandle)?.holding(id);
  return holding !== undefined && told.has(holding);
}

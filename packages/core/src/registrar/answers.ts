// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import { elementKey } from './element-table.ts';
import type { Association } from './state.ts';

/** Elements that are remembered as told to one association; the oldest go first. */
const TOLD_MAX = 512;

/** The ASAP transport is the registrars' business. */
export function withoutAsapTransport(element: PoolElement): PoolElement {
  const { id, homeRegistrar, registrationLife, userTransport, policy } = element;
  return { id, homeRegistrar, registrationLife, userTransport, policy };
}

/** Remembers which elements an association was told of: only its reports on those count against them. */
export function remember(
  { told }: Association,
  poolHandle: Uint8Array,
  elements: readonly PoolElement[],
): void {
  for (const { id } of elements) {
    const key = elementKey(poolHandle, id);
    told.delete(key);
    told.add(key);
  }
  for (const key of told) {
    if (told.size <= TOLD_MAX) return;
    told.delete(key);
  }
}

export function wasTold({ told }: Association, poolHandle: Uint8Array, id: number): boolean {
  return told.has(elementKey(poolHandle, id));
}

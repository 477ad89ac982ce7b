// SPDX-License-Identifier: Apache-2.0
import { plainAddress } from '@vnfpool/wire/mobility';
import { type DeclaredSet, slotAddresses } from '../declared/set.ts';
import { configurationOf } from '../planner/documents.ts';
import { fingerprint } from '../planner/fingerprint.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { ManagerState } from './state.ts';

/**
 * Two slots must never have one address at a time, not even for a node that has not heard of a change: it may
 * hold the former slot as long as the council renews its lease. So an address that leaves a slot goes to another
 * one only when every node has taken a configuration without it.
 */
export function addressRefusal(
  state: ManagerState,
  declared: DeclaredSet,
  nowMs: number,
): Refusal | undefined {
  const { set } = state;
  const nodes = new Map([...state.lives].map(([name, { address }]) => [address, name]));
  for (const [address, slot] of slotsByAddress(declared)) {
    const node = nodes.get(address);
    if (node !== undefined)
      return refuse(
        'ADDRESS_IN_USE',
        `Address ${address} of slot ${slot} is that of ${node} itself, which the fence would cut off.`,
      );
  }
  if (!set) return undefined;
  const former = slotsByAddress(set.declared);
  const left = new Set(set.leftAddresses ?? []);
  for (const [address, slot] of slotsByAddress(declared)) {
    const was = former.get(address);
    if (was === slot) continue;
    if (was !== undefined) {
      return refuse(
        'ADDRESS_IN_USE',
        `Address ${address} is that of slot ${was}. A node that has not heard of the change could still act for it: apply a declaration without the address first, then this one.`,
      );
    }
    const behind = left.has(address) ? nodesBehind(state, nowMs) : [];
    if (behind.length > 0) {
      return refuse(
        'ADDRESS_IN_USE',
        `Address ${address} was given up, and ${behind.join(', ')} has not confirmed it yet; it could still act for the slot that had it.`,
      );
    }
  }
  return undefined;
}

/** Addresses that some node may still take for a slot's, once `declared` applies. */
export function leftAddresses(state: ManagerState, declared: DeclaredSet, nowMs: number): readonly string[] {
  const { set } = state;
  if (!set) return [];
  const next = slotsByAddress(declared);
  const given = [...slotsByAddress(set.declared)].filter(([address, slot]) => next.get(address) !== slot);
  const earlier = nodesBehind(state, nowMs).length === 0 ? [] : (set.leftAddresses ?? []);
  return [...new Set([...earlier, ...given.map(([address]) => address)])].filter(
    (address) => !next.has(address),
  );
}

/** Nodes that have taken a configuration once, but not the present one. */
export function nodesBehind(state: ManagerState, nowMs: number): string[] {
  const { set } = state;
  const configuration = set && configurationOf(set.declared, state.observed(nowMs), state.topology);
  const present = configuration ? fingerprint(configuration) : null;
  return [...state.nodes.values()]
    .filter((node) => node.configuration !== null && node.configuration !== present)
    .map(({ name }) => name);
}

/** `pool/index` by address, without prefix length and link. */
function slotsByAddress(declared: DeclaredSet): Map<string, string> {
  return new Map(
    declared.pools.flatMap((pool) =>
      pool.addresses.flatMap((_, index) =>
        slotAddresses(pool, index).map((text) => [plainAddress(text), `${pool.name}/${index}`] as const),
      ),
    ),
  );
}

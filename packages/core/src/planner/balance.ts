// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '../declared/set.ts';
import type { Command } from './actions.ts';
import { indexed } from './indexed.ts';
import { instanceName, type Observed, type ObservedInstance, type ObservedSlot } from './observed.ts';
import { homesOf } from './slots.ts';
import { successorOf } from './successor.ts';
import { isNWay, slotsPerInstance } from './surplus.ts';

/**
 * Whom an operator took the slot from, in a pool whose slots are shared: it stays where it was put, and counts in the share of that
 * one, so that nothing else moves for it either. Undefined: it counts in its holder's, as also when that one is no more.
 */
export function handedFrom(
  pool: DeclaredPool,
  slot: ObservedSlot,
  observed: Observed,
): ObservedInstance | undefined {
  if (!isNWay(pool) || slot.handedFrom === undefined) return undefined;
  const from = indexed(observed).instances.get(slot.handedFrom);
  return from?.pool === pool.name ? from : undefined;
}

/**
 * After a failure some instance holds the slots of another one as well. When that one, or another whose share is at least two smaller,
 * has been ready for a while, a slot passes on: one at a time, the instance's own before others, and none while the pool changes otherwise.
 */
export function balanceHandovers(pool: DeclaredPool, observed: Observed): Command[] {
  const slots = indexed(observed).slotsOf(pool.name).toReversed();
  const mine = indexed(observed).instancesOf(pool.name);
  const isChanging =
    slots.some(({ handover }) => handover !== null) ||
    mine.some(({ move, busy }) => move !== null || busy) ||
    observed.upgrades.some((record) => record.pool === pool.name && record.state === 'going');
  if (isChanging) return [];
  const free = slots.filter((slot) => handedFrom(pool, slot, observed) === undefined);
  const shares = new Map<number | null, number>();
  for (const slot of slots) {
    const whose = handedFrom(pool, slot, observed)?.functionId ?? slot.holder;
    shares.set(whose, (shares.get(whose) ?? 0) + 1);
  }
  const share = ({ functionId }: ObservedInstance): number => shares.get(functionId) ?? 0;
  // Whose share is the largest may hold little of it, and has then nothing to give.
  const holders = mine.filter(({ functionId }) => free.some(({ holder }) => holder === functionId));
  const most = holders.toSorted((a, b) => share(b) - share(a) || a.number - b.number)[0];
  if (!most || share(most) < 2) return [];
  const homes = homesOf(pool, observed);
  const choices = free
    .filter(({ holder }) => holder === most.functionId)
    .flatMap((slot) => {
      const to = successorOf(
        slot,
        observed,
        slotsPerInstance(pool),
        (other) => other.isSteady && share(most) - share(other) >= 2,
      );
      return to ? [{ slot, to, isHome: homes.get(slot.index) === to }] : [];
    })
    .sort((a, b) => Number(b.isHome) - Number(a.isHome));
  const [first] = choices;
  if (!first) return [];
  const { slot, to } = first;
  const counting = free.length < slots.length ? ', what was handed over by hand counted where it was' : '';
  const reason = `${instanceName(most)} holds ${share(most)} slots, ${instanceName(to)} ${share(to)}${counting}`;
  return [{ type: 'handover', slot: slot.id, to: to.functionId, reason }];
}

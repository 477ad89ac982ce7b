// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '../declared/set.ts';
import type { Command } from './actions.ts';
import { indexed } from './indexed.ts';
import { instanceName, type Observed } from './observed.ts';
import { homesOf } from './slots.ts';
import { successorOf } from './successor.ts';
import { slotsPerInstance } from './surplus.ts';

/**
 * After a failure some instance holds the slots of another one as well. When that one, or another that holds at least two fewer,
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
  const held = (functionId: number): number => slots.filter(({ holder }) => holder === functionId).length;
  const most = mine.toSorted((a, b) => held(b.functionId) - held(a.functionId) || a.number - b.number)[0];
  if (!most || held(most.functionId) < 2) return [];
  const homes = homesOf(pool, observed);
  const choices = slots
    .filter(({ holder }) => holder === most.functionId)
    .flatMap((slot) => {
      const to = successorOf(
        slot,
        observed,
        slotsPerInstance(pool),
        (other) => other.isSteady && held(most.functionId) - held(other.functionId) >= 2,
      );
      return to ? [{ slot, to, isHome: homes.get(slot.index) === to }] : [];
    })
    .sort((a, b) => Number(b.isHome) - Number(a.isHome));
  const [first] = choices;
  if (!first) return [];
  const reason = `${instanceName(most)} holds ${held(most.functionId)} slots, ${instanceName(first.to)} ${held(first.to.functionId)}`;
  return [{ type: 'handover', slot: first.slot.id, to: first.to.functionId, reason }];
}

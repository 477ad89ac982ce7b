// SPDX-License-Identifier: Apache-2.0
import type { Role, SlotState } from '@vnfpool/wire/mobility';
import type { Resident } from './agent.ts';

/**
 * What a function is to do: the holder of a slot serves, whoever could hold one waits. Without a slot it serves, unless
 * its state has still to come.
 * @param held slots that it holds
 */
export function roleOf(
  { life, assignment }: Resident,
  held: readonly SlotState[],
): { readonly role: Role; readonly epoch: string } {
  if (life.awaitsState) return { role: 'standby', epoch: '0' };
  if (held.length > 0) {
    // Of several slots the latest: what is done in its name is newer than whatever was done before.
    const latest = held
      .map(({ epoch }) => BigInt(epoch))
      .reduce((highest, epoch) => (epoch > highest ? epoch : highest));
    return { role: 'active', epoch: String(latest) };
  }
  if (!assignment?.slot) return { role: assignment?.role === 'spare' ? 'spare' : 'active', epoch: '0' };
  return { role: assignment.role === 'spare' ? 'spare' : 'standby', epoch: assignment.epoch };
}

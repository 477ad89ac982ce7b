// SPDX-License-Identifier: Apache-2.0
import type { RegistrarState } from '../state.ts';
import type { Takeover } from './takeover.ts';

/** The takeover is over, in whatever way. */
export function endTakeover(state: RegistrarState, takeover: Takeover): void {
  state.deadlines.clearAll(takeover);
  if (takeover.target.takeover === takeover) takeover.target.takeover = undefined;
}

export function takeoverEvent(
  state: RegistrarState,
  event: 'takeover-started' | 'takeover-lost' | 'takeover-won' | 'takeover-off' | 'takeover-repeated',
  registrarId: number,
  by: number,
  reason: string,
): void {
  state.event({ type: 'event', event, registrarId, by, reason });
}

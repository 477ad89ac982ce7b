// SPDX-License-Identifier: Apache-2.0
import { removeElement } from './elements.ts';
import { askAlive, scheduleKeepAlive } from './keep-alive.ts';
import type { ElementTimer, OwnedElement, RegistrarState } from './state.ts';

type TimerHandler = (state: RegistrarState, owned: OwnedElement, nowMs: number) => void;

/** What happens when a timer of an element is due. */
export const TIMERS: { readonly [T in ElementTimer]: TimerHandler } = {
  life(state, owned) {
    const { association, poolHandle, id: elementId } = owned;
    removeElement(state, owned, 'life-expired');
    if (association === undefined) return;
    state.send(association, { type: 'deregistration-response', poolHandle, elementId, causes: [] });
  },

  'keep-alive'(state, owned, nowMs) {
    // First the next one: a question that goes out puts it off until the answer.
    scheduleKeepAlive(state, owned, nowMs);
    askAlive(state, owned, nowMs);
  },

  'keep-alive-answer'(state, owned) {
    const { association } = owned;
    removeElement(state, owned, 'keep-alive-timeout');
    // Whoever comes back from a long pause must notice that it is not registered any more.
    if (association?.elements.size === 0) state.close(association, 'keep-alive not answered');
  },

  grace(state, owned) {
    removeElement(state, owned, 'association-lost');
  },
};

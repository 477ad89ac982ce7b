// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';

/** Asks every `everyMs` until `isSo` answers something true, and returns that. */
export async function waitUntil(what, isSo, { withinMs = 30_000, everyMs = 20, signal } = {}) {
  const deadline = performance.now() + withinMs;
  for (;;) {
    signal?.throwIfAborted();
    const answer = await isSo();
    if (answer) return answer;
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms for ${what}`);
    await delay(everyMs);
  }
}

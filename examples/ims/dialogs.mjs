// SPDX-License-Identifier: Apache-2.0
// Calls that went through us. Requests within a call are sent on only if it is known here.
import { dialogKey } from './messages.mjs';
import { DIALOGS_OF_INVITE_MAX } from './tables.mjs';

/** A call of which nothing was heard for so long is forgotten. */
const QUIET_MS = 43_200_000;

export class Dialogs {
  #table;
  #count;
  #lingerMs;
  #alive = 0;

  constructor({ table, count, timers: { t1Ms = 500 } = {} }) {
    this.#table = table;
    this.#count = count;
    this.#lingerMs = 64 * t1Ms;
  }

  /** Those that have not ended. */
  get alive() {
    return this.#alive;
  }

  knows(essentials) {
    return this.#table.get(dialogKey(essentials)) !== undefined;
  }

  /**
   * A response to INVITE has come: the dialog is `early` or `confirmed`. `names`: the call, and what its ends are known by. Gives its
   * key if it is new, else null.
   */
  note(essentials, state, already, names, now) {
    const key = dialogKey(essentials);
    const before = this.#table.get(key);
    if (before?.state === 'ended' || (before?.state === 'confirmed' && state === 'early')) return null;
    if (before === undefined) {
      if (already >= DIALOGS_OF_INVITE_MAX) {
        this.#count('dialogs.refused');
        return null;
      }
      this.#alive += 1;
    }
    if (state === 'confirmed' && before?.state !== 'confirmed') this.#count('dialogs.confirmed');
    this.#table.set(key, { ...names, state, at: now });
    return before === undefined ? key : null;
  }

  /** An INVITE has failed: what it began is no call. */
  dropEarly(keys) {
    for (const key of keys) {
      if (this.#table.get(key)?.state !== 'early') continue;
      this.#table.delete(key);
      this.#alive -= 1;
    }
  }

  /** Kept for a moment, as the other end may say goodbye at the same time. */
  end(essentials, now) {
    const key = dialogKey(essentials);
    const before = this.#table.get(key);
    if (before === undefined || before.state === 'ended') return;
    this.#table.set(key, { ...before, state: 'ended', at: now });
    this.#alive -= 1;
    this.#count('dialogs.ended');
  }

  restart(now) {
    this.#alive = 0;
    for (const [key, dialog] of this.#table.entries()) {
      if (dialog.state !== 'ended') this.#alive += 1;
      // Clocks of two machines differ.
      else if (dialog.at > now) this.#table.set(key, { ...dialog, at: now });
    }
  }

  /** Of another proxy: here from now on. */
  adopt(key, dialog, now) {
    this.#table.set(key, { ...dialog, at: Math.min(dialog.at, now) });
    if (dialog.state !== 'ended') this.#alive += 1;
  }

  /** With another proxy from now on. */
  forget(key) {
    if (this.#table.get(key)?.state !== 'ended') this.#alive -= 1;
    this.#table.delete(key);
  }

  sweep(now, isHeld) {
    for (const [key, { state, at, call }] of this.#table.entries()) {
      if (isHeld(call)) continue;
      if (now - at < (state === 'ended' ? this.#lingerMs : QUIET_MS)) continue;
      this.#table.delete(key);
      if (state === 'ended') continue;
      this.#alive -= 1;
      this.#count('dialogs.forgotten');
    }
  }
}

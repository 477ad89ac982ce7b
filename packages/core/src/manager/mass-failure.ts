// SPDX-License-Identifier: Apache-2.0
import { GUARD_DEFAULT } from '../declared/detection.ts';
import type { Journal } from './journal.ts';
import type { Moment } from './moves.ts';
import type { ManagerState } from './state.ts';

/** So much of the set is gone at once that it is more likely cut off, or switched off, than broken. */
export interface Frozen {
  /** By the wall clock. */
  readonly sinceMs: number;
  readonly reason: string;
}

/**
 * Freezes rebalancing when too many nodes vanish within a short time: then nothing is placed anew, moved or deleted until they
 * are back, or a person says otherwise. Slots go on failing over by their leases: nobody asks the manager about that.
 */
export class MassFailureGuard {
  readonly #state: ManagerState;
  /** Nodes that were there once, by the last that was heard. */
  readonly #there = new Set<string>();
  /** Nodes that vanished since, and when. */
  readonly #vanishedMs = new Map<string, number>();

  constructor(state: ManagerState) {
    this.#state = state;
  }

  /** After every input. */
  look(journal: Journal, { nowMs, wallMs }: Moment): void {
    const state = this.#state;
    const { set } = state;
    if (!set) return;
    const names = set.declared.nodes.map(({ name }) => name);
    for (const name of [...this.#there, ...this.#vanishedMs.keys()])
      if (!names.includes(name)) this.#forget(name);
    for (const name of names) this.#follow(name, nowMs);
    const { share, least, withinMs } = set.declared.guard ?? GUARD_DEFAULT;
    const isTooMuch = (count: number): boolean => count >= least && count > share * names.length;
    const gone = [...this.#vanishedMs];
    if (state.frozen) {
      if (isTooMuch(gone.length)) return;
      state.frozen = null;
      const message = 'Enough nodes are back: instances are placed, moved and deleted again.';
      journal.event(wallMs, 'set.thawed', 'info', `set ${set.declared.name}`, message);
      return;
    }
    const newest = Math.max(...gone.map(([, atMs]) => atMs));
    const atOnce = gone.filter(([, atMs]) => newest - atMs <= withinMs).map(([name]) => name);
    if (!isTooMuch(atOnce.length)) return;
    const reason = `${atOnce.length} of ${names.length} nodes were lost at once (${atOnce.join(', ')})`;
    state.frozen = { sinceMs: wallMs, reason };
    const message = `Frozen: ${reason}. Nothing is placed anew, moved or deleted until they are back or \`vnfpool thaw\` says so; slots go on failing over.`;
    journal.event(wallMs, 'set.frozen', 'error', `set ${set.declared.name}`, message);
  }

  /** A person says so: what is gone now does not count until it was back. False: nothing was frozen. */
  thaw(journal: Journal, { wallMs }: Moment): boolean {
    const { frozen, set } = this.#state;
    if (!frozen) return false;
    this.#state.frozen = null;
    this.#vanishedMs.clear();
    const message = `Thawed by request; it was frozen because ${frozen.reason}.`;
    journal.event(wallMs, 'set.thawed', 'warning', `set ${set?.declared.name ?? ''}`, message);
    return true;
  }

  #follow(name: string, nowMs: number): void {
    const life = this.#state.lives.get(name)?.state;
    if (life === 'registered' || life === 'suspect') {
      this.#vanishedMs.delete(name);
      this.#there.add(name);
    } else if (life === 'lost' && this.#there.delete(name)) this.#vanishedMs.set(name, nowMs);
    // It said good-bye.
    else if (life === 'absent') this.#forget(name);
  }

  #forget(name: string): void {
    this.#there.delete(name);
    this.#vanishedMs.delete(name);
  }
}

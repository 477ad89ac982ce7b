// SPDX-License-Identifier: Apache-2.0
import type { EventView } from '../management/views.ts';
import { type ManagerWrite, ROWS_MAX } from './records.ts';
import type { ManagerState } from './state.ts';

/** Events, and the writes that nothing waits for. A write that fails is kept and tried again. */
export class Journal {
  readonly #state: ManagerState;
  /** By table and key: a later write replaces an earlier one, so this cannot outgrow the tables. */
  #unsaved = new Map<string, ManagerWrite>();
  /** Rows that were written by other ways since the last batch was taken. */
  readonly #superseded = new Set<string>();
  #events: EventView[] = [];

  constructor(state: ManagerState) {
    this.#state = state;
  }

  save(...writes: readonly ManagerWrite[]): void {
    for (const write of writes) this.#unsaved.set(`${write.table} ${write.key}`, write);
  }

  /** These are written otherwise, behind whatever was taken before: older writes of the same rows must not follow. */
  supersede(writes: readonly ManagerWrite[]): void {
    for (const { table, key } of writes) {
      const name = `${table} ${key}`;
      this.#unsaved.delete(name);
      this.#superseded.add(name);
    }
  }

  /** Writes that failed and must not undo newer ones. */
  keep(writes: readonly ManagerWrite[]): void {
    for (const write of writes) {
      const name = `${write.table} ${write.key}`;
      if (!this.#unsaved.has(name) && !this.#superseded.has(name)) this.#unsaved.set(name, write);
    }
  }

  event(atMs: number, type: string, severity: EventView['severity'], subject: string, message: string): void {
    const id = (this.#state.counters.event += 1);
    const event: EventView = { id, at: atMs, type, severity, subject, message };
    this.#state.events.push(event);
    if (this.#state.events.length > ROWS_MAX.events) {
      const oldest = this.#state.events.shift();
      if (oldest) this.#unsaved.delete(`events ${eventKey(oldest.id)}`);
    }
    this.#events.push(event);
    this.save(
      { table: 'events', key: eventKey(id), value: event },
      { table: 'counters', key: 'event', value: id },
    );
  }

  /** Events since the last call. */
  takeEvents(): EventView[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Writes since the last call. */
  takeWrites(): ManagerWrite[] {
    const writes = [...this.#unsaved.values()];
    this.#unsaved = new Map();
    this.#superseded.clear();
    return writes;
  }

  get hasWrites(): boolean {
    return this.#unsaved.size > 0;
  }
}

function eventKey(id: number): string {
  return String(id).padStart(12, '0');
}

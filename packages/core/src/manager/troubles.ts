// SPDX-License-Identifier: Apache-2.0
import type { FunctionReport, TroubleReport } from '@vnfpool/wire/mobility';
import type { Journal } from './journal.ts';
import type { Moment } from './moves.ts';
import type { ManagerState } from './state.ts';

/** What a function's failures have brought it, by the manager's clock. */
export interface Trouble {
  readonly told: TroubleReport;
  readonly lastUntilMs: number;
  readonly heldDownUntilMs: number;
}

/** Takes it from a report, and tells what is new. `key` is `node/functionId`. */
export function takeTrouble(
  state: ManagerState,
  journal: Journal,
  key: string,
  who: { readonly subject: string; readonly name: string },
  report: FunctionReport | null,
  { nowMs, wallMs }: Moment,
): void {
  const told = report?.trouble;
  if (!told) {
    if (report) state.troubles.delete(key);
    return;
  }
  const known = state.troubles.get(key);
  // Told again, for instance to a manager that was away: its times began then.
  if (known && JSON.stringify(known.told) === JSON.stringify(told)) return;
  const lastUntilMs = nowMs + told.lastForMs;
  state.troubles.set(key, { told, lastUntilMs, heldDownUntilMs: nowMs + told.heldDownForMs });
  const tell = (type: string, message: string): void =>
    journal.event(wallMs, type, 'warning', who.subject, message);
  if (told.note !== '' && told.note !== known?.told.note)
    tell('instance.ladder', `${who.name}: ${told.note}.`);
  if (told.lastForMs > 0 && (known?.told.lastForMs ?? 0) === 0) {
    const seconds = Math.ceil(told.lastForMs / 1_000);
    const message = `${who.name} failed ${told.failures} times: as a candidate it comes last for ${seconds} s (penalty ${told.penalty}).`;
    tell('instance.suppressed', message);
  }
}

/** Ranks last now. */
export function isSuppressed(state: ManagerState, key: string, nowMs: number): boolean {
  return (state.troubles.get(key)?.lastUntilMs ?? nowMs) > nowMs;
}

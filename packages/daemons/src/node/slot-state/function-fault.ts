// SPDX-License-Identifier: Apache-2.0
import { boundReason } from '@vnfpool/wire/function-socket';
import type { FunctionStateError } from '../function-state/function-state.ts';

/** A function that lost its connection may come again for so long: it looks for its agent each second. */
export const FUNCTION_AWAY_MS = 3_000;
/** A refusal counts for so long: one that comes and is refused in turn is in fault all the time. */
export const FUNCTION_REFUSED_MS = 10_000;

/** Of a function that shared the state of a held slot: why not all of it may be told. */
export class FunctionFault {
  readonly #nowMs: () => number;
  #sinceMs: number | null = null;
  #refusals = 0;
  #refusal: { readonly reason: string; readonly atMs: number } | null = null;

  /** @param nowMs of a clock that only goes forward */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Since the slot is held. */
  get refusals(): number {
    return this.#refusals;
  }

  /** It has the state of the slot, and what it changes is taken. */
  shares(): void {
    this.#sinceMs = null;
  }

  /** Nothing is taken from it, from now on. */
  ceased(): void {
    this.#sinceMs ??= this.#nowMs();
  }

  refused({ message }: FunctionStateError): void {
    this.#refusals++;
    this.#refusal = { reason: boundReason(message), atMs: this.#nowMs() };
  }

  /** Null: there is none. @param isConnected it has said `hello`, and was welcomed */
  words(isConnected: boolean): string | null {
    const nowMs = this.#nowMs();
    const awayMs = this.#sinceMs === null ? 0 : nowMs - this.#sinceMs;
    const { reason, atMs } = this.#refusal ?? { reason: '', atMs: -Infinity };
    const isLate = nowMs - atMs >= FUNCTION_REFUSED_MS;
    const refused = `its function was refused (${this.#refusals === 1 ? 'once' : `${this.#refusals} times`}): ${reason}`;
    if (awayMs < FUNCTION_AWAY_MS) return isLate ? null : refused;
    const seconds = Math.floor(awayMs / 1_000);
    if (isConnected) return `its function has not had the state for ${seconds} s`;
    const away = `its function has not been connected for ${seconds} s`;
    return this.#refusal === null ? away : `${away}; ${refused}`;
  }
}

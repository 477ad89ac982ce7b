// SPDX-License-Identifier: Apache-2.0
import type { MoveView } from '@vnfpool/core/management';
import type { CliIo } from '../io.ts';
import { showBytes } from '../output/amount.ts';
import { showDuration } from '../output/duration.ts';

const CLEAR_LINE = '\r\u001b[K';
/** Where lines stay, one that only has other figures follows the one before at most this often. */
const SAME_PHASE_MS = 1_000;

/** How a move goes, in one line: `web#1: 34 MiB of 100 MiB to node-c, 55 MiB/s; will pause about 12 ms, 2 s left`. */
export function describeMove(instance: string, move: MoveView): string {
  if (move.phase === 'preparing') return `${instance}: is started on ${move.to}`;
  if (move.phase === 'switching') return `${instance}: its state is on ${move.to}; its slot follows`;
  const { bytes, bytesTotal, bytesPerSecond, changePerSecond, expectedPauseMs, expectedEndMs } = move;
  if (bytes === null || (bytes === 0 && !bytesTotal)) return `${instance}: sends its state to ${move.to}`;
  const total = bytesTotal === null ? '' : ` of ${showBytes(Math.max(bytes, bytesTotal))}`;
  const rate = bytesPerSecond ? `, ${showBytes(bytesPerSecond)}/s` : '';
  const change = changePerSecond ? `, changes ${showBytes(changePerSecond)}/s` : '';
  const forecast = [
    ...(expectedPauseMs === null ? [] : [`will pause about ${showDuration(expectedPauseMs)}`]),
    ...(expectedEndMs === null ? [] : [`${showDuration(expectedEndMs)} left`]),
  ].join(', ');
  return `${instance}: ${showBytes(bytes)}${total} to ${move.to}${rate}${change}${forecast ? `; ${forecast}` : ''}`;
}

/** Shows how moves go: on a terminal in a line that changes, elsewhere line by line. */
export class MoveProgress {
  readonly #io: CliIo;
  #shown = '';
  #phase = '';
  #atMs = Number.NEGATIVE_INFINITY;

  constructor(io: CliIo) {
    this.#io = io;
  }

  /** @param atMs The time of what is shown */
  show(instance: string, move: MoveView, atMs: number): void {
    const line = describeMove(instance, move);
    const phase = `${instance} ${move.phase} ${move.to}`;
    if (line === this.#shown || (phase === this.#phase && atMs - this.#atMs < SAME_PHASE_MS)) return;
    if (this.#io.terminal === true) this.#io.out(`${CLEAR_LINE}${line}`);
    else this.#io.out(`${line}\n`);
    this.#shown = line;
    this.#phase = phase;
    this.#atMs = atMs;
  }

  /** A line that stays. */
  say(line: string): void {
    const clear = this.#io.terminal === true && this.#shown !== '' ? CLEAR_LINE : '';
    this.#io.out(`${clear}${line}\n`);
    this.#shown = '';
    this.#phase = '';
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { Logger } from './logger.ts';

export interface FloodGuardOptions {
  /** Lines of one kind that are written within `perMs`; default 10. */
  readonly linesMax?: number;
  /** Default 1000 ms. */
  readonly perMs?: number;
  /** Default the process's monotonic clock. */
  readonly nowMs?: () => number;
}

interface Window {
  sinceMs: number;
  written: number;
  left: number;
}

/** Kinds that are told apart; beyond it all others are one. */
const KINDS_MAX = 64;

/**
 * Keeps those who make us refuse them from filling the disk: of one kind of line a few are written in a second, and the
 * first of a later second tells how many were left out.
 */
export class FloodGuard {
  readonly #logger: Logger;
  readonly #linesMax: number;
  readonly #perMs: number;
  readonly #nowMs: () => number;
  readonly #windows = new Map<string, Window>();

  constructor(logger: Logger, { linesMax = 10, perMs = 1_000, nowMs }: FloodGuardOptions = {}) {
    this.#logger = logger;
    this.#linesMax = linesMax;
    this.#perMs = perMs;
    this.#nowMs = nowMs ?? (() => performance.now());
  }

  warn(kind: string, fields: Readonly<Record<string, unknown>>, message: string): void {
    const window = this.#window(kind);
    const nowMs = this.#nowMs();
    if (nowMs - window.sinceMs >= this.#perMs) {
      if (window.left > 0) this.#logger.warn({ kind, count: window.left }, 'more of the same, not written');
      window.sinceMs = nowMs;
      window.written = 0;
      window.left = 0;
    }
    if (window.written >= this.#linesMax) {
      window.left += 1;
      return;
    }
    window.written += 1;
    this.#logger.warn(fields, message);
  }

  /** Tells what has not been told; at the end. */
  close(): void {
    for (const [kind, window] of this.#windows) {
      if (window.left > 0) this.#logger.warn({ kind, count: window.left }, 'more of the same, not written');
      window.left = 0;
    }
  }

  #window(kind: string): Window {
    const key = this.#windows.has(kind) || this.#windows.size < KINDS_MAX ? kind : 'other';
    let window = this.#windows.get(key);
    if (window === undefined) {
      window = { sinceMs: this.#nowMs(), written: 0, left: 0 };
      this.#windows.set(key, window);
    }
    return window;
  }
}

// SPDX-License-Identifier: Apache-2.0
import { LATE, type ProbeTarget, probeOnce } from './probe.ts';
import type { Reporter } from './reporter.ts';
import { Tally } from './tally.ts';

/** Where the next request goes, and what to do when it failed. */
export interface TargetChoice {
  /** For people. */
  readonly description: string;
  /** Null: there is nowhere to go; the request counts as failed. */
  next(): Promise<(ProbeTarget & { readonly failed?: () => void }) | null>;
}

export interface TrafficOptions {
  readonly source: string;
  readonly pool: string;
  readonly path: string;
  readonly everyMs: number;
  readonly deadlineMs: number;
  readonly choice: TargetChoice;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  readonly nowMs?: () => number;
}

const REPORT_MS = 250;
/** Requests under way; a tick beyond it is left out. */
const UNDER_WAY_MAX = 512;
/** A loop that is later than this was stalled itself. */
const STALL_MS = 100;

/**
 * Asks a pool at a fixed pace until `signal`: each request has a connection and a deadline of its own and does not
 * wait for the one before.
 */
export async function runTraffic(options: TrafficOptions): Promise<void> {
  const { everyMs, deadlineMs, choice, path, reporter, signal } = options;
  const nowMs = options.nowMs ?? (() => performance.timeOrigin + performance.now());
  const tally = new Tally();
  const head = {
    source: options.source,
    pool: options.pool,
    target: choice.description,
    intervalMs: everyMs,
    deadlineMs,
  };
  let underWay = 0;
  /** When our own loop was last late, wall clock. */
  let stalledAt = 0;

  const ask = async (): Promise<void> => {
    const sentAt = nowMs();
    tally.sent();
    const target = await choice.next().catch(() => null);
    const leftMs = deadlineMs - (nowMs() - sentAt);
    const reason = target === null || leftMs <= 0 ? 'nobody to ask' : await probeOnce(target, path, leftMs);
    if (reason === null) tally.succeeded(sentAt, nowMs());
    // Who was late itself accuses nobody: an answer that did not come in time may have waited for us.
    else if (reason !== LATE || stalledAt < sentAt) {
      target?.failed?.();
      tally.failed(sentAt, nowMs(), reason);
    }
  };

  await new Promise<void>((resolve) => {
    let next = performance.now() + everyMs;
    let reportAt = 0;
    let timer: NodeJS.Timeout;
    const tick = (): void => {
      const now = performance.now();
      if (now - next > STALL_MS) stalledAt = nowMs();
      // After a stall of our own we go on from now: a burst would measure ourselves.
      next = Math.max(next + everyMs, now + everyMs / 2);
      timer = setTimeout(tick, Math.max(0, next - now));
      if (underWay < UNDER_WAY_MAX) {
        underWay += 1;
        void ask().finally(() => {
          underWay -= 1;
        });
      }
      if (now < reportAt) return;
      reportAt = now + REPORT_MS;
      void reporter.tell(tally.report(head));
    };
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    timer = setTimeout(tick, 0);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
  reporter.close();
}

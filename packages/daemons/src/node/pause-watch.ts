// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { pauseKind, pauseLimits } from '@vnfpool/core/agent';
import type { Clocks } from '@vnfpool/platform';
import type { HostPause } from '@vnfpool/wire/mobility';

/** The processors' figures are read once in so many looks: that is not cheap on a large machine. */
const STEAL_LOOKS = 10;
/** USER_HZ, in which /proc/stat counts, is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

interface Look {
  readonly boottimeMs: number;
  readonly monotonicMs: number;
  /** Of this thread. Null: the kernel does not count it. */
  readonly schedule: { readonly ranMs: number; readonly waitedMs: number } | null;
}

export interface PauseWatchOptions {
  readonly clocks: Clocks;
  readonly tell: (pause: HostPause) => void;
}

/** Notices when the thread that it runs in stood still, and why as far as the host shows it. */
export class PauseWatch {
  readonly #options: PauseWatchOptions;
  #timer: NodeJS.Timeout;
  #limits = pauseLimits(undefined);
  #last: Look;
  #stolenMs: number | null;
  #looks = 0;

  constructor(options: PauseWatchOptions) {
    this.#options = options;
    this.#last = this.#look();
    this.#stolenMs = readStolenMs();
    this.#timer = this.#start();
  }

  /** The shortest lease of this node is so long from now on; undefined: it has none. */
  use(leaseMs: number | undefined): void {
    const limits = pauseLimits(leaseMs);
    const { lookMs } = this.#limits;
    this.#limits = limits;
    if (limits.lookMs === lookMs) return;
    clearInterval(this.#timer);
    this.#last = this.#look();
    this.#timer = this.#start();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #start(): NodeJS.Timeout {
    return setInterval(() => this.#compare(), this.#limits.lookMs).unref();
  }

  #compare(): void {
    const { lookMs, lateMs: leastMs } = this.#limits;
    const former = this.#last;
    const now = this.#look();
    this.#last = now;
    const lateMs = now.boottimeMs - former.boottimeMs - lookMs;
    if (lateMs < leastMs) {
      if (++this.#looks % STEAL_LOOKS === 0) this.#stolenMs = readStolenMs();
      return;
    }
    const stolenMs = readStolenMs();
    const kind = pauseKind({
      lateMs,
      suspendedMs: lateMs - (now.monotonicMs - former.monotonicMs - lookMs),
      waitedMs: now.schedule && former.schedule && now.schedule.waitedMs - former.schedule.waitedMs,
      ranMs: now.schedule && former.schedule && now.schedule.ranMs - former.schedule.ranMs,
      stolenMs: stolenMs === null || this.#stolenMs === null ? null : stolenMs - this.#stolenMs,
    });
    this.#stolenMs = stolenMs;
    this.#options.tell({ kind, untilMs: this.#options.clocks.wallMs(), forMs: lateMs });
  }

  #look(): Look {
    return {
      boottimeMs: this.#options.clocks.boottimeMs(),
      monotonicMs: performance.now(),
      schedule: readSchedule(),
    };
  }
}

/** Nanoseconds that the thread ran, and that it waited for a processor. */
function readSchedule(): Look['schedule'] {
  const [ran, waited] = (readOrNull('/proc/thread-self/schedstat') ?? '').split(' ').map(Number);
  if (ran === undefined || waited === undefined || !Number.isFinite(ran + waited)) return null;
  return { ranMs: ran / 1e6, waitedMs: waited / 1e6 };
}

/** The eighth figure of the first line is what the hypervisor took of all processors. */
function readStolenMs(): number | null {
  const text = readOrNull('/proc/stat');
  if (text === null) return null;
  const ticks = Number(text.slice(0, text.indexOf('\n')).trim().split(/\s+/)[8]);
  const processors = text.match(/^cpu\d/gm)?.length ?? 1;
  return Number.isFinite(ticks) ? (ticks * TICK_MS) / Math.max(1, processors) : null;
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

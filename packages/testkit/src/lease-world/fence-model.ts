// SPDX-License-Identifier: Apache-2.0
import { type HorizonId, type Horizons, horizonOf, leave, NO_HORIZONS, renew } from '@vnfpool/platform/fence';
import type { NodeClock } from './node-clock.ts';

/**
 * `nft`: the production's horizons, each an absolute wall-clock interval and a relative timeout. `bpf`: an absolute
 * CLOCK_BOOTTIME deadline a slot. `relative`: a timeout alone, which a late write reopens; only there to show that the world
 * sees it.
 */
export type FenceKind = 'nft' | 'bpf' | 'relative';

/** The lease of a slot that is to be opened, or extended. */
export interface FenceEnd {
  readonly epoch: number;
  readonly untilBootMs: number;
}

/** What the process computed and is about to write. */
export interface FenceWrite {
  readonly ends: ReadonlyMap<string, FenceEnd>;
  /** In place of all that was written before. */
  readonly isAnew: boolean;
  readonly wallFromMs: number;
  readonly bootMs: number;
  readonly horizons: Horizons;
  readonly computedAtTrueMs: number;
  readonly wallSteps: number;
}

/** What of a write the kernel keeps, for a slot or for a horizon. */
interface Element {
  readonly untilBootMs: number;
  readonly wallFromMs: number;
  readonly wallUntilMs: number;
  /** When the timeout ends, on the kernel's own clock. */
  readonly timeoutAtBootMs: number;
  readonly isLate: boolean;
}

/** Below this a write is a delete: a timeout of a few jiffies is not kept exactly. */
const REMAINDER_MIN_MS = 0.5;

/** A write that arrives later than this after its computing is late. */
const LATE_MS = 0.1;

/**
 * One machine's fence for its slots, as the kernel keeps it; it survives the agent's process.
 *
 * In the `nft` form a late write together with a backward step of the wall clock is not covered: that is the
 * declared lesser guarantee. The model leaves this combination out (`excluded` counts how often).
 */
export class FenceModel {
  readonly #kind: FenceKind;
  readonly #clock: NodeClock;
  readonly #epochs = new Map<string, number>();
  /** By slot; in the `nft` form by horizon. */
  readonly #elements = new Map<string | HorizonId, Element>();
  #horizons: Horizons = NO_HORIZONS;
  #backwardSteps = 0;
  excluded = 0;

  constructor(kind: FenceKind, clock: NodeClock) {
    this.#kind = kind;
    this.#clock = clock;
  }

  /** One that goes its own way from now on. */
  copy(): FenceModel {
    const copy = new FenceModel(this.#kind, this.#clock);
    for (const [slot, epoch] of this.#epochs) copy.#epochs.set(slot, epoch);
    for (const [id, element] of this.#elements) copy.#elements.set(id, element);
    copy.#horizons = this.#horizons;
    copy.#backwardSteps = this.#backwardSteps;
    copy.excluded = this.excluded;
    return copy;
  }

  /** The wall clock is read before the lease clock. `isAnew`: nothing else is open afterwards. */
  compute(ends: ReadonlyMap<string, FenceEnd>, trueMs: number, isAnew = false): FenceWrite {
    const wallFromMs = this.#clock.wallMs(trueMs);
    const bootMs = this.#clock.bootMs(trueMs);
    const untils = new Map([...ends].map(([slot, { untilBootMs }]) => [slot, untilBootMs]));
    const horizons = renew(isAnew ? NO_HORIZONS : this.#horizons, untils, bootMs, REMAINDER_MIN_MS);
    return {
      ends,
      isAnew,
      wallFromMs,
      bootMs,
      horizons,
      computedAtTrueMs: trueMs,
      wallSteps: this.#backwardSteps,
    };
  }

  write(write: FenceWrite, trueMs: number): void {
    if (write.isAnew) this.closeAll();
    for (const [slot, { epoch }] of write.ends) this.#epochs.set(slot, epoch);
    if (this.#kind === 'nft') {
      const former = this.#horizons.horizons;
      this.#horizons = write.horizons;
      for (const id of former.keys()) if (!write.horizons.horizons.has(id)) this.#elements.delete(id);
      for (const [id, { endMs }] of write.horizons.horizons)
        if (former.get(id)?.endMs !== endMs) this.#put(id, endMs, write, trueMs);
    } else {
      for (const [slot, { untilBootMs }] of write.ends) this.#put(slot, untilBootMs, write, trueMs);
    }
  }

  close(slot: string): void {
    this.#elements.delete(slot);
    this.#horizons = leave(this.#horizons, [slot]);
  }

  closeAll(): void {
    this.#elements.clear();
    this.#horizons = NO_HORIZONS;
  }

  /** The agent begins anew: it loads its rules closed, where it cannot know what the former one had written. */
  restarted(): void {
    if (this.#kind === 'nft') this.closeAll();
  }

  /** The epoch under which the fence lets packets through now; undefined: it is closed. */
  openEpoch(slot: string, trueMs: number): number | undefined {
    const element = this.#elements.get(this.#kind === 'nft' ? horizonOf(this.#horizons, slot) : slot);
    if (element === undefined) return undefined;
    const bootMs = this.#clock.bootMs(trueMs);
    const wallMs = this.#clock.wallMs(trueMs);
    const isInside = wallMs >= element.wallFromMs && wallMs <= element.wallUntilMs;
    const isOpen = {
      bpf: bootMs < element.untilBootMs,
      relative: bootMs < element.timeoutAtBootMs,
      nft: isInside && bootMs < element.timeoutAtBootMs,
    }[this.#kind];
    return isOpen ? this.#epochs.get(slot) : undefined;
  }

  /** To be told of every step of the wall clock. */
  wallStepped(byMs: number): void {
    if (byMs >= 0) return;
    this.#backwardSteps += 1;
    if (this.#kind !== 'nft') return;
    for (const [id, { isLate }] of this.#elements) {
      if (!isLate) continue;
      this.excluded += 1;
      this.#elements.delete(id);
    }
  }

  #put(id: string | HorizonId, untilBootMs: number, write: FenceWrite, trueMs: number): void {
    const timeoutMs = untilBootMs - write.bootMs;
    if (timeoutMs < REMAINDER_MIN_MS) {
      this.#elements.delete(id);
      return;
    }
    const isLate = trueMs - write.computedAtTrueMs > LATE_MS;
    if (this.#kind === 'nft' && isLate && write.wallSteps !== this.#backwardSteps) {
      this.excluded += 1;
      this.#elements.delete(id);
      return;
    }
    const { wallFromMs } = write;
    this.#elements.set(id, {
      untilBootMs,
      wallFromMs,
      wallUntilMs: wallFromMs + timeoutMs,
      timeoutAtBootMs: this.#clock.bootMs(trueMs) + timeoutMs,
      isLate,
    });
  }
}

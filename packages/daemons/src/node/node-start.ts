// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from 'node:timers/promises';
import type { Clocks } from '@vnfpool/platform';

/** How an agent came to be. */
export interface StartKind {
  /** It was to take the place of the agent that runs. */
  readonly asked: boolean;
  /** It goes on for that one. */
  readonly wentOn: boolean;
  /** Why it does not, although one ran; null: it does, or none ran. */
  readonly because: string | null;
}

/** What the ready line of an agent says of its start. */
export interface StartFacts {
  /** Absent: it was not asked to take an agent's place. */
  readonly takeOver?: 'went on' | 'restarted instead' | 'none ran';
  /** Why it is a restart. */
  readonly because?: string;
  /** For how long the node votes for nobody, and until when by the wall clock, ISO 8601; absent: it votes. */
  readonly muteMs?: number;
  readonly muteUntil?: string;
}

/** The start of an agent, and the muteness that comes with it. */
export class NodeStart {
  readonly #kind: StartKind;
  readonly #clocks: Clocks;
  readonly #muteUntilMs: number;

  /** @param muteMs from now on */
  constructor(kind: StartKind, muteMs: number, clocks: Clocks) {
    this.#kind = kind;
    this.#clocks = clocks;
    this.#muteUntilMs = clocks.boottimeMs() + muteMs;
  }

  /** For how long from now on the node votes for nobody; whole, 0: it votes. */
  get muteMs(): number {
    return Math.max(0, Math.ceil(this.#muteUntilMs - this.#clocks.boottimeMs()));
  }

  /** Resolves when the node votes. */
  async votes(): Promise<void> {
    for (let leftMs = this.muteMs; leftMs > 0; leftMs = this.muteMs) await pause(leftMs);
  }

  facts(): StartFacts {
    const { asked, wentOn, because } = this.#kind;
    const { muteMs } = this;
    const takeOver = wentOn ? 'went on' : because === null ? 'none ran' : 'restarted instead';
    return {
      ...(asked && { takeOver }),
      ...(because !== null && { because }),
      ...(muteMs > 0 && { muteMs, muteUntil: new Date(this.#clocks.wallMs() + muteMs).toISOString() }),
    };
  }
}

// SPDX-License-Identifier: Apache-2.0

export interface SentMark {
  readonly sequence: number;
  readonly clockUs: number;
  /** Weight of all updates of the connection that were sent before it. */
  readonly sent: number;
}

/** Marks of one connection that may be acknowledged: the last that was, and those behind it. */
export class SentMarks {
  /** By their clocks, which ascend. */
  readonly #marks: SentMark[] = [];
  #isFirstAcknowledged = false;

  /** Those that wait for it. */
  get underWay(): number {
    return this.#marks.length - (this.#isFirstAcknowledged ? 1 : 0);
  }

  /** When the one was sent that waits longest, by the holder's clock; undefined: none waits. */
  get awaitedSinceMs(): number | undefined {
    const first = this.#marks[this.#isFirstAcknowledged ? 1 : 0];
    return first && first.clockUs / 1000;
  }

  add(mark: SentMark): void {
    this.#marks.push(mark);
  }

  /** It and all before it count no more; undefined: there is none of this clock. */
  acknowledge(clockUs: number): SentMark | undefined {
    const index = this.#marks.findIndex((mark) => mark.clockUs >= clockUs);
    const found = this.#marks[index];
    if (found?.clockUs !== clockUs) return undefined;
    if (index > 0) this.#marks.splice(0, index);
    this.#isFirstAcknowledged = true;
    return found;
  }

  forgetAll(): void {
    this.#marks.length = 0;
    this.#isFirstAcknowledged = false;
  }
}

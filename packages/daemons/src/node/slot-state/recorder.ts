// SPDX-License-Identifier: Apache-2.0
import type { KeyUpdate } from '@vnfpool/core/replication';
import type { Clock } from '@vnfpool/runtime/driver';
import {
  RECORDED_UPDATES_MAX,
  type RecordedUpdate,
  type RecordingEnd,
  type RecordingPart,
  recordedLine,
} from '@vnfpool/wire/mobility';

/** Updates that nobody has taken yet; a recording that has more ends. */
const PENDING_MAX = 65_536;

/**
 * What a function shares, for as long as it is recorded: when, which key, how large. Keys become numbers and values their sizes, so that
 * nothing of the state itself is in it.
 */
export class Recorder {
  readonly #clock: Clock;
  readonly #octetsMax: number;
  readonly #pendingMax: number;
  readonly #beganMs: number;
  /** Of keys that are there: a key that comes again after its removal is another one. */
  readonly #numbers = new Map<string, number>();
  #lastNumber = 0;
  /** Those that are taken are before these. */
  #taken = 0;
  #pending: RecordedUpdate[] = [];
  #octets = 0;
  #end: '' | RecordingEnd = '';
  #endedMs = 0;
  readonly #cancel: () => void;

  constructor(
    { forMs, octetsMax }: { readonly forMs: number; readonly octetsMax: number },
    clock: Clock,
    pendingMax: number = PENDING_MAX,
  ) {
    this.#clock = clock;
    this.#octetsMax = octetsMax;
    this.#pendingMax = pendingMax;
    this.#beganMs = clock.nowMs();
    this.#cancel = clock.at(this.#beganMs + forMs, () => this.end('time'));
  }

  get isOver(): boolean {
    return this.#end !== '';
  }

  take(updates: readonly KeyUpdate[]): void {
    // A tenth of a millisecond is finer than anybody can play it.
    const at = Math.round(this.#elapsedMs() * 10) / 10;
    for (const { key, value } of updates) {
      if (this.#end !== '') return;
      const update: RecordedUpdate = [at, this.#numberOf(key, value === null), value?.length ?? -1];
      const more = recordedLine(update).length;
      if (this.#octets + more > this.#octetsMax) this.end('octets');
      else if (this.#pending.length >= this.#pendingMax) this.end('behind');
      else {
        this.#octets += more;
        this.#pending.push(update);
      }
    }
  }

  /** What follows the first `from` updates, which are forgotten. */
  part(from: number): RecordingPart {
    const done = Math.min(Math.max(0, from - this.#taken), this.#pending.length);
    this.#taken += done;
    this.#pending = done === 0 ? this.#pending : this.#pending.slice(done);
    const updates = this.#pending.slice(0, RECORDED_UPDATES_MAX);
    const isAll = updates.length === this.#pending.length;
    return { updates, elapsedMs: this.#elapsedMs(), end: isAll ? this.#end : '' };
  }

  /** Nothing follows; what is there can still be taken. */
  end(why: RecordingEnd): void {
    if (this.#end !== '') return;
    this.#endedMs = this.#elapsedMs();
    this.#end = why;
    this.#cancel();
    this.#numbers.clear();
  }

  #numberOf(key: string, isRemoved: boolean): number {
    const known = this.#numbers.get(key);
    const number = known ?? this.#lastNumber + 1;
    this.#lastNumber = Math.max(this.#lastNumber, number);
    if (isRemoved) this.#numbers.delete(key);
    else if (known === undefined) this.#numbers.set(key, number);
    return number;
  }

  #elapsedMs(): number {
    return this.#end === '' ? this.#clock.nowMs() - this.#beganMs : this.#endedMs;
  }
}

// SPDX-License-Identifier: Apache-2.0
/** Calls back once when a process ends; returns how to stop. Undefined: there is no such process any more. */
export type WatchProcess = (pid: number, ended: () => void) => (() => void) | undefined;

/**
 * Processes of the slots' candidates, as the lease worker sees them end: the main thread has more to do, and a lower
 * priority, so that it comes milliseconds later.
 */
export class CandidateWatch {
  readonly #watch: WatchProcess;
  readonly #ended: (slot: string, functionId: number) => void;
  readonly #watched = new Map<string, { readonly pid: number; readonly stop: (() => void) | undefined }>();

  constructor(watch: WatchProcess, ended: (slot: string, functionId: number) => void) {
    this.#watch = watch;
    this.#ended = ended;
  }

  /** What the main thread says of the candidate of a slot. */
  follow(slot: string, functionId: number, pid: number | null): void {
    if (this.#watched.get(slot)?.pid === pid) return;
    this.forget(slot);
    if (pid === null) return;
    const stop = this.#watch(pid, () => {
      this.#watched.set(slot, { pid, stop: undefined });
      this.#ended(slot, functionId);
    });
    this.#watched.set(slot, { pid, stop });
  }

  forget(slot: string): void {
    this.#watched.get(slot)?.stop?.();
    this.#watched.delete(slot);
  }

  close(): void {
    for (const slot of this.#watched.keys()) this.forget(slot);
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { StateKind } from '@vnfpool/wire/function-socket';
import type { Role } from '@vnfpool/wire/mobility';
import type { FunctionState } from './function-state/index.ts';
import type { StateSource } from './slot-state/state-source.ts';

/** The state of a function that is being started: what is asked of it waits until it is there. */
export class LateFunctionState implements FunctionState {
  readonly environment: Readonly<Record<string, string>> = {};
  readonly #coming: Promise<FunctionState>;
  #state: FunctionState | null = null;

  constructor(coming: Promise<FunctionState>) {
    this.#coming = coming;
    coming.then(
      (state) => {
        this.#state = state;
      },
      // Whoever asks hears of it.
      () => undefined,
    );
  }

  get format(): string | null {
    return this.#state?.format ?? null;
  }

  get changeRate(): number | null {
    return this.#state?.changeRate ?? null;
  }

  get movedSessions(): number | null {
    return this.#state?.movedSessions ?? null;
  }

  get source(): StateSource | null {
    return this.#state?.source ?? null;
  }

  async role(role: Role, epoch: string): Promise<void> {
    await (await this.#coming).role(role, epoch);
  }

  async export(
    kind: StateKind,
    write: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ readonly bytes: number }> {
    return await (await this.#coming).export(kind, write, signal);
  }

  async import(kind: StateKind, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    await (await this.#coming).import(kind, chunks, signal);
  }

  async quiesce(signal: AbortSignal): Promise<void> {
    await (await this.#coming).quiesce(signal);
  }

  async resume(): Promise<void> {
    await (await this.#coming).resume();
  }

  async discard(): Promise<void> {
    await (await this.#coming).discard();
  }

  async close(): Promise<void> {
    await (await this.#coming).close();
  }
}

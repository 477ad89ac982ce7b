// SPDX-License-Identifier: Apache-2.0
import type { FunctionState } from './function-state.ts';

/** Of a function that says nothing of state: there is none, and what it serves it serves anywhere. */
export class NoFunctionState implements FunctionState {
  readonly format: string | null = null;
  readonly changeRate: number | null = 0;
  readonly environment: Readonly<Record<string, string>> = {};

  role(): Promise<void> {
    return Promise.resolve();
  }

  export(): Promise<{ readonly bytes: number }> {
    return Promise.resolve({ bytes: 0 });
  }

  async import(_kind: unknown, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of chunks) {
      if (chunk.length > 0) throw new Error('state for a function that declares none');
    }
  }

  quiesce(): Promise<void> {
    return Promise.resolve();
  }

  resume(): Promise<void> {
    return Promise.resolve();
  }

  discard(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

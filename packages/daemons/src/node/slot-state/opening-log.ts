// SPDX-License-Identifier: Apache-2.0
import type { Logger } from '@vnfpool/runtime/logging';

/** Keys in one line. */
const TOGETHER_MAX = 64;

/** Says of every secret that was opened which one it was, and since which epoch it had been sealed; never what it is. */
export class OpeningLog {
  readonly #logger: Logger;
  readonly #message: string;
  readonly #context: object;
  #keys: string[] = [];
  #epochs = new Set<number>();

  constructor(logger: Logger, message: string, context: object) {
    this.#logger = logger;
    this.#message = message;
    this.#context = context;
  }

  /** @param key as characters U+0000 to U+00FF */
  opened(key: string, sealedEpoch: number): void {
    this.#keys.push(Buffer.from(key, 'latin1').toString('utf8'));
    this.#epochs.add(sealedEpoch);
    if (this.#keys.length >= TOGETHER_MAX) this.flush();
  }

  flush(): void {
    if (this.#keys.length === 0) return;
    const what = { keys: this.#keys, sealedEpochs: [...this.#epochs] };
    this.#logger.info({ ...this.#context, ...what }, this.#message);
    this.#keys = [];
    this.#epochs = new Set();
  }
}

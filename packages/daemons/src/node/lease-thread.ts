// SPDX-License-Identifier: Apache-2.0
import { Worker } from 'node:worker_threads';
import type { FromWorker, ToWorker, WorkerTask } from './worker-messages.ts';

export type LeaseThreadReady = FromWorker & { type: 'ready' };

/** The lease worker as the main thread sees it. */
export class LeaseThread {
  readonly #worker: Worker;
  #ended: Promise<void> = Promise.resolve();
  #stopping = false;
  readonly ready: Promise<LeaseThreadReady>;

  /** `onEnd` is called when the thread ends without having been stopped: the agent cannot go on without it. */
  constructor(task: WorkerTask, onMessage: (message: FromWorker) => void, onEnd: (reason: string) => void) {
    this.#worker = new Worker(new URL('./lease-worker.js', import.meta.url), {
      workerData: task,
      // Small and short-lived objects only: a small young generation keeps its collections short.
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
    });
    this.ready = new Promise((resolve, reject) => {
      this.#worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') resolve(message);
        onMessage(message);
      });
      this.#worker.once('error', (error) => {
        reject(error);
        onEnd(error.message);
      });
      this.#ended = new Promise((resolve) => {
        this.#worker.once('exit', () => {
          reject(new Error('the lease worker ended'));
          if (!this.#stopping) onEnd('it ended by itself');
          resolve();
        });
      });
    });
    this.ready.catch(() => {});
  }

  post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.post({ type: 'stop' });
    await this.#ended;
  }
}

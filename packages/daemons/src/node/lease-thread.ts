// SPDX-License-Identifier: Apache-2.0
import { Worker } from 'node:worker_threads';
import type { ProcessIdentity } from '@vnfpool/platform/processes';
import type { FromWorker, GoesOn, ToWorker, WorkerNews, WorkerTask } from './worker-messages.ts';

export type LeaseThreadReady = FromWorker & { type: 'ready' };

/** The lease worker as the main thread sees it. */
export class LeaseThread {
  readonly #worker: Worker;
  #ended: Promise<void> = Promise.resolve();
  #stopping = false;
  /** It can begin at once. */
  readonly loaded: Promise<void>;
  /** It has begun. */
  readonly ready: Promise<LeaseThreadReady>;
  #notHandedOn: (() => void) | undefined;

  /** `onEnd` is called when the thread ends without having been stopped: the agent cannot go on without it. */
  constructor(task: WorkerTask, onNews: (news: WorkerNews) => void, onEnd: (reason: string) => void) {
    this.#worker = new Worker(new URL('./lease-worker.js', import.meta.url), {
      workerData: task,
      // Small and short-lived objects only: a small young generation keeps its collections short.
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
    });
    this.loaded = new Promise((resolve, reject) => {
      this.#worker.once('message', () => resolve());
      this.#worker.once('error', reject);
    });
    this.ready = new Promise((resolve, reject) => {
      this.#worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') resolve(message);
        else if (message.type === 'not-handed-on') this.#notHandedOn?.();
        else if (message.type !== 'loaded') onNews(message);
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
    this.loaded.catch(() => {});
  }

  /** To be called under the node's lock. */
  async begin(goesOn: GoesOn | null): Promise<LeaseThreadReady> {
    this.post({ type: 'begin', goesOn });
    return await this.ready;
  }

  /**
   * Leaves the leases to the process `to`, if nothing is under way. The thread has ended then, and with it all that can act
   * for a lease.
   */
  async handOn(from: ProcessIdentity, to: ProcessIdentity): Promise<boolean> {
    const refused = new Promise<false>((resolve) => {
      this.#notHandedOn = () => resolve(false);
    });
    this.#stopping = true;
    this.post({ type: 'hand-on', from, to });
    const isDone = await Promise.race([refused, this.#ended.then(() => true)]);
    this.#stopping = isDone;
    return isDone;
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

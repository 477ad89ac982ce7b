// SPDX-License-Identifier: Apache-2.0
import { statSync, utimesSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { ManagerTables } from '@vnfpool/core/manager';
import { isPlatformError } from '@vnfpool/platform';
import { type FileLock, lockHolder, takeLock } from '@vnfpool/platform/lock';
import { isAlive, type ProcessIdentity, sendSignal } from '@vnfpool/platform/processes';
import type { Logger } from '@vnfpool/runtime/logging';
import { EmbeddedStore, raiseTerm, type StoreOptions, type SupersededError, TermStore } from '@vnfpool/store';

/** What a second manager on the same folder does. */
export interface Standby {
  /**
   * A leader that has given no sign of life for so long, but still runs or was stopped, is ended (SIGKILL), so that
   * this one can lead. Counted in looks of ours, so that a machine that stands still as a whole accuses nobody. Null: only a
   * leader that has ended by itself is followed.
   */
  readonly endSilentMs: number | null;
}

export interface LeadershipOptions {
  /** The manager's folder. */
  readonly folder: string;
  /** Null: there must be no other one. */
  readonly standby: Standby | null;
  readonly store: StoreOptions;
  readonly logger: Logger;
  /** Another manager leads on the same store: this one must not go on. */
  readonly onSuperseded: (error: SupersededError) => void;
}

/** The right to lead, for the life of this process. */
export interface Leadership {
  /** Above that of every manager before. */
  readonly term: bigint;
  readonly store: TermStore<ManagerTables>;
  /** Looks whether it still is; a peer has said that it is not. */
  confirm(): void;
  /** Closes the store, then lets the next one lead. */
  close(): Promise<void>;
}

/** How often a standby looks, and so how late it may see that the leader has ended. */
const LOOK_MS = 100;
/** How often a leader gives a sign of life. */
const ALIVE_MS = 500;
/** A peer's word is looked into at most so often. */
const CONFIRM_MS = 100;
/** For a leader that has let go to be gone, with its ports. */
const LAST_MOMENTS_MS = 5_000;

/**
 * Becomes the manager of a folder: at once, or as a standby when who leads has ended. One leads at a time: a kernel
 * lock on the folder, which the kernel takes back however its holder ends, and behind it the term in the store, which
 * is raised here and looked at with every write.
 *
 * @throws PlatformError `LOCKED` when another one leads and this is no standby; StoreError
 */
export async function lead(options: LeadershipOptions): Promise<Leadership> {
  const { folder, logger, onSuperseded } = options;
  const path = `${folder}/manager.lock`;
  if (options.standby !== null && process.platform !== 'linux')
    throw new Error('a standby waits for a lock of Linux, which this system does not have');
  const lock = process.platform === 'linux' ? await lockOrWait(path, options) : null;
  const embedded = new EmbeddedStore<ManagerTables>(`${folder}/store`, options.store);
  const term = await raiseTerm(embedded);
  const store = new TermStore(embedded, term, onSuperseded);
  const alive = lock === null ? undefined : setInterval(() => giveSign(path), ALIVE_MS);
  logger.info({ term: String(term) }, 'leading');
  let confirmedMs = Number.NEGATIVE_INFINITY;
  return {
    term,
    store,
    confirm: () => {
      // A peer may say it again and again.
      const nowMs = performance.now();
      if (nowMs - confirmedMs < CONFIRM_MS) return;
      confirmedMs = nowMs;
      store.confirm().catch((error: unknown) => logger.error({ err: error }, 'the term was not confirmed'));
    },
    close: async () => {
      clearInterval(alive);
      await store.close();
      lock?.release();
    },
  };
}

async function lockOrWait(path: string, { standby, logger }: LeadershipOptions): Promise<FileLock> {
  let leader: ProcessIdentity | null = null;
  let signs: Signs | null = null;
  for (;;) {
    try {
      const lock = takeLock(path);
      if (leader !== null) await hasEnded(leader);
      return lock;
    } catch (error) {
      if (standby === null || !isPlatformError(error, 'LOCKED')) throw error;
    }
    const found = lockHolder(path);
    if (found !== null && (leader === null || found.pid !== leader.pid)) {
      leader = found;
      logger.info({ leader: leader.pid, endSilentMs: standby.endSilentMs }, 'standing by');
    }
    signs ??= new Signs(path);
    const silentMs = signs.look();
    if (standby.endSilentMs !== null && silentMs >= standby.endSilentMs) {
      signs = null;
      if (found === null) logger.error('the leader is silent, and which process it is cannot be known');
      else {
        logger.warn({ leader: found.pid, silentMs }, 'the leader is silent: it is ended');
        sendSignal(found.pid, 'SIGKILL');
      }
    }
    await pause(LOOK_MS);
  }
}

/** How long the leader has given no sign, in looks of ours. */
class Signs {
  readonly #path: string;
  #last: number;
  #looks = 0;

  constructor(path: string) {
    this.#path = path;
    this.#last = lastSign(path);
  }

  look(): number {
    const last = lastSign(this.#path);
    this.#looks = last === this.#last ? this.#looks + 1 : 0;
    this.#last = last;
    return this.#looks * LOOK_MS;
  }
}

function lastSign(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function giveSign(path: string): void {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // Somebody took the file away. The term in the store still tells who leads.
  }
}

/** A process lets go of its lock and of its ports one after the other. */
async function hasEnded(leader: ProcessIdentity): Promise<void> {
  for (let waitedMs = 0; isAlive(leader) && waitedMs < LAST_MOMENTS_MS; waitedMs += LOOK_MS / 5)
    await pause(LOOK_MS / 5);
}

// SPDX-License-Identifier: Apache-2.0
import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { isPlatformError } from '@vnfpool/platform';
import { type FileLock, lockHolder } from '@vnfpool/platform/lock';
import { isAlive, type ProcessIdentity, readProcessStat, sendSignal } from '@vnfpool/platform/processes';
import { readOptionalFile, writeSecretFile } from '@vnfpool/runtime/files';
import type { Logger } from '@vnfpool/runtime/logging';
import { consumeMarker, discardMarker, type HandedOn } from './marker.ts';
import { lockNode } from './node-lock.ts';

/** Time for the former agent to hand on, or to give its slots up, and to end. */
const END_MS = 15_000;
const LOOK_MS = 1;

const successorFile = (folder: string): string => `${folder}/successor.json`;

/** What came of taking over. */
export interface TakenOver {
  readonly lock: FileLock | null;
  /** Null: this is a restart. */
  readonly handedOn: HandedOn | null;
  /** Why it is one although an agent ran; null: it is none, or none ran. */
  readonly because: string | null;
  /** The former agent has ended, with everything that it had open; it lets go of its leases and its lock before. */
  readonly formerEnded: () => Promise<void>;
}

/**
 * Takes the place of the agent that runs on the folder, if one does: asks it to hand on to this process, and waits for its lock. Everything
 * that needs no lock is best done before, since from here on leases run out.
 * @throws PlatformError `LOCKED` when it does not end
 */
export async function takeOver(folder: string, logger: Logger): Promise<TakenOver> {
  const self = ownIdentity();
  const former = lockHolder(`${folder}/agent.lock`);
  if (former !== null) {
    writeSecretFile(successorFile(folder), `${JSON.stringify(self)}\n`);
    logger.info({ agent: former.pid }, 'asking the agent to hand on');
    sendSignal(former.pid, 'SIGUSR2');
  }
  const lock = await lockWhenFree(folder);
  rmSync(successorFile(folder), { force: true });
  const told = consumeMarker(folder, former, self);
  const formerEnded = (): Promise<void> => ended(former);
  if (typeof told !== 'string') return { lock, handedOn: told, because: null, formerEnded };
  if (former !== null) logger.warn({ agent: former.pid }, `this is a restart: ${told}`);
  return { lock, handedOn: null, because: former === null ? null : told, formerEnded };
}

/** Begins as after a restart: what another agent may have handed on was not for this one. */
export function startAnew(folder: string): TakenOver {
  const lock = lockNode(folder);
  discardMarker(folder);
  return { lock, handedOn: null, because: null, formerEnded: () => Promise.resolve() };
}

/** Who has asked this agent to hand on to it, and waits; null: nobody. */
export function waitingSuccessor(folder: string): ProcessIdentity | null {
  const text = readOptionalFile(successorFile(folder));
  try {
    const asked = JSON.parse(text ?? 'null') as ProcessIdentity | null;
    return asked !== null && isAlive(asked) && asked.pid !== process.pid ? asked : null;
  } catch {
    return null;
  }
}

/** @throws Error where the system does not say who a process is */
export function ownIdentity(): ProcessIdentity {
  const stat = readProcessStat(process.pid);
  if (stat === undefined) throw new Error('this system does not say when a process began');
  return { pid: stat.pid, startTicks: stat.startTicks };
}

/** The kernel takes a tenth of a second to take an agent down. */
async function ended(former: ProcessIdentity | null): Promise<void> {
  const untilMs = performance.now() + END_MS;
  while (former !== null && isAlive(former) && performance.now() < untilMs) await pause(LOOK_MS);
}

async function lockWhenFree(folder: string): Promise<FileLock | null> {
  const untilMs = performance.now() + END_MS;
  for (;;) {
    try {
      return lockNode(folder);
    } catch (error) {
      if (!isPlatformError(error, 'LOCKED') || performance.now() >= untilMs) throw error;
      await pause(LOOK_MS);
    }
  }
}

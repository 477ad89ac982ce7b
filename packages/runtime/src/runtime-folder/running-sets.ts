// SPDX-License-Identifier: Apache-2.0
import { readdir, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import {
  API_SOCKET,
  here,
  REGISTRAR_SOCKET,
  type RuntimeEnvironment,
  runtimeBase,
} from './runtime-folder.ts';

/** A set, or a registrar, that runs on this machine. */
export interface RunningSet {
  readonly name: string;
  readonly folder: string;
  /** Path of its management API's socket, or of its status socket. */
  readonly socket: string;
}

/** A process that is paused accepts nothing more once its queue is full; it counts as live all the same. */
const CONNECT_MS_MAX = 1_000;

/** Sets that `up` runs here, by name. */
export function runningSets(from: RuntimeEnvironment = here()): Promise<readonly RunningSet[]> {
  return running(API_SOCKET, from);
}

/** Registrars that run here without a set and without a folder of their own choice, by name. */
export function runningRegistrars(from: RuntimeEnvironment = here()): Promise<readonly RunningSet[]> {
  return running(REGISTRAR_SOCKET, from);
}

/**
 * Those whose socket somebody listens on. Folders of other users are passed over, as in `/tmp` anybody may make
 * one: the command line would hand its declarations to a stranger.
 */
async function running(socketName: string, from: RuntimeEnvironment): Promise<readonly RunningSet[]> {
  const base = runtimeBase(from);
  const names: string[] = await readdir(base).catch(() => []);
  const found = await Promise.all(
    names.toSorted().map(async (name): Promise<RunningSet | undefined> => {
      const folder = join(base, name);
      const socket = join(folder, socketName);
      return (await isOwn(socket, from.uid)) && (await listens(socket))
        ? { name, folder, socket }
        : undefined;
    }),
  );
  return found.filter((each) => each !== undefined);
}

async function isOwn(socket: string, uid: number): Promise<boolean> {
  try {
    const info = await stat(socket);
    return info.isSocket() && (info.uid === uid || info.uid === 0);
  } catch {
    return false;
  }
}

function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (live: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(live);
    };
    const timer = setTimeout(() => done(true), CONNECT_MS_MAX);
    socket.once('connect', () => done(true));
    // EAGAIN: its queue is full, so somebody is there.
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code === 'EAGAIN'));
  });
}

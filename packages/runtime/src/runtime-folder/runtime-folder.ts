// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';

/** What decides where runtime folders are; handed in by tests. */
export interface RuntimeEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the user who runs this process. */
  readonly uid: number;
}

/** Name of a registrar's status socket in its folder. */
export const REGISTRAR_SOCKET = 'registrar.sock';

/** Name of the management API's socket in the folder of a set. */
export const API_SOCKET = 'api.sock';

/**
 * Folder with one folder per running set: `$VNFPOOL_RUNTIME_DIR`; as root `/run/vnfpool`; for others
 * `vnfpool-<uid>` in `$XDG_RUNTIME_DIR`, or in `/tmp`.
 */
export function runtimeBase(from: RuntimeEnvironment = here()): string {
  const chosen = from.env['VNFPOOL_RUNTIME_DIR'];
  if (chosen !== undefined && chosen !== '') return chosen;
  if (from.uid === 0) return '/run/vnfpool';
  const user = from.env['XDG_RUNTIME_DIR'];
  return join(user === undefined || user === '' ? '/tmp' : user, `vnfpool-${from.uid}`);
}

/** Whether a set, or a registrar of its own, can be called so: its folder is. */
export function isRuntimeName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name);
}

/**
 * Folder of one set, or of a registrar of its own: sockets, logs and whatever goes when it ends. It is not made here.
 *
 * @throws RangeError for a name that would lead out of the base
 */
export function runtimeFolder(name: string, from: RuntimeEnvironment = here()): string {
  if (!isRuntimeName(name)) throw new RangeError(`${JSON.stringify(name)} is no name of a folder`);
  return join(runtimeBase(from), name);
}

/** This process. */
export function here(): RuntimeEnvironment {
  return { env: process.env, uid: process.getuid?.() ?? 0 };
}

// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Octets of a folder's path that leave room for its sockets, of whose paths systems take 103 (Linux 107). */
const FOLDER_BYTES_MAX = 80;

/** A folder that only we may enter, for sockets. One with a long path is replaced by one for temporary files. */
export class SocketFolder {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  static make(wanted: string): SocketFolder {
    const fits = Buffer.byteLength(wanted) <= FOLDER_BYTES_MAX;
    const base = fits ? wanted : tmpdir();
    if (fits) mkdirSync(wanted, { recursive: true, mode: 0o700 });
    return new SocketFolder(mkdtempSync(join(base, 'f')));
  }

  path(name: string): string {
    return join(this.#path, name);
  }

  remove(): void {
    rmSync(this.#path, { recursive: true, force: true });
  }
}

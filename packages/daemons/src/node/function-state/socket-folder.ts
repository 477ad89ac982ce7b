// SPDX-License-Identifier: Apache-2.0
import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FunctionContext } from './function-context.ts';

/** Octets of a folder's path that leave room for its sockets, of whose paths systems take 103 (Linux 107). */
const FOLDER_BYTES_MAX = 80;

/** A folder that only we may enter, for sockets. One with a long path is replaced by one for temporary files. */
export class SocketFolder {
  /** As we see it. */
  readonly root: string;
  readonly #context: FunctionContext | null;
  #named = 0;

  private constructor(root: string, context: FunctionContext | null) {
    this.root = root;
    this.#context = context;
    this.#give(root);
  }

  /**
   * @param context of who connects; null: the same as ours
   * @param former the folder that the function knows already; null: a new one
   */
  static make(
    wanted: string,
    context: FunctionContext | null = null,
    former: string | null = null,
  ): SocketFolder {
    if (former !== null) {
      mkdirSync(former, { recursive: true, mode: 0o700 });
      return new SocketFolder(former, context);
    }
    const fits = Buffer.byteLength(wanted) <= FOLDER_BYTES_MAX;
    const base = fits ? wanted : tmpdir();
    if (fits) mkdirSync(wanted, { recursive: true, mode: 0o700 });
    return new SocketFolder(mkdtempSync(join(base, 'f')), context);
  }

  /** A name that no other of its sockets has. */
  fresh(): string {
    this.#named += 1;
    return String(this.#named);
  }

  path(name: string): string {
    return join(this.root, name);
  }

  /** Lets the function use a socket that we made there. @returns the path at which the function finds it */
  share(name: string): string {
    this.#give(this.path(name));
    return join(this.#context?.seenAt ?? this.root, name);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #give(path: string): void {
    const { owner = null } = this.#context ?? {};
    if (owner !== null) chownSync(path, owner.uid, owner.gid);
  }
}

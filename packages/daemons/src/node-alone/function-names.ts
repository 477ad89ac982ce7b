// SPDX-License-Identifier: Apache-2.0
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import type { FunctionId } from '@vnfpool/core';
import { readOptionalFile } from '@vnfpool/runtime/files';

/** What managers call the functions of a node, also after a restart of its agent. */
export class FunctionNames {
  readonly #path: string;
  readonly #names: Map<number, string>;

  /** @param isKept whether the functions are those of a former agent; else their names are forgotten */
  constructor(path: string, isKept: boolean) {
    this.#path = path;
    this.#names = isKept ? read(path) : new Map();
    if (!isKept) rmSync(path, { force: true });
  }

  get(functionId: FunctionId): string | undefined {
    return this.#names.get(functionId);
  }

  set(functionId: FunctionId, name: string): void {
    if (this.#names.get(functionId) === name) return;
    this.#names.set(functionId, name);
    this.#write();
  }

  delete(functionId: FunctionId): void {
    if (this.#names.delete(functionId)) this.#write();
  }

  /** Where there is no room, a later agent does without them. */
  #write(): void {
    try {
      writeFileSync(`${this.#path}.new`, `${JSON.stringify([...this.#names])}\n`, { mode: 0o600 });
      renameSync(`${this.#path}.new`, this.#path);
    } catch {
      rmSync(`${this.#path}.new`, { force: true });
    }
  }
}

/** Names are no more than names: what cannot be read is not there. */
function read(path: string): Map<number, string> {
  try {
    const entries = JSON.parse(readOptionalFile(path) ?? '[]') as [number, string][];
    return new Map(entries.filter(([id, name]) => Number.isInteger(id) && typeof name === 'string'));
  } catch {
    return new Map();
  }
}

// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { DestinationRecord, SourceRecord } from '@vnfpool/core/state-transfer';
import { readOptionalFile, writeSecretFile } from '@vnfpool/runtime/files';

/** Where a node takes state. */
export interface StateAddress {
  readonly address: string;
  readonly port: number;
}

export type TransferRecord =
  | ({ readonly end: 'source'; readonly to: StateAddress } & SourceRecord)
  | ({ readonly end: 'destination' } & DestinationRecord);

/** A name for a transfer that does not tell its token. */
export function transferName(token: Uint8Array): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 32);
}

/** Transfers whose outcome a restarted agent has to know: one file each. */
export class TransferRecords {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** The port of the state channel before; null: not known. */
  formerPort(): number | null {
    const text = readOptionalFile(`${this.#folder}/port`);
    const port = Number(text);
    return text !== null && Number.isInteger(port) && port > 0 && port < 65_536 ? port : null;
  }

  keepPort(port: number): void {
    writeSecretFile(`${this.#folder}/port`, `${port}\n`);
  }

  /** Null: nothing is to be known of it any more. */
  keep(token: Uint8Array, record: TransferRecord | null): void {
    if (record === null) this.remove(token);
    else this.write(record);
  }

  /** On disk when this returns. */
  write(record: TransferRecord): void {
    const { token, ...rest } = record;
    const text = JSON.stringify({ ...rest, token: Buffer.from(token).toString('hex') });
    writeSecretFile(this.#path(token), `${text}\n`);
  }

  remove(token: Uint8Array): void {
    rmSync(this.#path(token), { force: true });
  }

  find(token: Uint8Array): TransferRecord | null {
    return this.all().find((record) => Buffer.compare(record.token, token) === 0) ?? null;
  }

  /** What transfers were under way when an agent ended. @throws Error that names a file that is no record */
  all(): TransferRecord[] {
    return readdirSync(this.#folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => {
        const path = `${this.#folder}/${name}`;
        try {
          const parsed = JSON.parse(readFileSync(path, 'utf8')) as { token: string };
          return { ...parsed, token: new Uint8Array(Buffer.from(parsed.token, 'hex')) } as TransferRecord;
        } catch (error) {
          throw new Error(`${path} is no record of a transfer: ${(error as Error).message}`);
        }
      });
  }

  #path(token: Uint8Array): string {
    return `${this.#folder}/${transferName(token)}.json`;
  }
}

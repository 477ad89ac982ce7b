// SPDX-License-Identifier: Apache-2.0
import type { JsonValue, StateKind } from '@vnfpool/client/stateful';
import { encodeUtf8 } from '@vnfpool/wire/bytes';

/** A record that may have to go: its key, what tells one version of it from another, and itself. */
export type VersionedRecord = readonly [key: string, version: number | string, value: () => JsonValue];

const CHUNK_CHARACTERS = 65_536;

/** Records in lines of `kv/1`: all of them, or what has changed since the last time. */
export class RecordExport {
  #given = new Map<string, number | string>();

  *export(kind: StateKind, records: Iterable<VersionedRecord>): Generator<Uint8Array, void> {
    let text = '';
    if (kind === 'snapshot') {
      this.#given = new Map();
      text = '["clear"]\n';
    }
    // Those of now: while it is written others may come, which are in the next one.
    const now = [...records];
    const keys = new Set<string>();
    for (const [key, version, value] of now) {
      keys.add(key);
      if (this.#given.get(key) === version) continue;
      this.#given.set(key, version);
      text += `${JSON.stringify(['set', key, value()])}\n`;
      if (text.length < CHUNK_CHARACTERS) continue;
      yield encodeUtf8(text);
      text = '';
    }
    for (const key of this.#given.keys()) {
      if (keys.has(key)) continue;
      this.#given.delete(key);
      text += `${JSON.stringify(['delete', key])}\n`;
    }
    if (text !== '') yield encodeUtf8(text);
  }
}

// SPDX-License-Identifier: Apache-2.0
import {
  AckCode,
  CONFIGURATION_PART_BYTES_MAX,
  CONFIGURATION_WHOLE_BYTES_MAX,
  type DocumentPart,
} from '@vnfpool/wire/mobility';
import type { Refusal } from './answer.ts';

/** Pieces of a set configuration for messages of their own, the last one included; none: one message has all of it. */
export function configurationParts(octets: Uint8Array): readonly DocumentPart[] {
  if (octets.length <= CONFIGURATION_WHOLE_BYTES_MAX) return [];
  const of = Math.ceil(octets.length / CONFIGURATION_PART_BYTES_MAX);
  return Array.from({ length: of }, (_, index) => {
    const from = index * CONFIGURATION_PART_BYTES_MAX;
    return { part: index + 1, of, octets: octets.subarray(from, from + CONFIGURATION_PART_BYTES_MAX) };
  });
}

/** What a node has of a configuration whose parts come one after the other. */
export class ConfigurationParts {
  #taken: Uint8Array[] = [];
  #of = 0;

  /** All of it with the last part; null: more parts follow; or why this one is refused, behind which all have to come anew. */
  take({ part, of, octets }: DocumentPart): Uint8Array | Refusal | null {
    if (part === 1) this.#begin(of);
    const expected = this.#taken.length + 1;
    if (part !== expected || of !== this.#of) {
      this.forget();
      return {
        code: AckCode.failed,
        text: `part ${part} of ${of} of a set configuration has nothing before it`,
      };
    }
    // What it came in is somebody else's.
    this.#taken.push(Uint8Array.from(octets));
    if (part < of) return null;
    const all = new Uint8Array(this.#taken.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of this.#taken) {
      all.set(piece, at);
      at += piece.length;
    }
    this.forget();
    return all;
  }

  forget(): void {
    this.#begin(0);
  }

  #begin(of: number): void {
    this.#taken = [];
    this.#of = of;
  }
}

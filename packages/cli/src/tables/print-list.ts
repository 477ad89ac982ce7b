// SPDX-License-Identifier: Apache-2.0
import { Option } from 'commander';
import { stringify } from 'yaml';
import type { CliIo } from '../io.ts';
import { painter } from '../output/paint.ts';
import { type Column, renderTable } from '../output/table.ts';

export type Format = 'table' | 'wide' | 'json' | 'yaml';

/** `-o`: for lists a table by default. */
export function formatOption(formats: readonly Format[] = ['table', 'wide', 'json', 'yaml']): Option {
  return new Option('-o, --output <format>', 'how to print').choices(formats).default(formats[0]);
}

/** Prints a list; as JSON or YAML it is `{ items: [...] }`, as the API gives it. */
export function printList<T>(
  io: CliIo,
  format: Format,
  columns: readonly Column<T>[],
  items: readonly T[],
  what: string,
): void {
  if (format === 'json' || format === 'yaml') printValue(io, format, { items });
  else if (items.length === 0) io.out(`no ${what}\n`);
  else
    io.out(
      renderTable(columns, items, { now: io.now(), paint: painter(io.colour), wide: format === 'wide' }),
    );
}

export function printValue(io: CliIo, format: 'json' | 'yaml', value: unknown): void {
  io.out(format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value));
}

// SPDX-License-Identifier: Apache-2.0
import type { Paint, Tone } from './paint.ts';
import { plain } from './plain.ts';

export interface Column<T> {
  readonly title: string;
  /** `now`: milliseconds since 1970, for ages. */
  readonly cell: (item: T, now: number) => string;
  readonly tone?: (item: T) => Tone | undefined;
  readonly align?: 'right';
  /** Only shown by `-o wide`. */
  readonly wide?: boolean;
  /** Only shown where a row has something to say in it. */
  readonly optional?: boolean;
}

/** Columns as wide as their longest cell, two blanks between them, nothing behind the last. Empty cells show as `-`. */
export function renderTable<T>(
  columns: readonly Column<T>[],
  items: readonly T[],
  options: { readonly now: number; readonly paint: Paint; readonly wide?: boolean },
): string {
  const shown = columns.filter(
    (column) =>
      (options.wide === true || column.wide !== true) &&
      (column.optional !== true || items.some((item) => column.cell(item, options.now) !== '')),
  );
  const cells = items.map((item) =>
    shown.map((column) => {
      const text = plain(column.cell(item, options.now), 'one line');
      return text === '' ? '-' : text;
    }),
  );
  const widths = shown.map((column, at) =>
    Math.max(column.title.length, ...cells.map((row) => row[at]?.length ?? 0)),
  );
  const line = (row: readonly string[], toneOf: (at: number) => Tone | undefined): string =>
    row
      .map((text, at) => {
        const blanks = ' '.repeat((widths[at] ?? 0) - text.length);
        const painted = options.paint(toneOf(at), text);
        if (shown[at]?.align === 'right') return blanks + painted;
        return at === row.length - 1 ? painted : painted + blanks;
      })
      .join('  ');
  const head = line(
    shown.map((column) => column.title),
    () => 'faint',
  );
  const body = items.map((item, row) => line(cells[row] ?? [], (at) => shown[at]?.tone?.(item)));
  return `${[head, ...body].join('\n')}\n`;
}

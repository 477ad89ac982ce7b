// SPDX-License-Identifier: Apache-2.0
import type { Evaluation, MechanismResult } from '@vnfpool/daemons/evaluate';
import { showMs } from './report.ts';

interface Panel {
  readonly title: string;
  readonly unit: string;
  /** Null: there is nothing to draw. */
  readonly of: (result: MechanismResult) => readonly [typical: number, high: number] | null;
  readonly show: (value: number) => string;
}

const PANELS: readonly Panel[] = [
  {
    title: 'time of an answer',
    unit: 'ms, median and 99th percentile',
    of: ({ answerMs }) => [answerMs.p50, answerMs.p99],
    show: showMs,
  },
  {
    title: 'lag',
    unit: 'ms, median and 99th percentile',
    of: ({ lagMs }) => (lagMs === null ? null : [lagMs.p50, lagMs.p99]),
    show: showMs,
  },
  {
    title: 'recovery',
    unit: 'ms, median and most',
    of: ({ recoveryMs }) => [recoveryMs.p50, recoveryMs.most],
    show: showMs,
  },
  {
    title: 'traffic',
    unit: 'octets for an update, wire and with disk',
    of: ({ octetsPerUpdate: { wire, file } }) => [wire, wire + file],
    show: (value) => String(Math.round(value)),
  },
  {
    title: 'processors',
    unit: 'µs for an update, holder and with standbys',
    of: ({ cpuUsPerUpdate: { holder, standbys } }) => [holder, holder + standbys],
    show: (value) => String(Math.round(value)),
  },
  {
    title: 'lost at a kill',
    unit: 'updates that had been answered, median and most',
    of: ({ lost }) => [lost.letOut.p50, lost.letOut.most],
    show: (value) => String(Math.round(value)),
  },
];

const NAMES = 150;
const BARS = 300;
const NUMBERS = 120;
const WIDTH = NAMES + BARS + NUMBERS;
const ROW = 18;
const HEAD = 40;

/** The results as SVG: a panel for each figure, a bar for each mechanism, the paler part up to the higher of two numbers. */
export function pictureOf({ results, workload, machine }: Evaluation): string {
  const panelHeight = HEAD + results.length * ROW;
  const height = 30 + PANELS.length * panelHeight + 10;
  const parts = PANELS.flatMap((panel, at) => panelParts(panel, results, 30 + at * panelHeight));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(10, 20, `${workload}; ${machine.cores} cores, Node ${machine.node}`, 'fill="#555" font-size="11"'),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function panelParts(
  { title, unit, of, show }: Panel,
  results: readonly MechanismResult[],
  top: number,
): string[] {
  const most = Math.max(1e-9, ...results.map((result) => of(result)?.[1] ?? 0));
  return [
    text(10, top + 24, title, 'font-weight="bold"'),
    text(NAMES, top + 24, unit, 'fill="#555"'),
    ...results.flatMap((result, row) => {
      const y = top + HEAD + row * ROW - 6;
      const values = of(result);
      const name = text(10, y + 11, result.name, '');
      if (values === null) return [name, text(NAMES, y + 11, 'nothing is ever safe', 'fill="#777"')];
      const [typical, high] = values.map((value) => Math.max(1, (value / most) * BARS)) as [number, number];
      return [
        name,
        bar(y, high, '#b9d3ee'),
        bar(y, typical, '#2a6db0'),
        text(NAMES + BARS + 8, y + 11, `${show(values[0])} / ${show(values[1])}`, ''),
      ];
    }),
  ];
}

function bar(y: number, width: number, colour: string): string {
  return `<rect x="${NAMES}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 5}" fill="${colour}"/>`;
}

function text(x: number, y: number, words: string, rest: string): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}" ${rest}>${escaped}</text>`;
}

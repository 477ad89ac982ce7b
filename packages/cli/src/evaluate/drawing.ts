// SPDX-License-Identifier: Apache-2.0
import type { MechanismResult } from '@vnfpool/daemons/evaluate';
import type { Paint } from '../output/paint.ts';
import { showMs } from './report.ts';

/** Places of a drawn line. */
const WIDTH = 40;
/** What is less is drawn as this: 0 has no place on a logarithmic line. */
const LEAST_MS = 0.01;

interface Row {
  readonly name: string;
  /** Null: there is nothing to draw. */
  readonly range: readonly [low: number, high: number] | null;
}

/**
 * Draws times on logarithmic lines, from the median to the 99th percentile, and processor time on a plain one.
 *
 *     lag                   0.01 ms                            1000 ms
 *       replicate bounded   ·········●────────●                0.20 to 3.18
 */
export function drawEvaluation(results: readonly MechanismResult[], paint: Paint): string {
  const nameWidth = Math.max(...results.map(({ name }) => name.length));
  const times = (
    title: string,
    ends: string,
    read: (result: MechanismResult) => readonly [number, number] | null,
  ): string[] => {
    const rows = results.map((result): Row => ({ name: result.name, range: read(result) }));
    const most = Math.max(LEAST_MS * 10, ...rows.map(({ range }) => range?.[1] ?? 0));
    const placeOf = (ms: number): number =>
      Math.round((Math.log(Math.max(ms, LEAST_MS) / LEAST_MS) / Math.log(most / LEAST_MS)) * (WIDTH - 1));
    return [
      `${paint('strong', title)}  ${paint('faint', ends)}`,
      ...rows.map(({ name, range }) => {
        if (range === null) return `  ${name.padEnd(nameWidth)}  ${paint('faint', 'nothing is ever safe')}`;
        const [low, high] = [placeOf(range[0]), placeOf(range[1])];
        const line = high > low ? `●${'─'.repeat(high - low - 1)}●` : '●';
        const blank = ' '.repeat(WIDTH - 1 - high);
        return `  ${name.padEnd(nameWidth)}  ${paint('faint', '·'.repeat(low))}${line}${blank}  ${showMs(range[0])} to ${showMs(range[1])} ms`;
      }),
    ];
  };
  const usOf = ({ cpuUsPerUpdate }: MechanismResult): number =>
    cpuUsPerUpdate.holder + cpuUsPerUpdate.standbys;
  const mostUs = Math.max(1, ...results.map(usOf));
  const processors = results.map((result) => {
    const holder = Math.round((result.cpuUsPerUpdate.holder / mostUs) * WIDTH);
    const standbys = Math.round((usOf(result) / mostUs) * WIDTH) - holder;
    const bar = `${'█'.repeat(holder)}${'░'.repeat(Math.max(0, standbys))}`;
    return `  ${result.name.padEnd(nameWidth)}  ${bar.padEnd(WIDTH)}  ${Math.round(usOf(result))} µs`;
  });
  const lines = [
    ...times('time of an answer', 'median to 99th percentile, logarithmic', ({ answerMs }) => [
      answerMs.p50,
      answerMs.p99,
    ]),
    ...times('lag', 'median to 99th percentile, logarithmic', ({ lagMs }) =>
      lagMs === null ? null : [lagMs.p50, lagMs.p99],
    ),
    ...times('recovery', 'median to most, logarithmic', ({ recoveryMs }) => [
      recoveryMs.p50,
      recoveryMs.most,
    ]),
    `${paint('strong', 'processors')}  ${paint('faint', 'for an update: █ holder, ░ standbys')}`,
    ...processors,
  ];
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

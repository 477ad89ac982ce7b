// SPDX-License-Identifier: Apache-2.0
import type { Evaluation, MechanismResult, Recommendation } from '@vnfpool/daemons/evaluate';
import { showBytes } from '../output/amount.ts';
import type { Paint } from '../output/paint.ts';
import { type Column, renderTable } from '../output/table.ts';

/** Milliseconds to a hundredth where they are few. */
export function showMs(ms: number): string {
  return ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : String(Math.round(ms));
}

function pair(p50: number, p99: number, show: (value: number) => string): string {
  return `${show(p50)} / ${show(p99)}`;
}

const signed = (ms: number): string => (ms < 0 ? `-${showMs(-ms)}` : `+${showMs(ms)}`);
const whole = (value: number): string => String(Math.round(value));

const columns: readonly Column<MechanismResult>[] = [
  { title: 'MECHANISM', cell: ({ name }) => name },
  {
    title: 'ANSWER ms',
    cell: ({ answerMs }) => pair(answerMs.p50, answerMs.p99, showMs),
    align: 'right',
  },
  {
    title: 'ADDED ms',
    cell: ({ addedMs, method }) =>
      addedMs === null || method === 'none' ? '' : pair(addedMs.p50, addedMs.p99, signed),
    align: 'right',
  },
  {
    title: 'LAG ms',
    cell: ({ lagMs }) => (lagMs === null ? '' : pair(lagMs.p50, lagMs.p99, showMs)),
    align: 'right',
  },
  {
    title: 'LAG updates',
    cell: ({ lagMs, lagUpdates }) =>
      lagMs === null || lagUpdates === null ? '' : pair(lagUpdates.p50, lagUpdates.p99, whole),
    align: 'right',
  },
  { title: 'WIRE', cell: ({ octetsPerUpdate }) => showBytes(octetsPerUpdate.wire), align: 'right' },
  { title: 'DISK', cell: ({ octetsPerUpdate }) => showBytes(octetsPerUpdate.file), align: 'right' },
  {
    title: 'CPU µs',
    cell: ({ cpuUsPerUpdate }) => `${whole(cpuUsPerUpdate.holder)} + ${whole(cpuUsPerUpdate.standbys)}`,
    align: 'right',
  },
  {
    title: 'LOST',
    cell: ({ lost }) => pair(lost.letOut.p50, lost.letOut.most, whole),
    tone: ({ lost, loses }) =>
      lost.letOut.most === 0 ? 'good' : loses === 'nothing' || loses === 'everything' ? 'bad' : 'warning',
    align: 'right',
  },
  {
    title: 'UNANSWERED',
    cell: ({ lost }) => pair(lost.unanswered.p50, lost.unanswered.most, whole),
    align: 'right',
  },
  {
    title: 'RECOVERY ms',
    cell: ({ recoveryMs }) => pair(recoveryMs.p50, recoveryMs.most, showMs),
    align: 'right',
  },
];

/** What was measured, as a table with its legend. */
export function renderEvaluation(evaluation: Evaluation, paint: Paint): string {
  const { machine, results, runs, measureMs, delayMs, unfit } = evaluation;
  const kills = `${runs} ${runs === 1 ? 'run' : 'runs'} of ${measureMs / 1_000} s, each with a kill`;
  const delay = delayMs === 0 ? 'over loopback' : `${delayMs} ms one way between holder and standbys`;
  const clients = results.filter(({ recoveryMs, wholeMs }) => wholeMs.p50 > 2 * recoveryMs.p50);
  const lines = [
    `${machine.cores} cores (${machine.model}; load before ${machine.load.toFixed(1)}), Linux ${machine.kernel}, Node ${machine.node}; ${kills}; ${delay}`,
    '',
    renderTable(columns, results, { now: 0, paint }).trimEnd(),
    '',
    'per update: octets on the wire (all processes) and to disk, processor time of holder + standbys. Answers (to changes) and lags: median / 99th percentile; ADDED: above `none`, less than 0 within the noise.',
    'LOST: updates that had been answered and that the next holder lacks; UNANSWERED: those that had not; median / most of all kills.',
    'RECOVERY: from the kill to the first answer of the next holder, without the time to notice; median / most.',
    ...clients.map(
      ({ name, wholeMs }) =>
        `${name}: the last client had brought its state ${showMs(wholeMs.p50)} ms after the kill`,
    ),
    ...results.flatMap(({ name, readMs, refused, events }) => [
      ...(readMs === null ? [] : [`${name}: reads took ${pair(readMs.p50, readMs.p99, showMs)} ms`]),
      ...(refused > 0 ? [`${name}: ${refused} updates were refused`] : []),
      ...Object.entries(events).map(([what, times]) =>
        times === 1 ? `${name}: ${what}` : `${name}: ${what}, ${times} times`,
      ),
    ]),
    ...unfit.map(({ name, reason }) => `${name} was not measured: ${reason}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** What is recommended; `isFull`: and what speaks against each of the others. */
export function renderRecommendation(
  { objective, asks, recommended, why, but, sharing, others }: Recommendation,
  paint: Paint,
  isFull: boolean,
): string {
  const title = paint('strong', `${objective}: ${recommended ?? 'none of them'}`);
  const lines = [
    `${title}  ${paint('faint', asks)}`,
    ...why.map((reason) => `  because ${reason}`),
    ...(but === null ? [] : [`  but ${but}`]),
    ...(isFull ? others.map(({ name, why: reason }) => `  not ${name}: ${reason}`) : []),
    ...(sharing === null ? [] : ['  sharing:', ...sharing.split('\n').map((line) => `    ${line}`)]),
  ];
  return `${lines.join('\n')}\n`;
}

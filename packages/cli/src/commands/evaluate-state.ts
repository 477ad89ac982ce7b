// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import type { Evaluation, Mechanism, Objective, Workload } from '@vnfpool/daemons/evaluate';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { durationOption } from '../api/api-command.ts';
import { CliError } from '../errors.ts';
import { drawEvaluation } from '../evaluate/drawing.ts';
import { pictureOf } from '../evaluate/picture.ts';
import { renderEvaluation, renderRecommendation } from '../evaluate/report.ts';
import type { CliIo } from '../io.ts';
import { painter } from '../output/paint.ts';
import { formatOption, printValue } from '../tables/print-list.ts';

interface Options {
  readonly workload: 'nat' | 'sip' | 'http' | 'counters';
  readonly recorded?: string;
  readonly rate?: number;
  readonly size?: number;
  readonly keys?: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly runs: number;
  readonly delay?: number;
  readonly seed: number;
  readonly mechanism?: readonly string[];
  readonly objective?: Objective;
  readonly svg?: string;
  readonly output: 'table' | 'json';
}

type Library = typeof import('@vnfpool/daemons/evaluate');

const RATE = 2_000;
/** Also of gossip, which has the lowest bound. */
const KEYS_MAX = 50_000;
const SIZE_MAX = 40_000;

const after = `
Examples:
  $ vnfpool evaluate-state --workload sip --objective no-loss
  $ vnfpool evaluate-state --recorded updates.jsonl --delay 2ms -o json
A recording has a JSON object a line: {"at": 12.5, "key": "call-1", "value": "aGVsbG8="}; at in ms, value in base64 or null (docs/state-sharing.md).`;

export function addEvaluateState(program: Command, io: CliIo): void {
  program
    .command('evaluate-state')
    .summary('measure ways of sharing state side by side, and recommend one')
    .description(
      'Runs each way of sharing state on the same workload, with a holder and standbys in processes of their own on this machine, kills the holder, and tells what each costs and loses: lag, traffic, processor time, time of answers, loss, recovery. Needs no set and changes none. With an objective it recommends one.',
    )
    .addOption(
      new Option('--workload <name>', 'what changes state')
        .choices(['nat', 'sip', 'http', 'counters'])
        .default('nat'),
    )
    .option('--recorded <file>', 'updates of a real function instead; - is standard input')
    .addOption(
      countOption('--rate <number>', 'requests a second', 100_000).default(
        undefined,
        `${RATE}, or as recorded`,
      ),
    )
    .addOption(
      countOption('--size <octets>', 'of a value, on the average', SIZE_MAX).default(
        undefined,
        "the workload's own",
      ),
    )
    .addOption(
      countOption('--keys <number>', 'pieces of state at a time', KEYS_MAX).default(
        undefined,
        "the workload's own",
      ),
    )
    .addOption(countOption('--seconds <number>', 'how long each run is measured', 3_600).default(5))
    .addOption(durationOption('--warm-up <duration>', 'load before that', 2_000, '2s'))
    .addOption(countOption('--runs <number>', 'of each, with one kill each', 100).default(3))
    .addOption(
      new Option('--delay <duration>', 'one way between holder and standbys; default: none').argParser(delay),
    )
    .addOption(countOption('--seed <number>', 'of the workload and of the kills', 0xffff_ffff).default(1))
    .addOption(
      new Option('--mechanism <name>', 'only this one; several by saying it again').argParser(
        (text: string, former: readonly string[] | undefined) => [...(former ?? []), text],
      ),
    )
    .addOption(
      new Option('--objective <name>', 'recommend for this one; default: for each').choices([
        'no-loss',
        'low-latency',
        'low-cost',
        'survives-all',
      ]),
    )
    .option('--svg <file>', 'write a picture too')
    .addOption(formatOption(['table', 'json']))
    .addHelpText('after', after)
    .action((options: Options) => evaluateState(options, io));
}

async function evaluateState(options: Options, io: CliIo): Promise<void> {
  const library = await import('@vnfpool/daemons/evaluate');
  const workload = await workloadOf(options, library, io);
  const mechanisms = mechanismsOf(options, library);
  const stop = new AbortController();
  const end = (): void => stop.abort();
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, end);
  let evaluation: Evaluation;
  try {
    io.err(`${workload.summary}\n`);
    evaluation = await library.evaluate({
      mechanisms,
      workload,
      seed: options.seed,
      runs: options.runs,
      warmUpMs: options.warmUp,
      measureMs: options.seconds * 1_000,
      delayMs: options.delay ?? 0,
      signal: AbortSignal.any([stop.signal, io.signal]),
      onRun: ({ number, of, mechanism }) => io.err(`${number}/${of} ${mechanism}\n`),
    });
  } catch (error) {
    if (stop.signal.aborted || io.signal.aborted) throw new CliError(1, 'given up; nothing is left behind');
    if (error instanceof library.EvaluationError) throw new CliError(1, error.message);
    throw error;
  } finally {
    for (const name of names) process.off(name, end);
  }
  const objectives = options.objective === undefined ? library.OBJECTIVES : [options.objective];
  const recommendations = objectives.map((objective) => library.recommend(evaluation.results, objective));
  if (options.svg !== undefined) await writePicture(options.svg, evaluation);
  if (options.output === 'json') {
    printValue(io, 'json', { ...evaluation, recommendations });
    return;
  }
  const paint = painter(io.colour);
  io.out(renderEvaluation(evaluation, paint));
  io.out(`\n${drawEvaluation(evaluation.results, paint)}`);
  for (const recommendation of recommendations)
    io.out(`\n${renderRecommendation(recommendation, paint, options.objective !== undefined)}`);
}

/** @throws CliError for what does not go together, or cannot be read */
async function workloadOf(options: Options, library: Library, io: CliIo): Promise<Workload> {
  const { recorded, workload, rate, seed, size, keys } = options;
  if (recorded === undefined) {
    const shape = { ...(size !== undefined && { size }), ...(keys !== undefined && { keys }) };
    return library.workloadOf(workload, { seed, rate: rate ?? RATE, ...shape });
  }
  if (size !== undefined || keys !== undefined)
    throw new CliError(2, '--size and --keys are not of a recording: it has its own');
  try {
    return library.recordedWorkload(await io.readText(recorded), recorded, rate);
  } catch (error) {
    throw new CliError(1, (error as Error).message);
  }
}

/** @throws CliError for a name that is none */
function mechanismsOf({ mechanism }: Options, library: Library): readonly Mechanism[] {
  if (mechanism === undefined) return library.MECHANISMS;
  const wrong = mechanism.find((name) => library.mechanismNamed(name) === undefined);
  if (wrong !== undefined) {
    const names = library.MECHANISMS.map(({ name }) => name).join(', ');
    throw new CliError(2, `--mechanism ${wrong}: there are ${names}`);
  }
  return library.MECHANISMS.filter(({ name }) => mechanism.includes(name));
}

async function writePicture(path: string, evaluation: Evaluation): Promise<void> {
  try {
    await writeFile(path, pictureOf(evaluation));
  } catch (error) {
    throw new CliError(1, `the picture was not written: ${(error as Error).message}`);
  }
}

function countOption(flags: string, description: string, most: number): Option {
  return new Option(flags, description).argParser((text) => {
    const count = Number(text);
    if (!/^\d{1,10}$/.test(text) || count < 1 || count > most)
      throw new InvalidArgumentError(`It is a whole number from 1 to ${most}.`);
    return count;
  });
}

const DELAY_MS_MAX = 1_000;

function delay(text: string): number {
  const ms = /^(\d{1,4})ms$/.exec(text)?.[1];
  if (ms === undefined || Number(ms) > DELAY_MS_MAX)
    throw new InvalidArgumentError(`It is a whole number of milliseconds up to ${DELAY_MS_MAX}: 2ms.`);
  return Number(ms);
}

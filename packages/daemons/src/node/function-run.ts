// SPDX-License-Identifier: Apache-2.0
import type { OutputFile, RunningProgram } from '@vnfpool/platform/processes';
import type { FunctionLimits, FunctionSpecification } from '@vnfpool/wire/mobility';
import type { CommandCheck } from '../health/command-check.ts';
import { addedEnvironment, environmentOf } from './function-environment.ts';
import { FunctionMeter, type FunctionUsage } from './function-meter.ts';
import { commandOf } from './function-networks.ts';
import { filler, type Place } from './function-place.ts';
import type { Starting } from './function-states.ts';
import type { Surroundings } from './function-surroundings.ts';
import type { RunRecord } from './kept-function.ts';
import { FileSystemMeter, FolderMeter, FreeMeter, type StorageMeter } from './storage-meter.ts';

/** A run of a function that goes on, or that could not be started. */
export interface FunctionRun {
  readonly name: string;
  readonly program: RunningProgram;
  readonly around: Surroundings;
  readonly meter: FunctionMeter;
  readonly limits: FunctionLimits;
  readonly outputFile: OutputFile;
  /** Null: it could not be started. */
  record: RunRecord | null;
  readonly run: number;
  readonly startedMs: number;
  /** NTP timestamp of its start. */
  readonly bootTime: bigint;
  /** Of what it runs, for people. */
  readonly programName: string;
  readonly fill: (text: string) => string;
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string | undefined;
  /** Its end is not told. */
  readonly release: () => void;
  lines: string;
}

/** What a run begins with. */
export type Run = Pick<Starting, 'functionId' | 'run' | 'name' | 'specification'>;

/** What a run is given. */
export interface Clothed {
  readonly fill: (text: string) => string;
  /** Program and arguments, replacements made. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** What a run is made of, beside its program. */
export type RunParts = Clothed &
  Pick<FunctionRun, 'around' | 'startedMs' | 'bootTime' | 'record' | 'release' | 'outputFile'>;

export function createRun(
  { run, name, specification }: Run,
  { words: [programName = ''], ...rest }: RunParts,
  program: RunningProgram,
): FunctionRun {
  const { directory, limits = {} } = specification;
  const meter = new FunctionMeter(rest.around.group, limits, storageOf(specification, rest.around));
  return { ...rest, run, name, program, programName, meter, limits, directory, lines: '' };
}

/** What is known of its files: all where they are its own, else only what is left for them. */
function storageOf({ directory, limits }: FunctionSpecification, { container }: Surroundings): StorageMeter {
  if (container === null)
    return directory === undefined ? new FreeMeter(() => process.cwd()) : new FolderMeter(directory);
  return limits?.storageBytes === undefined
    ? new FreeMeter(() => container.root)
    : new FileSystemMeter(() => container.root);
}

/** As its specification says. */
export function clothe(
  specification: FunctionSpecification,
  { container }: Surroundings,
  place: Place,
  name: string,
): Clothed {
  const { env = {} } = specification;
  const fill = filler(place, name);
  const words = commandOf(specification).map(fill);
  return { fill, words, environment: container ? addedEnvironment(env, fill) : environmentOf(env, fill) };
}

/** How its state is reached. */
export function contextOf(
  { network, container }: Surroundings,
  specification: FunctionSpecification,
): Pick<Starting, 'network' | 'context'> {
  return { network, ...(container && { context: container.context(specification) }) };
}

/** The command of a check, with what the function was given. */
export function checkCommandOf(
  command: readonly string[],
  { fill, environment, directory, around: { container } }: FunctionRun,
): CommandCheck {
  const filled = command.map(fill);
  if (container !== null) return container.enter(filled);
  return { command: filled, environment, ...(directory === undefined ? {} : { directory }) };
}

/** A name as part of a file's. */
export function fileName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9#._-]/g, '_');
}

/** One function as `vnfpool node top` shows it. */
export interface FunctionView {
  readonly functionId: number;
  readonly name: string;
  readonly pid: number | null;
  readonly upMs: number;
  /** Starts on this node after the first. */
  readonly restarts: number;
  readonly limits: FunctionLimits;
  /** Null until the first sample. */
  readonly usage: FunctionUsage | null;
}

export function viewOf(functionId: number, running: FunctionRun, nowMs: number): FunctionView {
  const { name, program, run, limits, startedMs, meter } = running;
  return {
    functionId,
    name,
    pid: program.identity?.pid ?? null,
    upMs: Math.max(0, Math.round(nowMs - startedMs)),
    restarts: run - 1,
    limits,
    usage: meter.usage,
  };
}

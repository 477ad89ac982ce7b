// SPDX-License-Identifier: Apache-2.0
import { type FileHandle, open } from 'node:fs/promises';
import type { RecordingMessages } from '@vnfpool/core/management';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ApiOptions, connectApi, durationOption, withApi } from '../api/api-command.ts';
import type { ApiClient } from '../api/client.ts';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { showBytes } from '../output/amount.ts';
import { showDuration } from '../output/duration.ts';
import { type SlotName, slotName } from './slot-name.ts';

interface Options extends ApiOptions {
  readonly for: number;
  readonly out: string;
  readonly octets: number;
}

type End = RecordingMessages['end'];

const OCTETS = 16 * 1024 ** 2;
const OCTETS_MIN = 1_024;
const OCTETS_MAX = 64 * 1024 ** 2;
const FOR_MS_MIN = 100;
const FOR_MS_MAX = 3_600_000;

const after = `
Examples:
  $ vnfpool state record kv/0 --for 60s --out kv.jsonl
  $ vnfpool evaluate-state --recorded kv.jsonl --objective no-loss
No key and no value leaves the node: keys are replaced by numbers, values by their sizes. Ctrl-C ends it and keeps what there is.`;

/** @param state the command `state`, which it becomes a part of */
export function addStateRecord(state: Command, io: CliIo): void {
  withApi(state.command('record'))
    .summary('record how the state of a slot changes, for evaluate-state')
    .description(
      'Records what the function of the slot shares while it serves: when each update comes, of which key, how large it is. For every method that agents carry: replicate, checkpoint, conntrack.',
    )
    .argument('<slot>', 'POOL/SLOT, for instance kv/0', slotName)
    .addOption(durationOption('--for <duration>', 'how long, 100ms to 1h', 60_000, '60s'))
    .requiredOption('--out <file>', 'where the recording goes')
    .addOption(
      new Option('--octets <number>', 'size at which it ends, 1024 to 67108864')
        .argParser(octets)
        .default(OCTETS, '16777216'),
    )
    .addHelpText('after', after)
    .action((name: SlotName, options: Options) => record(name, options, io));
}

async function record({ pool, slot }: SlotName, options: Options, io: CliIo): Promise<void> {
  if (options.for < FOR_MS_MIN || options.for > FOR_MS_MAX) throw new CliError(2, '--for is 100ms to 1h');
  const client = await connectApi(options, io);
  const stop = new AbortController();
  const end = (): void => stop.abort();
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, end);
  const path = `/v1/recording/${encodeURIComponent(pool)}/${slot}?for=${Math.round(options.for)}&octets=${options.octets}`;
  const recording = new Recording(options.out, io);
  try {
    const told = await recording.take(client, path, AbortSignal.any([stop.signal, io.signal]));
    report(`${pool}/${slot}`, recording, told, options, stop.signal.aborted || io.signal.aborted, io);
  } finally {
    for (const name of names) process.off(name, end);
    await recording.close();
  }
}

/** A file that grows by what comes. It is made with the first update, so that nothing is lost for a recording that cannot begin. */
class Recording {
  readonly #path: string;
  readonly #io: CliIo;
  #file: FileHandle | null = null;
  #toldMs = 0;
  updates = 0;

  constructor(path: string, io: CliIo) {
    this.#path = path;
    this.#io = io;
  }

  /** Its end; undefined: it has none. @throws CliError */
  async take(client: ApiClient, path: string, signal: AbortSignal): Promise<End | undefined> {
    for await (const { event, data } of client.stream(path, signal)) {
      switch (event) {
        case 'updates':
          await this.#write(JSON.parse(data) as RecordingMessages['updates']);
          break;
        case 'progress':
          this.#show(JSON.parse(data) as RecordingMessages['progress']);
          break;
        case 'end':
          return JSON.parse(data) as End;
      }
    }
    return undefined;
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #write(updates: RecordingMessages['updates']): Promise<void> {
    try {
      this.#file ??= await open(this.#path, 'w');
      await this.#file.write(updates.map((update) => `${JSON.stringify(update)}\n`).join(''));
    } catch (error) {
      throw new CliError(1, `the recording was not written: ${(error as Error).message}`);
    }
    this.updates += updates.length;
  }

  /** A terminal has it every second, a log every ten. */
  #show({ updates, elapsedMs }: RecordingMessages['progress']): void {
    const line = `${showDuration(elapsedMs)}: ${updatesOf(updates)}`;
    if (this.#io.terminal === true) this.#io.err(`\r\u001b[K${line}`);
    else if (elapsedMs - this.#toldMs >= 10_000) {
      this.#toldMs = elapsedMs;
      this.#io.err(`${line}\n`);
    }
  }
}

/** @throws CliError when there is nothing, or less than was asked for */
function report(
  slot: string,
  { updates }: Recording,
  end: End | undefined,
  { out, octets: most }: Options,
  isStopped: boolean,
  io: CliIo,
): void {
  if (io.terminal === true) io.err('\r\u001b[K');
  const why = isStopped ? 'it was ended' : whyOf(end, most);
  if (updates === 0)
    throw new CliError(1, `${slot}: nothing is recorded: ${why === '' ? 'no state has changed' : why}`);
  const time = end === undefined ? '' : ` in ${showDuration(end.elapsedMs)}`;
  const text = `${out}: ${updatesOf(updates)} of ${slot}${time}${why === '' ? '' : `; ${why}`}`;
  if (!isStopped && end?.why !== 'time' && end?.why !== 'octets') throw new CliError(1, text);
  io.out(`${text}\n`);
}

/** Why there is no more; empty: there was no more time. */
function whyOf(end: End | undefined, most: number): string {
  switch (end?.why) {
    case 'time':
      return '';
    case 'octets':
      return `it ended at its bound of ${showBytes(most)}`;
    case 'behind':
      return 'it ended, since updates came faster than they could be fetched';
    case 'left':
      return 'it ended, since the slot is held there no more';
    case 'stopped':
      return 'the node has ended it';
    case 'failed':
      return `it ended: ${end.reason}`;
    case undefined:
      return 'the manager has ended it';
  }
}

function updatesOf(count: number): string {
  return count === 1 ? '1 update' : `${count} updates`;
}

function octets(text: string): number {
  const value = Number(text);
  if (!/^\d{1,9}$/.test(text) || value < OCTETS_MIN || value > OCTETS_MAX)
    throw new InvalidArgumentError(`It is a whole number from ${OCTETS_MIN} to ${OCTETS_MAX}.`);
  return value;
}

// SPDX-License-Identifier: Apache-2.0
import { ApiLookupError, findApi } from '@vnfpool/runtime/runtime-folder';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CliError, NotReachableError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { parseDuration } from '../output/duration.ts';
import { ApiClient } from './client.ts';

/** Options of every command that talks to the management API. */
export interface ApiOptions {
  readonly api?: string;
  readonly state?: string;
  readonly set?: string;
  readonly timeout: number;
}

/** Adds those options. They stand at each command and not at the program, as daemons have a `--state` of their own. */
export function withApi(command: Command): Command {
  return command
    .option(
      '--api <address>',
      'management API: http://HOST:PORT or unix:PATH (env VNFPOOL_API, VNFPOOL_TOKEN)',
    )
    .option('--state <folder>', 'folder of the set, when it was brought up with --state (env VNFPOOL_STATE)')
    .option('--set <name>', 'which set, when several run here')
    .addOption(durationOption('--timeout <duration>', 'how long an answer may stay away', 30_000, '30s'));
}

/** @throws CliError when no API is found */
export async function connectApi(options: ApiOptions, io: CliIo): Promise<ApiClient> {
  try {
    const endpoint = await findApi(options, { env: io.env, uid: io.uid });
    return new ApiClient(endpoint, options.timeout, io.signal);
  } catch (error) {
    if (!(error instanceof ApiLookupError)) throw error;
    throw error.code === 'usage' ? new CliError(2, error.message) : new NotReachableError(error.message);
  }
}

/** An option like `--wait 10s`, as milliseconds. */
export function durationOption(flags: string, description: string, defaultMs: number, shown: string): Option {
  return new Option(flags, description).argParser(duration).default(defaultMs, shown);
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0)
    throw new InvalidArgumentError('It is a number with a unit: 500ms, 10s, 5m, 1h, 7d.');
  return ms;
}

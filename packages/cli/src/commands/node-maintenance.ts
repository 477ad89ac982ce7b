// SPDX-License-Identifier: Apache-2.0
import type { MaintenanceRequest } from '@vnfpool/core/management';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ApiOptions, connectApi, durationOption, withApi } from '../api/api-command.ts';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { StateWatch } from '../moves/watch.ts';
import { parseDuration } from '../output/duration.ts';
import { followDrain } from './node-drain.ts';

interface Options extends ApiOptions {
  readonly for?: number;
  readonly off?: true;
  readonly force?: true;
  readonly wait: number | false;
}

const FOR_MS_MIN = 1_000;
const FOR_MS_MAX = 30 * 24 * 3_600_000;

const after = `
Examples:
  $ vnfpool node maintenance node-a --for 2h    # then reboot it; returns when that may be done
  $ vnfpool node maintenance node-a --off`;

/** @param node the command `node`, which it becomes a part of */
export function addNodeMaintenance(node: Command, io: CliIo): void {
  withApi(node.command('maintenance'))
    .summary('leave a node that will be back')
    .description(
      'As `node drain`, of a node that will be back: its slots are handed over, its instances move away where a node is free, and nothing is placed there. Its ' +
        'silence is no alarm, and nothing is placed elsewhere because of it. It ends by --off, or when its time is over. Refused where a slot would be left ' +
        'without a holder, or the council without a majority.',
    )
    .argument('<node>', 'name of the node')
    .addOption(
      new Option('--for <duration>', 'how long it lasts, for instance 2h; without: until --off').argParser(
        span,
      ),
    )
    .option('--off', 'end it')
    .option('--force', 'also where a slot or the council would be left without what it needs')
    .addOption(
      durationOption('--wait <duration>', 'how long to wait until it may be switched off', 1_800_000, '30m'),
    )
    .option('--no-wait', 'do not wait for it')
    .addHelpText('after', after)
    .action((name: string, options: Options) => maintain(name, options, io));
}

async function maintain(name: string, options: Options, io: CliIo): Promise<void> {
  const off = options.off === true;
  if (off && (options.for !== undefined || options.force))
    throw new CliError(2, '--for and --force do not go with --off');
  const client = await connectApi(options, io);
  const watch = options.wait === false || off ? undefined : await StateWatch.open(client);
  try {
    const request: MaintenanceRequest = {
      node: name,
      ...(options.for === undefined ? {} : { forMs: options.for }),
      ...(off ? { off } : {}),
      ...(options.force ? { force: true } : {}),
    };
    await client.post('/v1/maintenance', request);
    io.out(off ? `${name}: may be used again\n` : `${name}: is in maintenance\n`);
    if (watch !== undefined && options.wait !== false) await followDrain(name, watch, options.wait, io);
  } finally {
    watch?.close();
  }
}

function span(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < FOR_MS_MIN || ms > FOR_MS_MAX)
    throw new InvalidArgumentError('It is a number with a unit, from 1s to 30d: 30m, 2h, 7d.');
  return ms;
}

// SPDX-License-Identifier: Apache-2.0
import type { MoveSessionsAnswer, MoveSessionsRequest } from '@vnfpool/core/management';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ApiOptions, connectApi, durationOption, withApi } from '../api/api-command.ts';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { StateWatch } from '../moves/watch.ts';
import { showDuration } from '../output/duration.ts';
import { instanceName } from './instance-name.ts';

interface Options extends ApiOptions {
  readonly to: string;
  readonly all?: boolean;
  readonly ratio?: number;
  readonly count?: number;
  readonly uri?: string;
  readonly contact?: string;
  readonly wait: number | false;
}

const after = `
Examples:
  $ vnfpool instance move-sessions proxy#1 --to proxy#2 --ratio 0.3
  $ vnfpool instance move-sessions proxy#1 --to proxy#2 --uri sip:alice@example.com --contact 192.0.2.4`;

/** @param instance the command `instance`, which it becomes a part of */
export function addMoveSessions(instance: Command, io: CliIo): void {
  withApi(instance.command('move-sessions'))
    .summary('hand some sessions to another instance')
    .description(
      'Hands sessions of an instance to another one of its pool, while both serve. Of several words for which, the union is meant. What a session is, the function says.',
    )
    .argument('<instance>', 'who has them, for instance proxy#1', instanceName)
    .addOption(
      new Option('--to <instance>', 'who takes them: it has to hold a slot')
        .argParser(instanceName)
        .makeOptionMandatory(),
    )
    .option('--all', 'all of them')
    .addOption(new Option('--ratio <part>', 'this part of them, 0 to 1').argParser(ratio))
    .addOption(new Option('--count <number>', 'so many').argParser(count))
    .option('--uri <uri>', 'those of this SIP URI')
    .option('--contact <address>', 'those of this client, an IPv4 or IPv6 address')
    .addOption(durationOption('--wait <duration>', 'how long to wait for it', 60_000, '60s'))
    .option('--no-wait', 'do not wait for it')
    .addHelpText('after', after)
    .action((from: string, options: Options) => move(from, options, io));
}

async function move(from: string, options: Options, io: CliIo): Promise<void> {
  const { to, all, ratio: part, count: number, uri, contact, wait } = options;
  const which = {
    ...(all === undefined ? {} : { all }),
    ...(part === undefined ? {} : { ratio: part }),
    ...(number === undefined ? {} : { count: number }),
    ...(uri === undefined ? {} : { uri }),
    ...(contact === undefined ? {} : { contact }),
  };
  if (Object.keys(which).length === 0)
    throw new CliError(2, 'say which sessions: --all, --ratio, --count, --uri or --contact');
  const client = await connectApi(options, io);
  const watch = wait === false ? undefined : await StateWatch.open(client);
  try {
    const request: MoveSessionsRequest = { from, to, ...which };
    const { sessions } = await client.post<MoveSessionsAnswer>('/v1/move-sessions', request);
    const said = sessions === 1 ? '1 session goes' : `${sessions} sessions go`;
    io.out(sessions === 0 ? `${from}: no session is meant\n` : `${from}: ${said} to ${to}\n`);
    if (watch && wait !== false && sessions > 0) await follow(from, watch, wait, io);
  } finally {
    watch?.close();
  }
}

async function follow(from: string, watch: StateWatch, waitMs: number, io: CliIo): Promise<void> {
  for await (const { events } of watch.looks(waitMs)) {
    const end = events.find(
      ({ subject, type }) =>
        subject === `instance ${from}` && (type === 'sessions.moved' || type === 'sessions.move-failed'),
    );
    if (!end) continue;
    io.out(`${end.message}\n`);
    if (end.type === 'sessions.moved') return;
    throw new CliError(1, `sessions of ${from} did not move`);
  }
  throw new CliError(1, `it is not known within ${showDuration(waitMs)} whether they have moved; they go on`);
}

function ratio(text: string): number {
  const value = Number(text);
  if (!/^[01](\.\d{1,6})?$/.test(text) || value > 1)
    throw new InvalidArgumentError('It is 0 to 1, with six decimals at most.');
  return value;
}

function count(text: string): number {
  if (!/^(0|[1-9]\d{0,14})$/.test(text)) throw new InvalidArgumentError('It is a number.');
  return Number(text);
}

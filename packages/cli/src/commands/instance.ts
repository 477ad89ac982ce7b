// SPDX-License-Identifier: Apache-2.0
import type { MoveAnswer, MoveRequest } from '@vnfpool/core/management';
import type { Command } from 'commander';
import { type ApiOptions, connectApi, durationOption, withApi } from '../api/api-command.ts';
import { CliError } from '../errors.ts';
import { reportFailovers } from '../failover/report.ts';
import { FailoverWatch } from '../failover/watch.ts';
import type { CliIo } from '../io.ts';
import { MoveProgress } from '../moves/progress.ts';
import { StateWatch } from '../moves/watch.ts';
import { showDuration } from '../output/duration.ts';
import { instanceName } from './instance-name.ts';
import { addMoveSessions } from './move-sessions.ts';

interface Options extends ApiOptions {
  readonly to?: string;
  readonly cancel?: boolean;
  readonly wait: number | false;
}

const OUTCOMES = new Set(['instance.moved', 'instance.move-failed', 'instance.move-cancelled']);
/** The record of the hand-over, and the outage that a traffic source saw, follow the move. */
const FAILOVER_MS = 5_000;

const after = `
Examples:
  $ vnfpool instance move web#1 --to node-d
  $ vnfpool instance move web#1 --cancel      # while its state has not gone over`;

export function addInstance(program: Command, io: CliIo): void {
  const instance = program
    .command('instance')
    .summary('move an instance, or sessions of it')
    .description('Moves an instance to another node, or sessions of it to another instance.');
  withApi(instance.command('move'))
    .summary('move an instance to another node')
    .description(
      'Moves an instance to another node: a copy is started there and takes its state while the instance serves, then the instance stands still for the last ' +
        'of it, and its slot follows by a planned hand-over. Whatever fails before leaves it where it is. Shows how it goes.',
    )
    .argument('<instance>', 'for instance web#1', instanceName)
    .option('--to <node>', 'where it goes; when not said to the node with the fewest functions')
    .option('--cancel', 'take a move back; possible until its state has gone over')
    .addOption(durationOption('--wait <duration>', 'how long to wait for it', 600_000, '10m'))
    .option('--no-wait', 'do not wait for it')
    .addHelpText('after', after)
    .action((name: string, options: Options) => move(name, options, io));
  addMoveSessions(instance, io);
}

async function move(instance: string, options: Options, io: CliIo): Promise<void> {
  if (options.cancel === true && options.to !== undefined)
    throw new CliError(2, '--to does not go with --cancel');
  const client = await connectApi(options, io);
  const watch = options.wait === false ? undefined : await StateWatch.open(client);
  const failovers = options.wait === false ? undefined : await FailoverWatch.open(client);
  try {
    const request: MoveRequest = {
      instance,
      ...(options.to === undefined ? {} : { to: options.to }),
      ...(options.cancel === true ? { cancel: true } : {}),
    };
    const { to } = await client.post<MoveAnswer>('/v1/move', request);
    io.out(
      options.cancel === true ? `${instance}: asked to stay on ${to}\n` : `${instance}: moves to ${to}\n`,
    );
    if (watch === undefined || failovers === undefined || options.wait === false) return;
    const outcome = await follow(instance, watch, options.wait, io);
    const meant = options.cancel === true ? 'instance.move-cancelled' : 'instance.moved';
    if (outcome !== meant)
      throw new CliError(1, `${instance} ${options.cancel === true ? 'moved all the same' : 'did not move'}`);
    const slot = watch.before.instances.find(({ name }) => name === instance);
    if (outcome !== 'instance.moved' || !slot || slot.slot === null) return;
    await reportFailovers(failovers, [`${slot.pool}/${slot.slot}`], FAILOVER_MS, io);
  } finally {
    watch?.close();
    failovers?.close();
  }
}

/** Shows how it goes until it has ended; gives the type of the event that says so. */
async function follow(instance: string, watch: StateWatch, waitMs: number, io: CliIo): Promise<string> {
  const progress = new MoveProgress(io);
  for await (const { state, events } of watch.looks(waitMs)) {
    const move = state.instances.find(({ name }) => name === instance)?.move;
    if (move) progress.show(instance, move, state.at);
    for (const { subject, type, message } of events) {
      if (subject !== `instance ${instance}` || !type.startsWith('instance.move')) continue;
      if (type !== 'instance.move-ordered') progress.say(message);
      if (OUTCOMES.has(type)) return type;
    }
  }
  if (watch.interrupted) throw new CliError(1, `${instance} goes on moving: take it back with --cancel`);
  throw new CliError(1, `${instance} has not arrived within ${showDuration(waitMs)}; it goes on`);
}

// SPDX-License-Identifier: Apache-2.0
import type { DrainRequest, DrainView, StateView } from '@vnfpool/core/management';
import type { Command } from 'commander';
import { type ApiOptions, connectApi, durationOption, withApi } from '../api/api-command.ts';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { MoveProgress } from '../moves/progress.ts';
import { StateWatch } from '../moves/watch.ts';
import { showDuration } from '../output/duration.ts';

interface Options extends ApiOptions {
  readonly cancel?: boolean;
  readonly wait: number | false;
}

const after = `
Examples:
  $ vnfpool node drain node-a             # before its host goes down; returns when it may
  $ vnfpool node drain node-a --cancel    # it may be used again; nothing comes back by itself`;

/** @param node the command `node`, which it becomes a part of */
export function addNodeDrain(node: Command, io: CliIo): void {
  withApi(node.command('drain'))
    .summary('move everything away from a node')
    .description(
      'Moves every instance away from a node, one at a time, with its state and its slot, and places nothing there any more. An instance for which no other node ' +
        'is free stays and gives up its slot. Shows how it goes, and ends when the node may be switched off.',
    )
    .argument('<node>', 'name of the node')
    .option('--cancel', 'place instances there again')
    .addOption(durationOption('--wait <duration>', 'how long to wait for it', 1_800_000, '30m'))
    .option('--no-wait', 'do not wait for it')
    .addHelpText('after', after)
    .action((name: string, options: Options) => drain(name, options, io));
}

async function drain(name: string, options: Options, io: CliIo): Promise<void> {
  const client = await connectApi(options, io);
  const cancel = options.cancel === true;
  const watch = options.wait === false || cancel ? undefined : await StateWatch.open(client);
  try {
    const request: DrainRequest = { node: name, ...(cancel ? { cancel } : {}) };
    await client.post('/v1/drain', request);
    io.out(cancel ? `${name}: may be used again\n` : `${name}: is being drained\n`);
    if (watch !== undefined && options.wait !== false) await followDrain(name, watch, options.wait, io);
  } finally {
    watch?.close();
  }
}

/** Shows how a node is left, until it may be switched off. */
export async function followDrain(name: string, watch: StateWatch, waitMs: number, io: CliIo): Promise<void> {
  const progress = new MoveProgress(io);
  /** Instances that were there. */
  const mine = new Set<string>();
  let left: readonly string[] = [];
  let wasDrained = false;
  for await (const { state, events } of watch.looks(waitMs)) {
    left = state.instances.filter(({ node }) => node === name).map((instance) => instance.name);
    for (const instance of state.instances) {
      if (instance.node !== name) continue;
      mine.add(`instance ${instance.name}`);
      if (instance.move) progress.show(instance.name, instance.move, state.at);
    }
    for (const { subject, type, message } of events) {
      const isTold = type.startsWith('instance.move') || type === 'slot.taken';
      if (isTold && (mine.has(subject) || subject.startsWith('slot '))) progress.say(message);
    }
    const drain = state.nodes.find((node) => node.name === name)?.drain ?? null;
    if (drain?.isOver) {
      progress.say(ending(drain, name, state));
      return;
    }
    if (wasDrained && drain === null)
      throw new CliError(1, `${name} is not drained any more: it was taken back`);
    wasDrained = drain !== null;
  }
  if (watch.interrupted) throw new CliError(1, `${name} goes on being drained: take it back with --cancel`);
  throw new CliError(
    1,
    `${name} is not empty within ${showDuration(waitMs)}, it has ${left.join(', ')} still, see vnfpool explain; it goes on being drained`,
  );
}

/** What is said at the end: whoever switches it off has to know of its part in the council. */
function ending({ staying }: DrainView, name: string, { sets }: StateView): string {
  const left =
    staying.length === 0
      ? 'nothing runs on it'
      : `${staying.join(', ')} ${staying.length === 1 ? 'stays' : 'stay'} without a slot, as no other node is free`;
  const councils = sets.flatMap((set) => set.councils);
  const own = councils.filter(({ members }) => members.includes(name));
  const sentences = own.map(({ name: council, members: { length } }) => {
    const which = councils.length > 1 ? `council ${council}` : 'the council';
    return ` It is in ${which}: leases go on while ${Math.floor(length / 2) + 1} of ${length} members run.`;
  });
  return `${name} may be switched off: ${left}.${sentences.join('')}`;
}

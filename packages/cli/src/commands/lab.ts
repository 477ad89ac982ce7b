// SPDX-License-Identifier: Apache-2.0
import type { LabRequest, StateView } from '@vnfpool/core/management';
import type { Command } from 'commander';
import { type ApiOptions, connectApi, durationOption, withApi } from '../api/api-command.ts';
import type { ApiClient } from '../api/client.ts';
import { CliError, NotReachableError, RefusedError } from '../errors.ts';
import { reportFailovers } from '../failover/report.ts';
import { FailoverWatch } from '../failover/watch.ts';
import type { CliIo } from '../io.ts';

type Action = LabRequest['action'];

const told: Readonly<
  Record<Action, { readonly done: string; readonly summary: string; readonly detail: string }>
> = {
  kill: {
    done: 'killed',
    summary: 'kill an instance, node, manager or registrar',
    detail: 'Kills it at once (SIGKILL).',
  },
  pause: {
    done: 'paused',
    summary: 'stop one in its tracks',
    detail: 'Stops it in its tracks (SIGSTOP): it does nothing, and knows nothing of it.',
  },
  resume: {
    done: 'resumed',
    summary: 'let a paused one go on',
    detail: 'Lets what was paused go on, as if nothing had been.',
  },
  replace: {
    done: 'another agent has taken its place',
    summary: "upgrade a node's agent while it holds slots",
    detail:
      'Starts another agent, which takes the place of the one that runs, with its slots and functions: nobody notices.',
  },
  start: { done: 'started', summary: 'start a killed one again', detail: 'Starts what was killed again.' },
};

interface Options extends ApiOptions {
  /** false: `--no-wait`. */
  readonly wait: number | false;
}

/** Faults on purpose: `kill`, `pause`, `resume`, `start`; and `replace`, which is to be none. */
export function addLab(program: Command, io: CliIo): void {
  for (const action of ['kill', 'pause', 'resume', 'start', 'replace'] as const) {
    const { summary, detail } = told[action];
    const causesFailover = action === 'kill' || action === 'pause';
    const command = withApi(program.command(action))
      .summary(summary)
      .description(
        `${detail} Only where \`vnfpool up\` runs the set.${causesFailover ? ' Then waits for the failover that comes of it, and draws it.' : ''}`,
      )
      .argument('<target>', action === 'replace' ? 'node-a' : 'web#1, node-a, manager or registrar')
      .action((target: string, options: Options) => act(action, target, options, io));
    if (causesFailover) {
      command
        .addOption(durationOption('--wait <duration>', 'how long to wait for the failover', 10_000, '10s'))
        .option('--no-wait', 'do not wait for it');
    }
  }
}

async function act(action: Action, target: string, options: Options, io: CliIo): Promise<void> {
  const client = await connectApi(options, io);
  const waits = (action === 'kill' || action === 'pause') && options.wait !== false;
  const watch = waits ? await openWatch(client) : undefined;
  try {
    const held = watch === undefined ? [] : slotsOf(watch.before, target);
    await order(client, { action, target });
    io.out(`${target}: ${told[action].done}\n`);
    if (watch === undefined || options.wait === false) return;
    // Nobody else may take these: they come back with their own instance, once its node does.
    const alone = isNode(watch.before, target) ? held.filter((slot) => !hasOthers(watch.before, slot)) : [];
    for (const { name, holder } of alone)
      io.out(`${name} has no other candidate: it comes back with ${holder}\n`);
    const slots = held.filter((slot) => !alone.includes(slot)).map(({ name }) => name);
    if (slots.length > 0) await reportFailovers(watch, slots, options.wait, io);
    else if (held.length === 0 && isService(watch.before, target))
      io.out(`${target} held no slot: no failover is due\n`);
  } finally {
    watch?.close();
  }
}

/** With the manager gone there is nothing to watch, but things can still be broken and started. */
async function openWatch(client: ApiClient): Promise<FailoverWatch | undefined> {
  try {
    return await FailoverWatch.open(client);
  } catch (error) {
    if (error instanceof NotReachableError) return undefined;
    throw error;
  }
}

/** Slots that the target holds, named `web/0`: an instance's own, or those of all instances on a node. */
function slotsOf(state: StateView, target: string): readonly HeldSlot[] {
  return state.slots
    .filter((slot) => slot.holder === target || slot.node === target)
    .map(({ pool, index, holder, standbys }) => ({
      name: `${pool}/${index}`,
      pool,
      holder: holder ?? 'nobody',
      standbys,
    }));
}

interface HeldSlot {
  readonly name: string;
  readonly pool: string;
  readonly holder: string;
  readonly standbys: readonly string[];
}

/** Whether somebody stands by for the slot, or its pool has instances beyond those that hold its slots. */
function hasOthers(state: StateView, { pool, standbys }: HeldSlot): boolean {
  const view = state.pools.find(({ name }) => name === pool);
  return standbys.length > 0 || (view !== undefined && view.standbys + view.spares > 0);
}

function isNode(state: StateView, target: string): boolean {
  return state.nodes.some((node) => node.name === target);
}

function isService(state: StateView, target: string): boolean {
  return state.instances.some((it) => it.name === target) || isNode(state, target);
}

async function order(client: ApiClient, request: LabRequest): Promise<void> {
  try {
    await client.post('/v1/lab', request);
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status !== 404) throw error;
    // Either there is no such target, or nobody here breaks things at all.
    if (await hasLab(client)) throw error;
    throw new CliError(
      1,
      'faults on purpose exist only where `vnfpool up` runs the set; on other hosts use what the system has: kill, systemctl',
    );
  }
}

async function hasLab(client: ApiClient): Promise<boolean> {
  try {
    await client.get('/v1/lab');
    return true;
  } catch (error) {
    return !(error instanceof RefusedError && error.status === 404);
  }
}

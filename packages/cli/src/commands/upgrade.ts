// SPDX-License-Identifier: Apache-2.0
import type { PoolView, StateView, UpgradeRequest } from '@vnfpool/core/management';
import type { Command } from 'commander';
import { type ApiOptions, connectApi, durationOption, withApi } from '../api/api-command.ts';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { StateWatch } from '../moves/watch.ts';
import { showDuration } from '../output/duration.ts';
import { painter } from '../output/paint.ts';
import { type Format, formatOption, printValue } from '../tables/print-list.ts';
import { renderUpgrade } from '../tables/upgrades.ts';

/** Whoever follows one is told after this time that it goes on. */
const FOLLOW_MS = 86_400_000;

type Waiting = ApiOptions & { readonly wait: number | false };

const after = `
Examples:
  $ vnfpool apply set.yaml            # with another program, argument, limit, …: the upgrade begins
  $ vnfpool upgrade status web --follow
  $ vnfpool upgrade rollback web`;

export function addUpgrade(program: Command, io: CliIo): void {
  const upgrade = program
    .command('upgrade')
    .summary('see, pause, resume or roll back the upgrade of a pool')
    .description(
      'The upgrade of a pool begins when a file with another function for it is applied. Instances are replaced one after the other, each has to stay healthy ' +
        'before the next one is, and whoever holds a slot hands it over first.',
    )
    .addHelpText('after', after);
  withApi(upgrade.command('status'))
    .summary('how upgrades go')
    .description('Shows how far upgrades are, what comes next, and why one has stopped.')
    .argument('[pool]', 'name of the pool; all of them when not said')
    .option('--follow', 'stay until it is over, or has stopped')
    .addOption(formatOption(['table', 'json', 'yaml']))
    .action(
      async (
        pool: string | undefined,
        options: ApiOptions & { readonly output: Format; readonly follow?: true },
      ) => {
        if (options.follow && pool === undefined) throw new CliError(2, '--follow needs a pool');
        const client = await connectApi(options, io);
        if (pool !== undefined && options.follow) {
          const watch = await StateWatch.open(client);
          try {
            const now = judge(pool, watch.before, null);
            io.out(`${now.text}\n`);
            if (!now.isOver) await follow(pool, watch, FOLLOW_MS, null, io);
          } finally {
            watch.close();
          }
          return;
        }
        const { pools } = await client.get<StateView>('/v1/state');
        const shown = pools.filter(({ name }) => pool === undefined || name === pool);
        if (pool !== undefined && shown.length === 0) throw new CliError(1, `there is no pool ${pool}`);
        if (options.output === 'json' || options.output === 'yaml') {
          const items = shown.map(({ name, upgrade: view }) => ({ pool: name, upgrade: view }));
          return printValue(io, options.output, { items });
        }
        io.out(shown.map((view) => describe(view, io)).join('') || 'no pool is declared\n');
      },
    );
  addAction(upgrade, 'pause', 'replace no further instance', 'is paused', io);
  addAction(upgrade, 'resume', 'go on, or try again after a roll-back', 'goes on', io);
  addAction(upgrade, 'rollback', 'bring the former version back', 'is rolled back', io);
}

function addAction(
  upgrade: Command,
  action: UpgradeRequest['action'],
  summary: string,
  done: string,
  io: CliIo,
): void {
  const command = withApi(upgrade.command(action))
    .summary(summary)
    .description(DESCRIPTIONS[action])
    .argument('<pool>', 'name of the pool');
  if (action !== 'pause') {
    command
      .addOption(durationOption('--wait <duration>', 'how long to wait for the end of it', 1_800_000, '30m'))
      .option('--no-wait', 'do not wait for it');
  }
  command.action(async (pool: string, options: Partial<Waiting> & ApiOptions) => {
    const client = await connectApi(options, io);
    const waitMs = action === 'pause' ? false : (options.wait ?? false);
    const watch = waitMs === false ? undefined : await StateWatch.open(client);
    try {
      const request: UpgradeRequest = { pool, action };
      await client.post('/v1/upgrade', request);
      io.out(`${pool}: the upgrade ${done}\n`);
      if (watch !== undefined && waitMs !== false)
        await follow(pool, watch, waitMs, action === 'rollback' ? 'rolled-back' : null, io);
    } finally {
      watch?.close();
    }
  });
}

const DESCRIPTIONS: Readonly<Record<UpgradeRequest['action'], string>> = {
  pause:
    'Replaces no further instance of the pool until the upgrade is resumed or rolled back. What was begun goes on.',
  resume:
    'Goes on with an upgrade that was paused or has stopped: whoever failed gets its time again. A pool that has gone back tries again.',
  rollback:
    'Brings the former version back to every instance that was replaced, by the same rules. The declaration stays: the pool runs something else than it ' +
    'says until another function is declared or the upgrade is resumed.',
};

function describe({ name, upgrade }: PoolView, io: CliIo): string {
  return upgrade === null
    ? `${name}: runs what is declared\n`
    : renderUpgrade(name, upgrade, painter(io.colour));
}

/**
 * Tells what happens until the upgrade is over.
 * @param meant How it should end: a pool that was to go back has done what was asked for
 */
async function follow(
  pool: string,
  watch: StateWatch,
  waitMs: number,
  meant: 'rolled-back' | null,
  io: CliIo,
): Promise<void> {
  let last = '';
  for await (const { state, events } of watch.looks(waitMs)) {
    for (const { type, subject, message } of events) {
      const isMine = subject === `pool ${pool}` || subject.startsWith(`instance ${pool}#`);
      if (isMine && type.startsWith('upgrade.')) io.out(`${message}\n`);
    }
    const line = judge(pool, state, meant);
    if (line.text !== last) io.out(`${line.text}\n`);
    if (line.isOver) return;
    last = line.text;
  }
  if (watch.interrupted) throw new CliError(1, `the upgrade of ${pool} goes on`);
  throw new CliError(1, `the upgrade of ${pool} is not over within ${showDuration(waitMs)}; it goes on`);
}

/** @throws CliError when it has ended otherwise than it should */
function judge(
  pool: string,
  { pools }: StateView,
  meant: 'rolled-back' | null,
): { readonly text: string; readonly isOver: boolean } {
  const view = pools.find(({ name }) => name === pool);
  if (!view) throw new CliError(1, `there is no pool ${pool}`);
  const { upgrade } = view;
  if (upgrade === null) return { text: `${pool}: runs what is declared`, isOver: true };
  const { state, done, total, goal, next, reason } = upgrade;
  const figures = `${done} of ${total} run the ${goal} version`;
  if (state === 'going' || state === 'rolling-back')
    return { text: `${pool}: ${figures}; ${next}`, isOver: false };
  const text = `${pool}: ${state}, ${figures}: ${reason}`;
  if (state !== meant) throw new CliError(1, text);
  return { text, isOver: true };
}

// SPDX-License-Identifier: Apache-2.0
import type { FailoverView } from '@vnfpool/core/management';
import type { Command } from 'commander';
import { type ApiOptions, connectApi, withApi } from '../api/api-command.ts';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { painter } from '../output/paint.ts';
import { renderTimeline } from '../output/timeline.ts';
import { failoverColumns } from '../tables/failovers.ts';
import { type Format, formatOption, printList, printValue } from '../tables/print-list.ts';

export function addFailover(program: Command, io: CliIo): void {
  const failover = program
    .command('failover')
    .helpCommand(false)
    .description('Lists failovers, or draws one step by step.')
    .summary('list failovers, or draw one step by step');

  withApi(failover.command('list'))
    .summary('list the last failovers')
    .description('Lists the last failovers, newest first.')
    .addOption(formatOption())
    .action(async (options: ApiOptions & { readonly output: Format }) => {
      const client = await connectApi(options, io);
      printList(
        io,
        options.output,
        failoverColumns,
        await client.list<FailoverView>('/v1/failovers'),
        'failovers',
      );
    });

  withApi(failover.command('show'))
    .summary('draw one failover')
    .description('Draws one failover: when each step was done, who measured it, and how long the outage was.')
    .argument('[id]', 'which one, as `failover list` shows it; the newest when not said')
    .addOption(formatOption(['table', 'json', 'yaml']))
    .action(async (id: string | undefined, options: ApiOptions & { readonly output: Format }) => {
      const client = await connectApi(options, io);
      const all = await client.list<FailoverView>('/v1/failovers');
      const chosen = id === undefined ? all[0] : all.find((it) => it.id === id);
      if (chosen === undefined)
        throw new CliError(1, id === undefined ? 'there was no failover yet' : `no failover ${id} is kept`);
      if (options.output === 'json' || options.output === 'yaml')
        return printValue(io, options.output, chosen);
      io.out(renderTimeline(chosen, painter(io.colour)));
    });
}

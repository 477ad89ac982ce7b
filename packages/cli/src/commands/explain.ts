// SPDX-License-Identifier: Apache-2.0
import type { ExplainView, SlotExplainView } from '@vnfpool/core/management';
import { Argument, type Command } from 'commander';
import { type ApiOptions, connectApi, withApi } from '../api/api-command.ts';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { renderPool, renderSlot } from '../output/explanation.ts';
import { painter } from '../output/paint.ts';
import { type Format, formatOption, printValue } from '../tables/print-list.ts';

type Options = ApiOptions & { readonly output: Format };

const after = `
Examples:
  $ vnfpool explain pool web
  $ vnfpool explain slot web/0      # who holds it and why, who could not, and which rule says so`;

export function addExplain(program: Command, io: CliIo): void {
  withApi(program.command('explain'))
    .summary('say why a pool or a slot is as it is')
    .description(
      'Says why a pool or a slot is as it is: who holds a slot and why, who would take it next, who could not, and which rule refuses.',
    )
    .addArgument(new Argument('<what>', 'what to explain').choices(['pool', 'slot']))
    .argument('<name>', 'its name; of a slot as `web/0`')
    .addOption(formatOption(['table', 'json', 'yaml']))
    .addHelpText('after', after)
    .action((what: 'pool' | 'slot', name: string, options: Options) =>
      what === 'pool' ? explainPool(name, options, io) : explainSlot(name, options, io),
    );
}

async function explainPool(name: string, options: Options, io: CliIo): Promise<void> {
  const client = await connectApi(options, io);
  const view = await client.get<ExplainView>(`/v1/explain/pools/${encodeURIComponent(name)}`);
  if (options.output === 'json' || options.output === 'yaml') return printValue(io, options.output, view);
  io.out(renderPool(view, io.now(), painter(io.colour)));
}

async function explainSlot(name: string, options: Options, io: CliIo): Promise<void> {
  const [, pool, index] = /^([^/]+)\/(\d{1,5})$/.exec(name) ?? [];
  if (pool === undefined || index === undefined)
    throw new CliError(2, `a slot is said as POOL/NUMBER, for instance web/0; got ${name}`);
  const client = await connectApi(options, io);
  const view = await client.get<SlotExplainView>(`/v1/explain/slots/${encodeURIComponent(pool)}/${index}`);
  if (options.output === 'json' || options.output === 'yaml') return printValue(io, options.output, view);
  io.out(renderSlot(view, io.now(), painter(io.colour)));
}

// SPDX-License-Identifier: Apache-2.0
import type { StateView } from '@vnfpool/core/management';
import { Argument, type Command } from 'commander';
import { type ApiOptions, connectApi, withApi } from '../api/api-command.ts';
import type { CliIo } from '../io.ts';
import type { Column } from '../output/table.ts';
import { failoverColumns } from '../tables/failovers.ts';
import { instanceColumns } from '../tables/instances.ts';
import { nodeColumns } from '../tables/nodes.ts';
import { poolColumns } from '../tables/pools.ts';
import { type Format, formatOption, printList } from '../tables/print-list.ts';
import { setColumns } from '../tables/sets.ts';
import { slotColumns } from '../tables/slots.ts';
import { trafficColumns } from '../tables/traffic.ts';

type Noun = 'sets' | 'pools' | 'instances' | 'nodes' | 'slots' | 'failovers' | 'traffic';
type Item<N extends Noun> = StateView[N][number];

const columns: { readonly [N in Noun]: readonly Column<Item<N>>[] } = {
  sets: setColumns,
  pools: poolColumns,
  instances: instanceColumns,
  nodes: nodeColumns,
  slots: slotColumns,
  failovers: failoverColumns,
  traffic: trafficColumns,
};

interface Options extends ApiOptions {
  readonly output: Format;
  readonly pool?: string;
}

export function addGet(program: Command, io: CliIo): void {
  withApi(program.command('get'))
    .summary('list sets, pools, instances, nodes, slots, failovers or traffic')
    .description(
      'Lists what is there. As JSON or YAML the list is `{ "items": [...] }`, as the API gives it.',
    )
    .addArgument(new Argument('<what>', 'what to list').choices(Object.keys(columns)))
    .addOption(formatOption())
    .option('--pool <name>', 'only what has to do with this pool')
    .action((what: Noun, options: Options) => get(what, options, io));
}

async function get<N extends Noun>(what: N, options: Options, io: CliIo): Promise<void> {
  const client = await connectApi(options, io);
  const query = options.pool === undefined ? '' : `?pool=${encodeURIComponent(options.pool)}`;
  const items = await client.list<Item<N>>(`/v1/${what}${query}`);
  printList(io, options.output, columns[what] as readonly Column<Item<N>>[], items, what);
}

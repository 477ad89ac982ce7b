// SPDX-License-Identifier: Apache-2.0
import type { StateView } from '@vnfpool/core/management';
import type { Command } from 'commander';
import { type ApiOptions, connectApi, withApi } from '../api/api-command.ts';
import type { CliIo } from '../io.ts';
import { showAge } from '../output/duration.ts';
import { painter } from '../output/paint.ts';
import { plain } from '../output/plain.ts';
import { type Column, renderTable } from '../output/table.ts';
import { renderTimeline } from '../output/timeline.ts';
import { nodeColumns } from '../tables/nodes.ts';
import { poolColumns } from '../tables/pools.ts';
import { type Format, formatOption, printValue } from '../tables/print-list.ts';
import { ofCouncils } from '../tables/sets.ts';
import { slotColumns } from '../tables/slots.ts';
import { healthTone } from '../tables/tones.ts';
import { trafficColumns } from '../tables/traffic.ts';
import { renderUpgrade } from '../tables/upgrades.ts';

export function addStatus(program: Command, io: CliIo): void {
  withApi(program.command('status'))
    .summary('everything that matters, on one screen')
    .description('Shows pools, slots, nodes, traffic and the last failover on one screen.')
    .addOption(formatOption(['table', 'json', 'yaml']))
    .action(async (options: ApiOptions & { readonly output: Format }) => {
      const client = await connectApi(options, io);
      const state = await client.get<StateView>('/v1/state');
      if (options.output === 'json' || options.output === 'yaml') printValue(io, options.output, state);
      else io.out(renderStatus(state, io));
    });
}

function renderStatus(state: StateView, io: CliIo): string {
  const now = io.now();
  const paint = painter(io.colour);
  const parts = state.sets.map((set) => {
    const council = `council ${ofCouncils(set, ({ reachable, members }) => `${reachable} of ${members.length}`)} reachable`;
    const health = paint(healthTone(set.health), set.health);
    return `${plain(`set ${set.name}`, 'one line')}: ${health}, ${set.mode}, generation ${set.generation}, ${council}\n`;
  });
  for (const { name, frozen } of state.sets) {
    if (!frozen) continue;
    const text = `set ${name} is frozen: ${frozen.reason}; \`vnfpool thaw\` if they are gone for good`;
    parts.push(`${paint('bad', plain(text, 'one line'))}\n`);
  }
  for (const { cut, name, members } of state.sets.flatMap(({ councils }) => councils)) {
    if (!cut) continue;
    const isLost = cut.together <= members.length / 2;
    const text = `council ${name}: ${cut.who}${isLost ? '; no majority of it hears each other, so nobody can take or keep a slot' : ''}`;
    parts.push(`${paint(isLost ? 'bad' : 'warning', plain(text, 'one line'))}\n`);
  }
  for (const { weakness } of state.sets.flatMap(({ councils }) => councils))
    if (weakness) parts.push(`${paint('warning', plain(weakness, 'one line'))}\n`);
  if (parts.length === 0) parts.push('no set is declared: `vnfpool apply FILE` declares one\n');
  const add = <T>(columns: readonly Column<T>[], items: readonly T[]): void => {
    if (items.length > 0) parts.push(renderTable(columns, items, { now, paint }));
  };
  add(titled(poolColumns, 'POOL'), state.pools);
  for (const { name, upgrade } of state.pools)
    if (upgrade) parts.push(`${paint('faint', 'UPGRADE')}\n${renderUpgrade(name, upgrade, paint)}`);
  add(slotColumns, state.slots);
  add(titled(nodeColumns, 'NODE'), state.nodes);
  add(titled(trafficColumns, 'TRAFFIC'), state.traffic);
  const last = state.failovers[0];
  if (last !== undefined) {
    const first = last.steps[0];
    const when = first === undefined ? '' : ` ${showAge(first.at, now)} ago`;
    parts.push(`${paint('faint', `LAST FAILOVER${when}`)}\n${renderTimeline(last, paint)}`);
  }
  return parts.join('\n');
}

/** The first column names what the table is about. */
function titled<T>(columns: readonly Column<T>[], title: string): readonly Column<T>[] {
  return columns.map((column, at) => (at === 0 ? { ...column, title } : column));
}

// SPDX-License-Identifier: Apache-2.0
import type { ExplainView } from '@vnfpool/core/management';
import { Argument, type Command } from 'commander';
import { type ApiOptions, connectApi, withApi } from '../api/api-command.ts';
import type { CliIo } from '../io.ts';
import { type Paint, painter } from '../output/paint.ts';
import { plain } from '../output/plain.ts';
import { type Format, formatOption, printValue } from '../tables/print-list.ts';

export function addExplain(program: Command, io: CliIo): void {
  withApi(program.command('explain'))
    .summary('say why a pool is as it is')
    .description('Says why a pool is as it is: who holds each slot and why, and who would take it next.')
    .addArgument(new Argument('<what>', 'what to explain').choices(['pool']))
    .argument('<name>', 'its name')
    .addOption(formatOption(['table', 'json', 'yaml']))
    .action(async (_what: 'pool', name: string, options: ApiOptions & { readonly output: Format }) => {
      const client = await connectApi(options, io);
      const view = await client.get<ExplainView>(`/v1/explain/pools/${encodeURIComponent(name)}`);
      if (options.output === 'json' || options.output === 'yaml') return printValue(io, options.output, view);
      io.out(renderExplanation(view, painter(io.colour)));
    });
}

function renderExplanation(view: ExplainView, paint: Paint): string {
  const lines = view.lines.map((line) => plain(line, 'one line'));
  for (const slot of view.slots) {
    const holder = slot.holder ?? 'nobody';
    lines.push(
      '',
      `${paint('strong', `slot ${view.pool}/${slot.index}`)}  ${holder}: ${plain(slot.why, 'one line')}`,
    );
    if (slot.candidates.length === 0) lines.push('  no candidates');
    const nameWidth = Math.max(0, ...slot.candidates.map(({ name }) => name.length));
    for (const { rank, name, verdict } of slot.candidates) {
      lines.push(`  ${rank}. ${name.padEnd(nameWidth)}  ${plain(verdict, 'one line')}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

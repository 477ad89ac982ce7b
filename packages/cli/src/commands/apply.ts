// SPDX-License-Identifier: Apache-2.0
import type { ApplyView } from '@vnfpool/core/management';
import type { Command } from 'commander';
import { type ApiOptions, connectApi, withApi } from '../api/api-command.ts';
import type { CliIo } from '../io.ts';
import { type Format, formatOption, printValue } from '../tables/print-list.ts';
import { countChanges, readDeclarationFile, renderChanges, renderWarnings } from './declaration.ts';
import { refused } from './plan.ts';

export function addApply(program: Command, io: CliIo): void {
  withApi(program.command('apply'))
    .summary('make a file the declared state of its set')
    .description(
      'Makes this file the declared state of its set. A file with a fault changes nothing, and so does one that says what is so already.',
    )
    .argument('<file>', 'declaration of a set (YAML); - reads standard input')
    .addOption(formatOption(['table', 'json', 'yaml']))
    .action(async (file: string, options: ApiOptions & { readonly output: Format }) => {
      const declaration = await readDeclarationFile(file, io);
      const client = await connectApi(options, io);
      const applied = await client.post<ApplyView>('/v1/apply', declaration).catch(refused);
      if (options.output === 'json' || options.output === 'yaml')
        return printValue(io, options.output, applied);
      io.out(renderChanges(applied.changes, io.colour));
      io.out(renderWarnings(applied.warnings ?? [], io.colour));
      const told =
        applied.changes.length === 0 ? 'nothing to do' : `applied ${countChanges(applied.changes)}`;
      io.out(`set ${applied.set}: ${told}, generation ${applied.generation}\n`);
    });
}

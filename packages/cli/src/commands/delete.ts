// SPDX-License-Identifier: Apache-2.0
import { Argument, type Command } from 'commander';
import { type ApiOptions, connectApi, withApi } from '../api/api-command.ts';
import type { CliIo } from '../io.ts';

export function addDelete(program: Command, io: CliIo): void {
  withApi(program.command('delete'))
    .summary('take a set away')
    .description('Takes a set away: its functions are stopped and its addresses released.')
    .addArgument(new Argument('<what>', 'what to delete').choices(['set']))
    .argument('<name>', 'its name')
    .action(async (_what: 'set', name: string, options: ApiOptions) => {
      const client = await connectApi(options, io);
      await client.delete(`/v1/sets/${encodeURIComponent(name)}`);
      io.out(`set ${name}: deleted\n`);
    });
}

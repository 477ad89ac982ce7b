// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { type ApiOptions, connectApi, withApi } from '../api/api-command.ts';
import type { CliIo } from '../io.ts';

export function addThaw(program: Command, io: CliIo): void {
  withApi(program.command('thaw'))
    .summary('place, move and delete instances again although nodes are lost')
    .description(
      'When many nodes are lost at once the manager freezes: it places, moves and deletes nothing until they are back. This says that they are really gone. ' +
        'Nodes that are lost now do not count any more until they were back.',
    )
    .action(async (options: ApiOptions) => {
      const client = await connectApi(options, io);
      await client.post('/v1/thaw', {});
      io.out('thawed: instances are placed, moved and deleted again\n');
    });
}

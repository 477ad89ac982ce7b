// SPDX-License-Identifier: Apache-2.0
import type { RotateSecretRequest } from '@vnfpool/core/management';
import type { Command } from 'commander';
import { type ApiOptions, connectApi, withApi } from '../api/api-command.ts';
import type { CliIo } from '../io.ts';

const after = `
Examples:
  $ vnfpool secret rotate web
  $ vnfpool events
The event secret.rotated says when it seals.`;

export function addSecret(program: Command, io: CliIo): void {
  const secret = program
    .command('secret')
    .summary('change the secret that cookies of a pool are sealed with')
    .description('Secrets that the set hands to functions whose sessions leave cookies with their users.');
  withApi(secret.command('rotate'))
    .summary('draw another secret for the cookies of a pool')
    .description(
      'Draws another secret for a pool whose method is cookie. It is handed to the instances first, and seals once all that can be reached open cookies with it; ' +
        'the former one opens for as long as a cookie may be old.',
    )
    .argument('<pool>', 'name of the pool')
    .addHelpText('after', after)
    .action(async (pool: string, options: ApiOptions) => {
      const client = await connectApi(options, io);
      const request: RotateSecretRequest = { pool };
      await client.post('/v1/rotate-secret', request);
      io.out(`${pool}: another secret is on its way to the instances, and seals when they have it\n`);
    });
}

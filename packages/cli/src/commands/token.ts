// SPDX-License-Identifier: Apache-2.0
import type { TokenRequest, TokenRole, TokenSecretView, TokenView } from '@vnfpool/core/management';
import { type Command, Option } from 'commander';
import { type ApiOptions, connectApi, durationOption, withApi } from '../api/api-command.ts';
import type { CliIo } from '../io.ts';
import { showDuration } from '../output/duration.ts';
import { type Format, formatOption, printList } from '../tables/print-list.ts';
import { tokenColumns } from '../tables/tokens.ts';

interface CreateOptions extends ApiOptions {
  readonly role: TokenRole;
  readonly name: string;
  readonly ttl: number;
}

export function addToken(program: Command, io: CliIo): void {
  const token = program
    .command('token')
    .helpCommand(false)
    .description('Lets a node, registrar or user join.')
    .summary('let a node, registrar or user join');

  withApi(token.command('create'))
    .summary('make a token and print it')
    .description(
      'Makes a token with which one node, registrar or user can join, and prints it. It is shown this once.',
    )
    .addOption(
      new Option('--role <role>', 'what may join')
        .choices(['node', 'registrar', 'element', 'user'])
        .makeOptionMandatory(),
    )
    .requiredOption('--name <name>', 'the name that it gets, for instance node-a')
    .addOption(durationOption('--ttl <duration>', 'how long it can be used', 3_600_000, '1h'))
    .action(async (options: CreateOptions) => {
      const client = await connectApi(options, io);
      const { role, name, ttl } = options;
      const request: TokenRequest = { role, name, ttlMs: ttl };
      const made = await client.post<TokenSecretView>('/v1/tokens', request);
      // Alone on stdout, so that a script can take it.
      io.out(`${made.token}\n`);
      io.err(`for ${role} ${name}, to be used within ${showDuration(ttl)}\n`);
    });

  withApi(token.command('list'))
    .summary('list tokens, never their secrets')
    .description('Lists tokens; never their secrets.')
    .addOption(formatOption())
    .action(async (options: ApiOptions & { readonly output: Format }) => {
      const client = await connectApi(options, io);
      printList(io, options.output, tokenColumns, await client.list<TokenView>('/v1/tokens'), 'tokens');
    });
}

// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CliIo } from '../io.ts';
import { addressOption, joinOption, portOption } from './daemon-options.ts';

interface Options {
  readonly state: string;
  readonly listen: string;
  readonly name: string;
  readonly port?: number;
  readonly join?: string;
}

export function addRegistrar(program: Command, _io: CliIo): void {
  program
    .command('registrar')
    .summary('run a registrar')
    .description(
      'Runs a registrar: which pools exist, which elements they have, and which of them a user should take.',
    )
    .requiredOption('--state <dir>', 'folder of keys and status socket')
    .addOption(
      addressOption(
        '--listen <address>',
        'address at which elements and users reach it',
      ).makeOptionMandatory(),
    )
    .option('--name <name>', 'name of the registrar in the set', 'registrar')
    .addOption(portOption('--port <port>', 'TCP port of ASAP over TLS; 0 is any; default 3864'))
    .addOption(joinOption())
    .action(async (options: Options) => {
      const { registrarConfig, runRegistrar } = await import('@vnfpool/daemons/registrar');
      const { serve } = await import('@vnfpool/daemons/serve');
      await serve('registrar', async (logger) => {
        const config = registrarConfig.parse({
          name: options.name,
          folder: options.state,
          listen: { host: options.listen, ...(options.port === undefined ? {} : { port: options.port }) },
          keepAlive: { periodMs: 1_000, timeoutMs: 1_000 },
          ...(options.join === undefined ? {} : { token: options.join }),
        });
        const registrar = await runRegistrar(config, { logger });
        return { facts: { ...registrar.address }, stop: () => registrar.stop() };
      });
    });
}

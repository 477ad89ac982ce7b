// SPDX-License-Identifier: Apache-2.0
import { type Command, InvalidArgumentError, Option } from 'commander';
import { durationOption } from '../api/api-command.ts';
import type { CliIo } from '../io.ts';
import { addressOption, joinOption } from './daemon-options.ts';

interface Options {
  readonly state: string;
  readonly listen: string;
  readonly name?: string;
  readonly pool: string;
  readonly url?: string;
  readonly path: string;
  readonly every: number;
  readonly deadline: number;
  readonly apiSocket: string;
  readonly registrar: readonly { readonly host: string; readonly port: number }[];
  readonly join?: string;
}

export function addTraffic(program: Command, _io: CliIo): void {
  program
    .command('traffic')
    .summary('ask a pool at a fixed pace and count what failed')
    .description(
      'Asks a pool at a fixed pace, each request over a connection of its own, and tells the manager what failed and for how long. Without --url it finds the pool through the registrar.',
    )
    .requiredOption('--state <dir>', 'folder of keys')
    .addOption(addressOption('--listen <address>', 'own address').makeOptionMandatory())
    .option('--name <name>', 'name of the traffic source; default: traffic-POOL')
    .requiredOption('--pool <name>', 'the pool that is asked')
    .option('--url <url>', 'where it is asked, for instance http://10.77.0.100:8080/')
    .option('--path <path>', 'path that is asked of an element of the pool', '/')
    .addOption(durationOption('--every <duration>', 'time from one request to the next', 5, '5ms'))
    .addOption(durationOption('--deadline <duration>', 'time after which a request has failed', 250, '250ms'))
    .addOption(
      new Option('--api-socket <path>', "socket of the manager's management API").makeOptionMandatory(),
    )
    .addOption(
      new Option('--registrar <address:port>', 'a registrar; may be said several times')
        .default([], 'none')
        .argParser(registrars),
    )
    .addOption(joinOption())
    .action(async (options: Options) => {
      const { startTraffic } = await import('@vnfpool/daemons/traffic');
      const { serve } = await import('@vnfpool/daemons/serve');
      await serve('traffic', async (logger) => {
        const traffic = await startTraffic(
          {
            state: options.state,
            listen: options.listen,
            name: options.name ?? `traffic-${options.pool}`,
            pool: options.pool,
            url: options.url ?? null,
            path: options.path,
            everyMs: options.every,
            deadlineMs: options.deadline,
            apiSocket: options.apiSocket,
            registrars: options.registrar,
            join: options.join ?? null,
          },
          logger,
        );
        return { facts: {}, stop: () => traffic.stop() };
      });
    });
}

function registrars(text: string, former: Options['registrar']): Options['registrar'] {
  const match = /^([0-9.]+):(\d{1,5})$/.exec(text);
  if (match?.[1] === undefined)
    throw new InvalidArgumentError('It is ADDRESS:PORT, for instance 192.0.2.2:3864.');
  return [...former, { host: match[1], port: Number(match[2]) }];
}

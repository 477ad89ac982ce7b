// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import type { CliIo } from '../io.ts';
import { addressOption, portOption } from './daemon-options.ts';

interface Options {
  readonly state: string;
  readonly set: string;
  readonly listen: string;
  readonly port?: number;
  readonly joinPort?: number;
  readonly apiSocket?: string;
  readonly mode: 'hosts' | 'namespaces' | 'loopback';
  readonly transport: 'tcp' | 'mptcp';
}

export function addManager(program: Command, _io: CliIo): void {
  program
    .command('manager')
    .summary('run the pool manager of a set')
    .description(
      "Runs the pool manager of a set: holds what is declared, plans, orders nodes, and is the set's certificate authority.",
    )
    .requiredOption('--state <dir>', 'folder of store, authority and keys')
    .requiredOption('--set <name>', 'name of the set')
    .addOption(addressOption('--listen <address>', 'address at which nodes reach it').makeOptionMandatory())
    .addOption(
      portOption('--port <port>', 'TCP port of the service-mobility protocol; 0 is any; default 49877'),
    )
    .addOption(portOption('--join-port <port>', 'TCP port for joining; 0 is any; default 49878'))
    .option('--api-socket <path>', 'socket of the management API; default: api.sock in the state folder')
    .addOption(
      new Option('--mode <mode>', 'how the set runs, as shown to people')
        .choices(['hosts', 'namespaces', 'loopback'])
        .default('hosts'),
    )
    .addOption(
      new Option('--transport <kind>', 'below TLS; nodes without Multipath TCP come by TCP either way')
        .choices(['tcp', 'mptcp'])
        .default('tcp'),
    )
    .action(async (options: Options) => {
      const { JOIN_PORT, MOBILITY_PORT, runManager } = await import('@vnfpool/daemons/manager');
      const { serve } = await import('@vnfpool/daemons/serve');
      await serve('manager', async (logger) => {
        const manager = await runManager(
          {
            state: options.state,
            set: options.set,
            listen: options.listen,
            port: options.port ?? MOBILITY_PORT,
            joinPort: options.joinPort ?? JOIN_PORT,
            apiSocket: options.apiSocket ?? `${options.state}/api.sock`,
            mode: options.mode,
            multipath: options.transport === 'mptcp',
          },
          logger,
        );
        return { facts: manager.facts, stop: () => manager.stop() };
      });
    });
}

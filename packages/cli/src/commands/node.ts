// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os';
import type { Command } from 'commander';
import type { CliIo } from '../io.ts';
import { addressOption, joinOption, portOption } from './daemon-options.ts';

interface Options {
  readonly state: string;
  readonly listen: string;
  readonly name?: string;
  readonly port?: number;
  readonly interface?: string;
  readonly loopback?: boolean;
  readonly join?: string;
}

export function addNode(program: Command, _io: CliIo): void {
  program
    .command('node')
    .summary('run the agent of an execution node')
    .description(
      'Runs the agent of an execution node: it runs functions, keeps leases, moves virtual addresses (as root) and fences them.',
    )
    .requiredOption('--state <dir>', 'folder of keys, lease register and output of functions')
    .addOption(addressOption('--listen <address>', 'address of this node').makeOptionMandatory())
    .option('--name <name>', 'name of the node in the set; default: the host name')
    .addOption(portOption('--port <port>', 'UDP port of lease datagrams; 0 is any; default 49880'))
    .option(
      '--interface <link>',
      'link of the virtual addresses; without: none are raised and nothing is fenced',
    )
    .option('--loopback', 'several nodes share one address: functions get free ports')
    .addOption(joinOption())
    .action(async (options: Options) => {
      const { LEASE_PORT, runNode } = await import('@vnfpool/daemons/node');
      const { serve } = await import('@vnfpool/daemons/serve');
      await serve('node', async (logger) => {
        const node = await runNode(
          {
            state: options.state,
            name: options.name ?? hostname(),
            listen: options.listen,
            port: options.port ?? LEASE_PORT,
            interface: options.interface ?? null,
            loopback: options.loopback ?? false,
            join: options.join ?? null,
          },
          logger,
        );
        return { facts: { nodeId: node.nodeId, leasePort: node.leasePort }, stop: () => node.stop() };
      });
    });
}

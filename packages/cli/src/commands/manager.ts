// SPDX-License-Identifier: Apache-2.0
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { parseDuration } from '../output/duration.ts';
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
  readonly standby?: boolean;
  readonly endSilent?: number;
}

/** A leader gives a sign of life twice a second; one that its machine was busy for shall not be ended. */
const END_SILENT_LEAST_MS = 2_000;

const after = `
Two managers on one folder, of which one leads; should it end, the other one leads:
  # vnfpool manager --state /var/lib/vnfpool --set edge --listen 192.0.2.1 --standby`;

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
    .option(
      '--standby',
      'when another manager leads on the folder, wait until it has ended, then lead; default: fail',
    )
    .addOption(
      new Option(
        '--end-silent <duration>',
        'of a standby: end (SIGKILL) a leader on this machine that was stopped or hangs for so long; 2s or more',
      ).argParser(readSilence),
    )
    .addHelpText('after', after)
    .action(async (options: Options) => {
      const { standby = false, endSilent = null } = options;
      if (endSilent !== null && !standby) throw new CliError(2, '--end-silent is of --standby');
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
            standby: standby ? { endSilentMs: endSilent } : null,
          },
          logger,
        );
        return { facts: manager.facts, stop: () => manager.stop() };
      });
    });
}

function readSilence(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < END_SILENT_LEAST_MS)
    throw new InvalidArgumentError('It is a duration of two seconds or more, for instance 5s.');
  return ms;
}

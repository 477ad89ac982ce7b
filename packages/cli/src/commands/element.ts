// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import type { Policy } from '@vnfpool/client';
import type { ElementHealth, RunElementOptions } from '@vnfpool/daemons/element';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { durationOption } from '../api/api-command.ts';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { type ClientScopeOptions, clientScope, withClientScope } from '../scope/client-options.ts';
import { parsePolicy } from '../scope/policy.ts';
import { identifier } from '../tables/found.ts';
import { identifierOption, portOption, reportToOption } from './daemon-options.ts';

interface Options extends ClientScopeOptions {
  readonly pool: string;
  readonly address: readonly string[];
  readonly port: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly policy: Policy;
  readonly id?: number;
  readonly asap?: string;
  readonly life: number;
  readonly health: ElementHealth;
  readonly every: number;
  readonly timeout: number;
  readonly rise: number;
  readonly fall: number;
  readonly restart?: boolean;
  readonly reportTo?: { readonly address: string; readonly port: number };
  readonly reportEvery: number;
}

const after = `
Examples:
  $ vnfpool element --open --pool web --port 8080 --health http:/health -- ./web-server --port 8080
  $ vnfpool element --open --pool dns --protocol udp --port 53 --health 'command:dig @$ADDRESS -p $PORT . NS'
  $ vnfpool element --security scope.yaml --registrar tls://192.0.2.1 --address 192.0.2.7 --pool db --port 5432 \\
      --policy priority,priority=10`;

export function addElement(program: Command, _io: CliIo): void {
  withClientScope(program.command('element'))
    .summary('put a server program into a pool, without touching it')
    .description(
      'Registers a server program in a pool: while it is healthy it is in the pool, and when it is not, or ends, it is ' +
        'taken out. With a command behind --, starts that program (its environment has ADDRESS and PORT), ends with it, and ' +
        'ends it on SIGTERM after leaving the pool.',
    )
    .argument('[command...]', 'the server program with its arguments; none: it runs already')
    .requiredOption('--pool <handle>', 'the pool')
    .addOption(portOption('--port <port>', 'where it serves', 1).makeOptionMandatory())
    .addOption(addressesOption())
    .addOption(
      new Option('--protocol <protocol>', 'what it serves over')
        .choices(['tcp', 'udp', 'sctp'])
        .default('tcp'),
    )
    .addOption(
      new Option('--policy <policy>', "the pool's policy with its values: least-used,load=25%")
        .argParser(parsePolicy)
        .default({ type: 'round-robin' }, 'round-robin'),
    )
    .addOption(identifierOption())
    .addOption(calledAtOption())
    .addOption(durationOption('--life <duration>', 'how long it stays in the pool unheard of', 300_000, '5m'))
    .addOption(
      new Option(
        '--health <check>',
        'tcp, http:PATH, command:COMMAND, none; default tcp, for udp and sctp none',
      ).argParser(readHealth),
    )
    .addOption(durationOption('--every <duration>', 'between two checks', 1_000, '1s'))
    .addOption(durationOption('--timeout <duration>', 'how long a check may take', 1_000, '1s'))
    .addOption(countOption('--rise <checks>', 'good checks in a row before it joins', 1))
    .addOption(countOption('--fall <checks>', 'bad checks in a row before it leaves', 3))
    .option('--restart', 'start the server program again when it ends')
    .addOption(reportToOption())
    .addOption(durationOption('--report-every <duration>', 'how often', 1_000, '1s'))
    .addHelpText('after', after)
    .action(async (command: readonly string[], options: Options) => {
      if (options.restart === true && command.length === 0)
        throw new CliError(2, '--restart is for a server program behind --');
      const { runElement } = await import('@vnfpool/daemons/element');
      const { serve } = await import('@vnfpool/daemons/serve');
      const { options: scope } = await clientScope(options, 'element');
      const transport = transportOf(options);
      const health = options.health ?? { type: options.protocol === 'tcp' ? 'tcp' : 'none' };
      await serve('element', async (logger) => {
        const { pool, policy, id, life, every, timeout, rise, fall, restart = false } = options;
        const running = runElement({
          element: {
            ...scope,
            poolHandle: pool,
            policy,
            lifeMs: life,
            ...(id === undefined ? {} : { id }),
            ...calledAt(options),
          },
          transport,
          command,
          health: { check: health, everyMs: every, timeoutMs: timeout, rise, fall },
          restart,
          ...(options.reportTo === undefined
            ? {}
            : { reports: { ...options.reportTo, everyMs: options.reportEvery, location: hostname() } }),
          logger,
        });
        void running.ended.then((code) => process.exit(code));
        const facts = { pool, id: identifier(running.id) };
        return { facts, ready: running.ready, stop: () => running.stop() };
      });
    });
}

function transportOf({ protocol, address, port }: Options): RunElementOptions['transport'] {
  const [first = '127.0.0.1', second] = address;
  if (protocol === 'sctp') return { type: 'sctp', port, use: 'data', addresses: address } as const;
  if (second !== undefined) throw new CliError(2, `only sctp takes several addresses, not ${protocol}`);
  return { type: protocol, port, address: first } as const;
}

/** Where it listens for registrars. One of rsplib's takes no such endpoint over TCP. */
function calledAt({ asap, address, profile }: Options): { readonly asap?: { readonly host: string } } {
  if (asap === 'none') return {};
  if (asap !== undefined) return { asap: { host: asap } };
  const [own = ''] = address;
  const here = Object.values(networkInterfaces()).some((each) => each?.some((at) => at.address === own));
  return here && profile === 'rfc' ? { asap: { host: own } } : {};
}

function calledAtOption(): Option {
  return new Option(
    '--asap <address>',
    'own address at which a registrar that takes it over calls on it; default its --address if that is of this ' +
      'host, with rsplib none; "none": it finds another registrar by itself',
  ).argParser((text) => {
    if (text !== 'none' && isIP(text) === 0)
      throw new InvalidArgumentError('It is an address of this host, for instance 192.0.2.7, or none.');
    return text;
  });
}

function addressesOption(): Option {
  return new Option('--address <address>', 'its address; for sctp several, with commas')
    .argParser((text) => {
      const addresses = text.split(',');
      if (addresses.some((address) => isIP(address) === 0))
        throw new InvalidArgumentError('It is an address, for instance 192.0.2.7.');
      return addresses;
    })
    .default(['127.0.0.1'], '127.0.0.1');
}

function readHealth(text: string): ElementHealth {
  if (text === 'tcp' || text === 'none') return { type: text };
  if (text.startsWith('http:/')) return { type: 'http', path: text.slice('http:'.length) };
  if (text.startsWith('command:') && text.length > 'command:'.length)
    return { type: 'command', command: text.slice('command:'.length) };
  throw new InvalidArgumentError('It is tcp, http:/PATH, command:COMMAND or none.');
}

function countOption(flags: string, description: string, standard: number): Option {
  return new Option(flags, description)
    .argParser((text) => {
      if (!/^\d{1,3}$/.test(text) || Number(text) === 0)
        throw new InvalidArgumentError('It is a number from 1 to 999.');
      return Number(text);
    })
    .default(standard);
}

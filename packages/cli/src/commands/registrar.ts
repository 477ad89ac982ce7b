// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os';
import type { RegistrarTuning } from '@vnfpool/core/scope';
import type { ScopeEndpoint } from '@vnfpool/runtime/endpoint';
import type { ScopeSecurity } from '@vnfpool/runtime/scope-security';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { durationOption } from '../api/api-command.ts';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { loadSecurity } from '../scope/load-security.ts';
import {
  addressOption,
  anyAddressOption,
  type Group,
  identifierOption,
  joinOption,
  portOption,
  readGroup,
  reportToOption,
} from './daemon-options.ts';
import { readTuning, variableOptions } from './registrar-variables.ts';
import { endpointOption, type ScopeOptions, withScope } from './scope-options.ts';

interface Options extends ScopeOptions {
  readonly name: string;
  readonly scope?: string;
  readonly state?: string;
  readonly listen?: string;
  readonly port?: number;
  readonly join?: string;
  readonly asap?: readonly ScopeEndpoint[];
  readonly enrp?: readonly ScopeEndpoint[];
  readonly peer?: readonly ScopeEndpoint[];
  readonly id?: number;
  readonly address?: string;
  readonly announce?: Group | 'none';
  readonly enrpAnnounce?: Group | 'none';
  readonly announceTtl?: number;
  readonly announceInterface?: string;
  readonly suggestTakeover?: boolean;
  readonly reportTo?: { readonly address: string; readonly port: number };
  readonly reportEvery: number;
}

const after = `
Examples:
  $ vnfpool registrar --open                                    # a scope on this machine, for trials
  $ vnfpool registrar --open --profile rsplib --asap sctp://10.0.0.1 --enrp sctp://10.0.0.1
  $ vnfpool registrar --security scope.yaml --asap tls://192.0.2.1 --enrp tls://192.0.2.1 --peer tls://192.0.2.2
  $ vnfpool registrar --state /var/lib/vnfpool/r1 --listen 192.0.2.1 --join TOKEN   # of a set that a manager leads`;

export function addRegistrar(program: Command, _io: CliIo): void {
  const command = withScope(program.command('registrar'))
    .summary('run a registrar')
    .description(
      'Runs a registrar: which pools exist, which elements they have, and which of them a user should take. Of a set ' +
        '(--state, --listen), or of a scope without a manager (--open or --security), also beside other implementations.',
    )
    .option('--name <name>', 'name of the registrar', 'registrar')
    .option('--scope <name>', 'name of the operational scope, for people')
    .option('--state <dir>', 'folder of keys and status socket; needed in a set')
    .addOption(
      endpointOption(
        '--asap <endpoint>',
        'where elements and users reach it; repeat; default on this machine',
        'asap',
      ),
    )
    .addOption(
      endpointOption(
        '--enrp <endpoint>',
        'where other registrars reach it; repeat; default on this machine',
        'enrp',
      ),
    )
    .addOption(endpointOption('--peer <endpoint>', 'a registrar to join the scope by; repeat', 'enrp'))
    .addOption(identifierOption())
    .addOption(
      anyAddressOption('--address <address>', 'address that others reach it at, when it listens on all'),
    )
    .addOption(groupOrNone('--announce <group:port>', 'where to announce itself; "none": nowhere'))
    .addOption(groupOrNone('--enrp-announce <group:port>', 'where to tell its presence; "none": nowhere'))
    .addOption(numberOption('--announce-ttl <hops>', 'how far announcements go', 1, 255))
    .addOption(
      anyAddressOption('--announce-interface <address>', 'address of the interface for announcements'),
    )
    .option('--suggest-takeover', 'suggest elements to the peer that suits them best')
    .addOption(reportToOption())
    .addOption(durationOption('--report-every <duration>', 'how often', 1_000, '1s'))
    .addOption(addressOption('--listen <address>', 'in a set: address at which elements and users reach it'))
    .addOption(portOption('--port <port>', 'in a set: TCP port of ASAP over TLS; 0 is any; default 3864'))
    .addOption(joinOption());
  command.optionsGroup('Variables (RFC 5352 §7, RFC 5353 §7):');
  for (const option of variableOptions()) command.addOption(option);
  command.addHelpText('after', after).action(async (options: Options) => {
    const tuning = readTuning(options);
    const alone = options.open === true || options.security !== undefined;
    if (!alone && (options.state === undefined || options.listen === undefined)) {
      throw new CliError(
        2,
        'a registrar of a set needs --state and --listen, one without a set --open or --security',
      );
    }
    if (!alone && (options.asap !== undefined || options.address !== undefined))
      throw new CliError(
        2,
        '--asap and --address are of a registrar without a set: say --open or --security',
      );
    if (alone && (options.listen !== undefined || options.port !== undefined || options.join !== undefined))
      throw new CliError(
        2,
        '--listen, --port and --join are of a registrar of a set: without one say --asap',
      );
    const { serve } = await import('@vnfpool/daemons/serve');
    if (alone) {
      await checkName(options);
      const security = await loadSecurity(options.security, 'registrar');
      await serve('registrar', async (logger) => await startAlone(options, security, tuning, logger));
    } else await serve('registrar', async (logger) => await startMember(options, tuning, logger));
  });
}

type Logger = Parameters<Parameters<typeof import('@vnfpool/daemons/serve').serve>[1]>[0];
type Started = ReturnType<Parameters<typeof import('@vnfpool/daemons/serve').serve>[1]>;

/** Without a folder of its own it has one by its name. */
async function checkName({ name, state }: Options): Promise<void> {
  const { isRuntimeName } = await import('@vnfpool/runtime/runtime-folder');
  if (state === undefined && !isRuntimeName(name))
    throw new CliError(
      2,
      `--name ${JSON.stringify(name)}: it is letters, digits, ".", "_" and "-", 63 at most, the first a letter or digit; or say --state`,
    );
}

/** A registrar of a scope without a manager. */
async function startAlone(
  options: Options,
  security: ScopeSecurity,
  tuning: RegistrarTuning,
  logger: Logger,
): Started {
  const { runStandaloneRegistrar } = await import('@vnfpool/daemons/registrar');
  const { formatEndpoint, parseEndpoint } = await import('@vnfpool/runtime/endpoint');
  const { runtimeFolder } = await import('@vnfpool/runtime/runtime-folder');
  const kind = security.kind === 'open' ? 'tcp' : 'tls';
  const loopback = (protocol: 'asap' | 'enrp') => [parseEndpoint(`${kind}://127.0.0.1`, protocol)];
  const { asap = loopback('asap'), enrp = loopback('enrp'), peer = [], id, address } = options;
  const service = await runStandaloneRegistrar({
    description: options.name,
    ...(options.scope === undefined ? {} : { scope: options.scope }),
    folder: options.state ?? runtimeFolder(options.name),
    profile: options.profile,
    security,
    asap,
    enrp,
    peers: peer,
    ...(id === undefined ? {} : { id }),
    ...(address === undefined ? {} : { address }),
    announce: {
      ...(options.announce === undefined ? {} : { asap: groupOf(options.announce) }),
      ...(options.enrpAnnounce === undefined ? {} : { enrp: groupOf(options.enrpAnnounce) }),
      ...(options.announceTtl === undefined ? {} : { ttl: options.announceTtl }),
      ...(options.announceInterface === undefined ? {} : { interface: options.announceInterface }),
    },
    tuning,
    ...(options.reportTo === undefined
      ? {}
      : { reports: { ...options.reportTo, everyMs: options.reportEvery, location: hostname() } }),
    ...(options.suggestTakeover === undefined ? {} : { suggestTakeover: options.suggestTakeover }),
    logger,
  });
  const { listening, statusSocket } = service;
  const facts = {
    id: `0x${service.id.toString(16).padStart(8, '0')}`,
    asap: listening.asap.map(formatEndpoint),
    enrp: listening.enrp.map(formatEndpoint),
    statusSocket,
  };
  return { facts, stop: () => service.stop() };
}

/** A registrar of a set: its manager gives it its certificate. */
async function startMember(options: Options, tuning: RegistrarTuning, logger: Logger): Started {
  const { registrarConfig, runRegistrar } = await import('@vnfpool/daemons/registrar');
  const { formatEndpoint } = await import('@vnfpool/runtime/endpoint');
  const { state, listen, port, join, enrp = [], peer = [] } = options;
  const config = registrarConfig.parse({
    name: options.name,
    folder: state,
    listen: { host: listen, ...(port === undefined ? {} : { port }) },
    keepAlive: { periodMs: 1_000, timeoutMs: 1_000 },
    tuning,
    enrp: enrp.map(formatEndpoint),
    peers: peer.map(formatEndpoint),
    ...(join === undefined ? {} : { token: join }),
  });
  const registrar = await runRegistrar(config, { logger });
  return { facts: { ...registrar.address }, stop: () => registrar.stop() };
}

function groupOrNone(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text): Group | 'none' =>
    text === 'none' ? text : readGroup(text),
  );
}

function groupOf(said: Group | 'none'): Group | null {
  return said === 'none' ? null : said;
}

function numberOption(flags: string, description: string, min: number, max: number): Option {
  return new Option(flags, description).argParser((text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It is a number from ${min} to ${max}.`);
    return value;
  });
}

// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net';
import { type ManagerAddress, parseManagerAddress } from '@vnfpool/runtime/manager-discovery';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CliError } from '../errors.ts';

/** Where a node of a set looks for its manager, beside the address at which it joined. */
export interface DiscoveryOptions {
  readonly managerAddress?: readonly ManagerAddress[];
  readonly managerDomain?: string;
  readonly managerService?: string;
  readonly dnsServer?: readonly string[];
  readonly managerFile?: string;
  readonly registrar?: readonly ManagerAddress[];
}

/** Their names, for who admits them only with a set. */
export const DISCOVERY_OPTIONS = [
  'managerAddress',
  'managerDomain',
  'managerService',
  'dnsServer',
  'managerFile',
  'registrar',
] as const;

export function withDiscovery(command: Command): Command {
  command.optionsGroup('Where to look for the manager of the set, asked in this order at every attempt:');
  command
    .addOption(
      repeated('--manager-address <host:port>', 'a manager; repeat; default port 49877', (text) =>
        readAddress(text, 49_877),
      ),
    )
    .addOption(
      new Option('--manager-domain <domain>', 'domain whose DNS SRV records name managers').argParser(
        readDomain,
      ),
    )
    .addOption(
      new Option(
        '--manager-service <name>',
        'service and protocol of the SRV records; default _svcmob._tcp',
      ).argParser(readService),
    )
    .addOption(
      repeated(
        '--dns-server <address[:port]>',
        "DNS server to ask in place of the system's; repeat",
        readServer,
      ),
    )
    .option('--manager-file <path>', "a file with a manager a line, which a DHCP client's hook writes")
    .addOption(
      repeated(
        '--registrar <host:port>',
        'registrar to ask, beside those that the manager told of; repeat; default port 3864',
        (text) => readAddress(text, 3864),
      ),
    );
  command.optionsGroup('Options:');
  return command;
}

/** @throws CliError for an option that means nothing without another */
export function readDiscovery(options: DiscoveryOptions): {
  readonly addresses: readonly ManagerAddress[];
  readonly dns?: { readonly domain: string; readonly service?: string; readonly servers?: readonly string[] };
  readonly file?: string;
  readonly registrars: readonly ManagerAddress[];
} {
  const {
    managerAddress = [],
    managerDomain,
    managerService,
    dnsServer,
    managerFile,
    registrar = [],
  } = options;
  if (managerDomain === undefined && managerService !== undefined)
    throw new CliError(2, '--manager-service is of --manager-domain: say whose records');
  if (managerDomain === undefined && dnsServer !== undefined)
    throw new CliError(2, '--dns-server is of --manager-domain: say what to ask it');
  return {
    addresses: managerAddress,
    ...(managerDomain === undefined
      ? {}
      : {
          dns: {
            domain: managerDomain,
            ...(managerService === undefined ? {} : { service: managerService }),
            ...(dnsServer === undefined ? {} : { servers: dnsServer }),
          },
        }),
    ...(managerFile === undefined ? {} : { file: managerFile }),
    registrars: registrar,
  };
}

/** An option that is said once or more. */
function repeated<T>(flags: string, description: string, read: (text: string) => T): Option {
  return new Option(flags, description).argParser((text, former: readonly T[] | undefined) => [
    ...(former ?? []),
    read(text),
  ]);
}

function readAddress(text: string, defaultPort: number): ManagerAddress {
  const address = parseManagerAddress(text, defaultPort);
  if (address === null)
    throw new InvalidArgumentError(
      `It is HOST:PORT, for instance 192.0.2.1:${defaultPort} or [2001:db8::1]:${defaultPort}.`,
    );
  return address;
}

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?';
const domain = new RegExp(`^${label}(?:\\.${label})*\\.?$`, 'i');

function readDomain(text: string): string {
  if (!domain.test(text) || text.length > 230)
    throw new InvalidArgumentError('It is a domain, for instance example.org.');
  return text;
}

function readService(text: string): string {
  if (!/^_[a-z0-9-]{1,62}\._(?:tcp|sctp)$/i.test(text))
    throw new InvalidArgumentError('It is a service and a protocol, for instance _svcmob._tcp.');
  return text;
}

function readServer(text: string): string {
  const [, bracketed, plain, digits = '53'] = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? text;
  const port = Number(digits);
  const isBad = isIP(address) === 0 || (bracketed !== undefined && isIP(address) !== 6);
  if (isBad || port < 1 || port > 65_535)
    throw new InvalidArgumentError(
      'It is an address, for instance 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353.',
    );
  return text;
}

// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net';
import { formatPlace, parsePlace, type RelayPlace } from '@vnfpool/core/relay';
import type { RelayConfig } from '@vnfpool/daemons/relay';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { durationOption } from '../api/api-command.ts';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { anyAddressOption } from './daemon-options.ts';

type Listen = Pick<RelayConfig, 'protocol' | 'listen'>;

export interface RelayOptions {
  readonly listen: Listen;
  readonly to: readonly RelayPlace[];
  readonly advertise?: RelayPlace;
  readonly from?: string;
  readonly forward?: RelayPlace;
  readonly idle: number;
  readonly sessionsMax: number;
  readonly heldMax: number;
  readonly cutConnections?: boolean;
  readonly status?: string;
}

/** Places of one relay; more is a mistake. */
const BACKENDS_MAX = 256;

const after = `
Examples:
  $ vnfpool relay --listen udp:192.0.2.10:53 --to 198.51.100.1:53 --to 198.51.100.2:53
  $ vnfpool relay --listen tcp:192.0.2.10:80 --to 198.51.100.1:8080,198.51.100.2:8080 --idle 5m
As a function that a node runs, in the file of its specification (docs/relay.md):
  command: [vnfpool, relay, --listen, "udp:192.0.2.10:53", --forward, "{address}", --to, "198.51.100.1:53"]
  state: { via: socket, format: relay-udp/1 }`;

export function addRelay(program: Command, _io: CliIo): void {
  program
    .command('relay')
    .summary('relay datagrams or connections to servers, by sessions that can move')
    .description(
      'Relays what clients send to one of several servers, and back. A client keeps its server. As a function of a node it moves ' +
        'with its sessions, all of them or some, while clients go on. TCP connections end in it and do not move.',
    )
    .addOption(
      new Option('--listen <protocol:address:port>', 'where clients come, udp: or tcp:; port 0: any')
        .argParser(readListen)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--to <address:port>', 'a server; several with commas or by saying it again')
        .argParser(readBackends)
        .makeOptionMandatory(),
    )
    .addOption(placeOption('--advertise <address:port>', 'what clients talk to; default where it listens', 1))
    .addOption(
      anyAddressOption('--from <address>', 'own address towards servers; default: the system chooses'),
    )
    .addOption(
      new Option(
        '--forward <address[:port]>',
        'where relays bring packets of moved sessions to each other: an address that stays; default that of --listen',
      ).argParser(readForward),
    )
    .addOption(
      durationOption('--idle <duration>', 'when a session is over of which nothing is heard', 60_000, '60s'),
    )
    .addOption(countOption('--sessions-max <number>', 'sessions at once', 10_000, 1_000_000))
    .addOption(
      countOption(
        '--held-max <number>',
        'packets or connections that wait while state moves',
        8_192,
        1_000_000,
      ),
    )
    .option('--cut-connections', 'TCP: let a move cut connections; else it is refused while there are any')
    .option('--status <path>', 'Unix socket where it tells how it is: GET /status, GET /metrics')
    .addHelpText('after', after)
    .action(async (options: RelayOptions) => {
      const config = readRelayConfig(options);
      const [{ serve }, { serveRelay }] = await Promise.all([
        import('@vnfpool/daemons/serve'),
        import('@vnfpool/daemons/relay'),
      ]);
      await serve('relay', async (logger) => await serveRelay(config, options.status ?? null, logger));
    });
}

/** @throws CliError for what does not go together */
export function readRelayConfig(options: RelayOptions): RelayConfig {
  const { protocol, listen } = options.listen;
  if (options.to.length > BACKENDS_MAX) throw new CliError(2, `--to: at most ${BACKENDS_MAX} servers`);
  const family = isIP(options.from ?? options.to[0]?.address ?? '');
  for (const backend of options.to)
    if (isIP(backend.address) !== family)
      throw new CliError(
        2,
        `--to ${formatPlace(backend)}: all servers, and --from, are IPv4, or all are IPv6`,
      );
  const forward = options.forward ?? { address: listen.address, port: 0 };
  if (protocol === 'udp' && ['0.0.0.0', '::'].includes(forward.address))
    throw new CliError(2, '--forward: say an address by which other relays reach this one');
  return {
    protocol,
    listen,
    backends: options.to,
    service: options.advertise ?? null,
    from: options.from ?? null,
    forward,
    idleMs: options.idle,
    sessionsMax: options.sessionsMax,
    heldMax: options.heldMax,
    cutConnections: options.cutConnections ?? false,
  };
}

function readListen(text: string): Listen {
  const [, protocol, rest = ''] = /^(udp|tcp):(.+)$/.exec(text) ?? [];
  const listen = parsePlace(rest);
  if (listen === null || (protocol !== 'udp' && protocol !== 'tcp'))
    throw new InvalidArgumentError(
      'It is udp:ADDRESS:PORT or tcp:ADDRESS:PORT, for instance udp:192.0.2.10:53.',
    );
  return { protocol, listen };
}

function readBackends(text: string, former: readonly RelayPlace[] | undefined): readonly RelayPlace[] {
  return [...(former ?? []), ...text.split(',').map((each) => readPlace(each, 1))];
}

function readForward(text: string): RelayPlace {
  return isIP(text) === 0 ? readPlace(text, 0) : { address: text, port: 0 };
}

function placeOption(flags: string, description: string, least: number): Option {
  return new Option(flags, description).argParser((text) => readPlace(text, least));
}

function readPlace(text: string, least: number): RelayPlace {
  const place = parsePlace(text.trim());
  if (place === null || place.port < least)
    throw new InvalidArgumentError('It is ADDRESS:PORT, for instance 192.0.2.10:53 or [2001:db8::1]:53.');
  return place;
}

function countOption(flags: string, description: string, preset: number, most: number): Option {
  return new Option(flags, description).default(preset).argParser((text) => {
    const count = Number(text);
    if (!/^\d{1,7}$/.test(text) || count < 1 || count > most)
      throw new InvalidArgumentError(`It is a number from 1 to ${most}.`);
    return count;
  });
}

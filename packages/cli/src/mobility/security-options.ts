// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import type { MobilityTransportKind } from '@vnfpool/daemons/node-alone';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CliError } from '../errors.ts';

/** How a connection of the service-mobility protocol is secured, when there is no set. */
export interface MobilitySecurityOptions {
  readonly plain?: boolean;
  readonly protectedPath?: boolean;
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
}

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

export type MobilitySecurity =
  | { readonly kind: 'plain' }
  | {
      readonly kind: 'tls';
      readonly credentials: { readonly key: string; readonly certificate: string; readonly ca: string };
    };

export function withMobilitySecurity(command: Command): Command {
  return command
    .option('--cert <file>', 'our certificate, PEM; TLS 1.3, with certificates at both ends')
    .option('--key <file>', 'its key, PEM')
    .option('--ca <file>', 'the authority whose certificates are believed, PEM')
    .addOption(
      new Option(
        '--plain',
        'without TLS: nobody is authenticated; on this machine only, or --protected-path',
      ).conflicts(['cert', 'key', 'ca']),
    )
    .option(
      '--protected-path',
      '--plain also to other machines: the path between us is protected by other means, IPsec for instance',
    );
}

const TRANSPORTS: readonly MobilityTransportKind[] = ['tcp', 'mptcp', 'sctp'];

/** What carries the protocol. `repeat`: several may be said. */
export function transportOption(extra: string, repeat: boolean): Option {
  const option = new Option(
    '--transport <kind>',
    `tcp; mptcp, which is TCP where an end lacks it; or sctp, with --plain${extra}`,
  );
  return option.argParser((text, before: readonly MobilityTransportKind[] | undefined) => {
    const former = before ?? [];
    const kind = TRANSPORTS.find((each) => each === text);
    if (kind === undefined) throw new InvalidArgumentError(`It is one of ${TRANSPORTS.join(', ')}.`);
    if (!repeat && former.length > 0) throw new InvalidArgumentError('It is said once.');
    return former.includes(kind) ? former : [...former, kind];
  });
}

/** An option that takes `HOST:PORT`, `[2001:db8::1]:PORT` or an address alone. */
export function hostAndPortOption(flags: string, description: string, leastPort: number): Option {
  return new Option(flags, description).argParser((text): HostAndPort => {
    const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
    const host = bracketed ?? plain ?? '';
    const port = digits === undefined ? 49877 : Number(digits);
    const isBad = host === '' || (bracketed !== undefined && isIP(bracketed) !== 6);
    if (isBad || port < leastPort || port > 65_535)
      throw new InvalidArgumentError('It is HOST:PORT, for instance 127.0.0.1:49877 or [2001:db8::1]:49877.');
    return { host, port };
  });
}

/**
 * @param at Where is listened or connected to
 * @throws CliError 2 for what cannot be meant, 1 for a file that cannot be read
 */
export function readMobilitySecurity(
  options: MobilitySecurityOptions & { readonly transport?: readonly MobilityTransportKind[] },
  at: HostAndPort,
): MobilitySecurity {
  const { transport = [], plain = false, protectedPath = false, cert, key, ca } = options;
  if (plain) {
    if (!isLoopback(at.host) && !protectedPath)
      throw new CliError(
        2,
        `--plain at ${at.host}: whoever is on the path could start programs. Say --protected-path if the path is protected by other means, or --cert, --key and --ca`,
      );
    return { kind: 'plain' };
  }
  if (transport.includes('sctp'))
    throw new CliError(
      2,
      '--transport sctp has no TLS: on this machine say --plain, to others --protected-path too, when the path is protected by other means',
    );
  if (protectedPath) throw new CliError(2, '--protected-path is of --plain: TLS protects the path itself');
  if (cert === undefined || key === undefined || ca === undefined)
    throw new CliError(2, 'how is the other end known? Say --cert, --key and --ca; or --plain');
  const credentials = {
    certificate: readPem('--cert', cert),
    key: readPem('--key', key),
    ca: readPem('--ca', ca),
  };
  return { kind: 'tls', credentials };
}

function readPem(option: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CliError(1, `${option} ${path} cannot be read: ${(error as Error).message}`);
  }
  if (!text.includes('-----BEGIN ')) throw new CliError(1, `${option} ${path} is no PEM file`);
  return text;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  const family = isIP(host);
  return family === 0 ? host === 'localhost' : loopback.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

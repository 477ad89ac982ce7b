// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net';
import { InvalidArgumentError, Option } from 'commander';

/** An option that takes a TCP or UDP port. */
export function portOption(flags: string, description: string, least = 0): Option {
  return new Option(flags, description).argParser((text) => {
    const port = Number(text);
    if (!/^\d{1,5}$/.test(text) || port < least || port > 65_535)
      throw new InvalidArgumentError(`It is a port, ${least} to 65535.`);
    return port;
  });
}

/** A one-time token; by the environment it does not stand in the list of processes. */
export function joinOption(): Option {
  return new Option('--join <token>', 'one-time token; needed once').env('VNFPOOL_JOIN');
}

/** An option that takes an IPv4 address of this host. */
export function addressOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    const parts = text.split('.');
    if (parts.length !== 4 || parts.some((part) => !/^\d{1,3}$/.test(part) || Number(part) > 255)) {
      throw new InvalidArgumentError('It is an IPv4 address of this host, for instance 192.0.2.11.');
    }
    return text;
  });
}

/** An option that takes an IPv4 address of this host, or a link whose address is followed. */
export function addressOrLinkOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    if (isIP(text) !== 4 && !/^[A-Za-z][\w.@-]{0,14}$/.test(text))
      throw new InvalidArgumentError(
        'It is an IPv4 address of this host, for instance 192.0.2.11, or a link, for instance eth0.',
      );
    return text;
  });
}

/** An option that takes an address, IPv4 or IPv6. */
export function anyAddressOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    if (isIP(text) === 0)
      throw new InvalidArgumentError('It is an address, for instance 192.0.2.11 or 2001:db8::11.');
    return text;
  });
}

/** Where component status reports go. */
export function reportToOption(): Option {
  return new Option('--report-to <address:port>', 'whom to tell how it is, see `vnfpool monitor`').argParser(
    (text) => {
      const [address, port] = addressAndPort(text);
      if (address === undefined)
        throw new InvalidArgumentError('It is ADDRESS:PORT, for instance 127.0.0.1:2960.');
      return { address, port };
    },
  );
}

/** A multicast group. */
export interface Group {
  readonly group: string;
  readonly port: number;
}

/** An option that takes a multicast group. */
export function groupOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(readGroup);
}

/** @throws InvalidArgumentError */
export function readGroup(text: string): Group {
  const [group, port] = addressAndPort(text);
  if (group === undefined || !/^(22[4-9]|23\d)\.|^ff/i.test(group))
    throw new InvalidArgumentError('It is GROUP:PORT, for instance 224.0.1.185:3863.');
  return { group, port };
}

/** An option that takes an identifier of a registrar or an element. */
export function identifierOption(): Option {
  return new Option('--id <hex>', 'its identifier; default random').argParser((text) => {
    const id = Number.parseInt(text, 16);
    if (!/^(0x)?[0-9a-f]{1,8}$/i.test(text) || id === 0)
      throw new InvalidArgumentError('It is a number from 1 to ffffffff, in hexadecimal.');
    return id;
  });
}

/** `192.0.2.1:80` or `[2001:db8::1]:80`, a port from 1; undefined: it is not that. */
function addressAndPort(text: string): readonly [string, number] | readonly [undefined, 0] {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? '';
  const port = Number(digits);
  const family = bracketed === undefined ? 4 : 6;
  return isIP(address) !== family || port === 0 || port > 65_535 ? [undefined, 0] : [address, port];
}

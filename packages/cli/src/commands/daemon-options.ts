// SPDX-License-Identifier: Apache-2.0
import { InvalidArgumentError, Option } from 'commander';

/** An option that takes a TCP or UDP port. */
export function portOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    const port = Number(text);
    if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('It is a port, 0 to 65535.');
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

/** Where component status reports go. */
export function reportToOption(): Option {
  return new Option('--report-to <address:port>', 'whom to tell how it is, see `vnfpool monitor`').argParser(
    (text) => {
      const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
      const address = bracketed ?? plain;
      if (address === undefined || Number(port) === 0 || Number(port) > 65_535)
        throw new InvalidArgumentError('It is ADDRESS:PORT, for instance 127.0.0.1:2960.');
      return { address, port: Number(port) };
    },
  );
}

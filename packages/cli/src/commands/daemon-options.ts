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

// SPDX-License-Identifier: Apache-2.0
import { Command, CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { type DiscoveryOptions, readDiscovery, withDiscovery } from '../../src/commands/discovery-options.ts';
import { CliError } from '../../src/errors.ts';

function read(...args: readonly string[]): ReturnType<typeof readDiscovery> {
  const command = withDiscovery(new Command('node'))
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  command.parse(args, { from: 'user' });
  return readDiscovery(command.opts<DiscoveryOptions>());
}

test('nothing said: the address at which the node joined, and the registrars that it was told of', () => {
  expect(read()).toEqual({ addresses: [], registrars: [] });
});

test('all of it, addresses in the order in which they were said', () => {
  expect(
    read(
      '--manager-address',
      '192.0.2.1',
      '--manager-address',
      '[2001:db8::1]:7',
      '--manager-domain',
      'a.example',

      '--manager-service',
      '_mine._tcp',
      '--dns-server',
      '2001:db8::53',
      '--dns-server',
      '[2001:db8::53]:5353',

      '--manager-file',
      '/run/vnfpool/managers',
      '--registrar',
      'r.example',
      '--registrar',
      '192.0.2.9:9',
    ),
  ).toEqual({
    addresses: [
      { host: '192.0.2.1', port: 49_877 },
      { host: '2001:db8::1', port: 7 },
    ],
    dns: { domain: 'a.example', service: '_mine._tcp', servers: ['2001:db8::53', '[2001:db8::53]:5353'] },
    file: '/run/vnfpool/managers',
    registrars: [
      { host: 'r.example', port: 3864 },
      { host: '192.0.2.9', port: 9 },
    ],
  });
});

test.each([
  ['--manager-address', 'a b'],
  ['--manager-address', '192.0.2.1:0'],
  ['--manager-domain', 'a..b'],
  ['--manager-domain', ''],
  ['--manager-service', 'svcmob'],
  ['--manager-service', '_svcmob._udp'],
  ['--dns-server', 'dns.example'],
  ['--dns-server', '192.0.2.53:0'],
  ['--dns-server', '[192.0.2.53]'],
  ['--registrar', '192.0.2.300'],
])('%s %j is refused', (option, value) => {
  expect(() => read(option, value)).toThrow(CommanderError);
});

test.each([
  ['--manager-service', '_mine._tcp'],
  ['--dns-server', '192.0.2.53'],
])('%s means nothing without a domain', (option, value) => {
  expect(() => read(option, value)).toThrow(new CliError(2, `${option} is of --manager-domain`).message);
});

// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { addRelay, type RelayOptions, readRelayConfig } from '../../src/commands/relay.ts';
import { CliError } from '../../src/errors.ts';
import { processIo } from '../../src/io.ts';

function read(...args: readonly string[]): ReturnType<typeof readRelayConfig> {
  const program = new Command('vnfpool');
  addRelay(program, processIo());
  const [relay] = program.commands;
  if (!relay) throw new Error('there is no command');
  let said = '';
  relay.exitOverride().configureOutput({
    writeErr: (text) => {
      said += text;
    },
  });
  // It would serve.
  relay.action(() => undefined);
  try {
    relay.parse(args, { from: 'user' });
  } catch (error) {
    throw new Error(said || (error as Error).message, { cause: error });
  }
  return readRelayConfig(relay.opts<RelayOptions>());
}

const udp = ['--listen', 'udp:192.0.2.10:53'] as const;
const to = ['--to', '198.51.100.1:53'] as const;

test('what must be said, and what is then so', () => {
  expect(read(...udp, ...to)).toEqual({
    protocol: 'udp',
    listen: { address: '192.0.2.10', port: 53 },
    backends: [{ address: '198.51.100.1', port: 53 }],
    service: null,
    from: null,
    forward: { address: '192.0.2.10', port: 0 },
    idleMs: 60_000,
    sessionsMax: 10_000,
    heldMax: 8_192,
    cutConnections: false,
  });
});

test('all of it; servers with commas, and one by one', () => {
  const args = [
    '--listen',
    'tcp:[2001:db8::10]:0',
    '--to',
    '[2001:db8::1]:80,[2001:db8::2]:80',
    '--to',
    '[2001:db8::3]:81',
  ];
  const more = [
    '--from',
    '2001:db8::10',
    '--forward',
    '[2001:db8::11]:4000',
    '--advertise',
    '[2001:db8::99]:80',
  ];
  const bounds = ['--idle', '5m', '--sessions-max', '7', '--held-max', '8', '--cut-connections'];
  expect(read(...args, ...more, ...bounds)).toMatchObject({
    protocol: 'tcp',
    listen: { address: '2001:db8::10', port: 0 },
    backends: [{ port: 80 }, { address: '2001:db8::2' }, { port: 81 }],
    service: { address: '2001:db8::99', port: 80 },
    from: '2001:db8::10',
    forward: { address: '2001:db8::11', port: 4_000 },
    idleMs: 300_000,
    sessionsMax: 7,
    heldMax: 8,
    cutConnections: true,
  });
  expect(read(...udp, ...to, '--forward', '192.0.2.11').forward).toEqual({ address: '192.0.2.11', port: 0 });
});

test.each([
  [['--listen', 'sctp:192.0.2.1:1', ...to], 'udp:ADDRESS:PORT'],
  [['--listen', '192.0.2.1:1', ...to], 'udp:ADDRESS:PORT'],
  [['--listen', 'udp:host:1', ...to], 'udp:ADDRESS:PORT'],
  [[...udp, '--to', '198.51.100.1'], 'ADDRESS:PORT'],
  [[...udp, '--to', '198.51.100.1:0'], 'ADDRESS:PORT'],
  [[...udp, '--to', '198.51.100.1:65536'], 'ADDRESS:PORT'],
  [[...udp, ...to, '--advertise', '192.0.2.1:0'], 'ADDRESS:PORT'],
  [[...udp, ...to, '--from', 'here'], 'It is an address'],
  [[...udp, ...to, '--sessions-max', '0'], 'from 1 to'],
  [[...udp, ...to, '--held-max', 'x'], 'from 1 to'],
  [[...udp], "required option '--to"],
  [[...to], "required option '--listen"],
])('said wrongly: %j', (args, words) => {
  expect(() => read(...args)).toThrow(words);
});

test.each([
  [[...udp, '--to', '198.51.100.1:53,[2001:db8::1]:53'], 'IPv4'],
  [[...udp, ...to, '--from', '2001:db8::1'], 'IPv4'],
  [['--listen', 'udp:0.0.0.0:53', ...to], '--forward'],
  [
    [...udp, '--to', Array.from({ length: 257 }, (_, at) => `198.51.100.1:${at + 1}`).join(',')],
    'at most 256',
  ],
])('does not go together: %j', (args, words) => {
  expect(() => read(...args)).toThrow(CliError);
  expect(() => read(...args)).toThrow(words);
});

// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, expect, test } from 'vitest';
import { CliError } from '../../src/errors.ts';
import {
  hostAndPortOption,
  readMobilitySecurity,
  transportOption,
} from '../../src/mobility/security-options.ts';

const folder = mkdtempSync(`${tmpdir()}/vnfpool-security-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (host: string) => ({ host, port: 49877 });

test.each(['127.0.0.1', '127.9.9.9', '::1', 'localhost'])('plain TCP stays on this machine: %s', (host) => {
  expect(readMobilitySecurity({ plain: true }, at(host))).toEqual({ kind: 'plain' });
});

test.each(['192.0.2.1', '0.0.0.0', '::', 'localhost.example'])('plain TCP to %s has to be meant', (host) => {
  expect(() => readMobilitySecurity({ plain: true }, at(host))).toThrow(/^--plain at .*--protected-path/);
  expect(readMobilitySecurity({ plain: true, protectedPath: true }, at(host))).toEqual({ kind: 'plain' });
});

test.each([
  { options: {}, says: 'Say --cert, --key and --ca; or --plain' },
  { options: { cert: 'a', ca: 'b' }, says: 'Say --cert, --key and --ca; or --plain' },
  { options: { protectedPath: true }, says: '--protected-path is of --plain' },
  { options: { cert: '/nowhere', key: '/nowhere', ca: '/nowhere' }, says: '--cert /nowhere cannot be read' },
])('$says', ({ options, says }) => {
  expect(() => readMobilitySecurity(options, at('127.0.0.1'))).toThrow(CliError);
  expect(() => readMobilitySecurity(options, at('127.0.0.1'))).toThrow(says);
});

test('SCTP has no TLS, and stays on this machine unless the path is said to be protected', () => {
  const sctp = { transport: ['tcp', 'sctp'] } as const;
  const files = { cert: '/nowhere', key: '/nowhere', ca: '/nowhere' };
  expect(() => readMobilitySecurity({ ...sctp, ...files }, at('127.0.0.1'))).toThrow(/sctp has no TLS/);
  expect(() => readMobilitySecurity({ ...sctp, plain: true }, at('192.0.2.1'))).toThrow(/--protected-path/);
  expect(readMobilitySecurity({ ...sctp, plain: true }, at('127.0.0.1'))).toEqual({ kind: 'plain' });
  const meant = { ...sctp, plain: true, protectedPath: true };
  expect(readMobilitySecurity(meant, at('192.0.2.1'))).toEqual({ kind: 'plain' });
});

test('transports: each once, of a node one', () => {
  const read = (repeat: boolean, ...said: readonly string[]) =>
    said.reduce<unknown>(
      (former, text) => transportOption('', repeat).parseArg?.(text, former as readonly never[]),
      undefined,
    );
  expect(read(true, 'sctp', 'tcp', 'sctp')).toEqual(['sctp', 'tcp']);
  expect(read(false, 'mptcp')).toEqual(['mptcp']);
  expect(() => read(false, 'tcp', 'sctp')).toThrow('It is said once.');
  expect(() => read(true, 'udp')).toThrow('It is one of tcp, mptcp, sctp.');
});

test('what is no PEM file is told', () => {
  const file = `${folder}/x`;
  writeFileSync(file, 'hello');
  expect(() => readMobilitySecurity({ cert: file, key: file, ca: file }, at('::1'))).toThrow(
    `--cert ${file} is no PEM file`,
  );
});

test.each([
  { text: '127.0.0.1:5000', value: { host: '127.0.0.1', port: 5000 } },
  { text: 'manager.example', value: { host: 'manager.example', port: 49877 } },
  { text: '[2001:db8::1]:5000', value: { host: '2001:db8::1', port: 5000 } },
])('$text', ({ text, value }) => {
  expect(hostAndPortOption('--manager <x>', '', 1).parseArg?.(text, undefined)).toEqual(value);
});

test.each(['', ':5000', '127.0.0.1:0', '127.0.0.1:70000', '2001:db8::1', '[127.0.0.1]:1'])(
  '%j is no host and port',
  (text) => {
    expect(() => hostAndPortOption('--manager <x>', '', 1).parseArg?.(text, undefined)).toThrow('HOST:PORT');
  },
);

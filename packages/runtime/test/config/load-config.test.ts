// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, type ConfigSources, configOptions, loadConfig } from '@vnfpool/runtime/config';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { temporaryFolder } from '../temporary-folder.ts';

const schema = z.strictObject({
  name: z.string().describe('Name of this daemon'),
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: z.number().int().min(0).max(65_535).default(3864),
    })
    .prefault({}),
  addresses: z.array(z.ipv4()).default([]),
  plainText: z.boolean().default(false),
  token: z.string().optional(),
});

function file(text: string): string {
  const path = join(temporaryFolder(), 'daemon.yaml');
  writeFileSync(path, text);
  return path;
}

function faults(sources: ConfigSources) {
  try {
    loadConfig(schema, sources);
  } catch (error) {
    if (error instanceof ConfigError)
      return error.faults.map(({ path, source }) => `${path} ${source}`).toSorted();
    throw error;
  }
  return [];
}

test('knows its options', () => {
  expect(configOptions(schema)).toEqual([
    {
      path: ['name'],
      flag: 'name',
      variable: 'VNFPOOL_NAME',
      kind: 'text',
      description: 'Name of this daemon',
      default: undefined,
      required: true,
    },
    {
      path: ['listen', 'host'],
      flag: 'listen-host',
      variable: 'VNFPOOL_LISTEN_HOST',
      kind: 'text',
      description: '',
      default: '127.0.0.1',
      required: false,
    },
    {
      path: ['listen', 'port'],
      flag: 'listen-port',
      variable: 'VNFPOOL_LISTEN_PORT',
      kind: 'number',
      description: '',
      default: 3864,
      required: false,
    },
    {
      path: ['addresses'],
      flag: 'addresses',
      variable: 'VNFPOOL_ADDRESSES',
      kind: 'list',
      description: '',
      default: [],
      required: false,
    },
    {
      path: ['plainText'],
      flag: 'plain-text',
      variable: 'VNFPOOL_PLAIN_TEXT',
      kind: 'truth',
      description: '',
      default: false,
      required: false,
    },
    {
      path: ['token'],
      flag: 'token',
      variable: 'VNFPOOL_TOKEN',
      kind: 'text',
      description: '',
      default: undefined,
      required: false,
    },
  ]);
});

test('file < environment < flags', () => {
  const path = file('name: a\nlisten: { host: 10.0.0.1, port: 1 }\nplainText: true\n');
  const environment = {
    VNFPOOL_LISTEN_PORT: '2',
    VNFPOOL_NAME: 'b',
    VNFPOOL_ADDRESSES: '10.0.0.1, 10.0.0.2',
    VNFPOOL_TOKEN: '',
  };
  expect(loadConfig(schema, { file: path, environment, flags: ['--name=c', '--no-plain-text'] })).toEqual({
    config: {
      name: 'c',
      listen: { host: '10.0.0.1', port: 2 },
      addresses: ['10.0.0.1', '10.0.0.2'],
      plainText: false,
    },
    checkOnly: false,
  });
  const given = loadConfig(schema, { flags: ['--config', path, '--listen-port', '7', '--check-config'] });
  expect(given).toMatchObject({
    config: { name: 'a', listen: { port: 7 }, plainText: true },
    checkOnly: true,
  });
});

test('defaults do when nothing is said', () => {
  expect(loadConfig(schema, { flags: ['--name', 'a'] }).config).toEqual({
    name: 'a',
    listen: { host: '127.0.0.1', port: 3864 },
    addresses: [],
    plainText: false,
  });
});

test('all faults come at once, with path and source', () => {
  const path = file('listen: { port: 70000, hots: x }\ncolour: red\nplainText: maybe\n');
  expect(
    faults({
      file: path,
      environment: { VNFPOOL_ADDRESSES: '10.0.0.1,x' },
      flags: ['--listen-hots=1', '--token', '--plain-text=perhaps'],
    }),
  ).toEqual([
    '(top) file',
    '--listen-hots=1 flags',
    '--token flags',
    'addresses.1 environment',
    'listen file',
    'listen.port file',
    'name default',
    'plainText flags',
  ]);
});

test.each([
  [
    'a file that is not there',
    { file: '/nonexistent/x.yaml', flags: ['--name=a'] },
    ['/nonexistent/x.yaml file'],
  ],
  ['a word that is no flag', { flags: ['--name=a', 'extra'] }, ['extra flags']],
  ['a text where a number is due', { flags: ['--name=a', '--listen-port=http'] }, ['listen.port flags']],
  ['an empty number', { flags: ['--name=a', '--listen-port='] }, ['listen.port flags']],
])('refuses %s', (_, sources, expected) => {
  expect(faults(sources)).toEqual(expected);
});

test('refuses a file that is no map, or no YAML', () => {
  for (const text of ['- a\n', 'a: [', 'just text']) {
    const path = file(text);
    expect(faults({ file: path, flags: ['--name=a'] })).toEqual([`${path} file`]);
  }
});

// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CliError } from '../../src/errors.ts';
import { processIo } from '../../src/io.ts';
import { readCatalogue, readSpecification } from '../../src/mobility/specification-file.ts';

const ioWith = (text: string) => ({ ...processIo(), readText: () => Promise.resolve(text) });

test('a specification is YAML or JSON; its version and kind need not be said', async () => {
  const expected = { v: 1, kind: 'process', command: ['/bin/hss', '--port', '{port}'], port: 0 };
  expect(await readSpecification('f', ioWith('command: [/bin/hss, --port, "{port}"]\nport: 0\n'))).toEqual(
    expected,
  );
  expect(await readSpecification('f', ioWith(JSON.stringify(expected)))).toEqual(expected);
});

test('a catalogue has a program for each name', async () => {
  const catalogue = await readCatalogue(
    'f',
    ioWith('HSS:\n  command: [/bin/hss]\nP-CSCF: {command: [/bin/p]}\n'),
  );
  expect([...catalogue]).toEqual([
    ['HSS', { v: 1, kind: 'process', command: ['/bin/hss'] }],
    ['P-CSCF', { v: 1, kind: 'process', command: ['/bin/p'] }],
  ]);
});

test('the catalogue in the guide is one', async () => {
  const guide = readFileSync(new URL('../../../../docs/service-mobility.md', import.meta.url), 'utf8');
  const [, yaml = ''] = /```yaml\n(# programs\.yaml\n[^]*?)```/.exec(guide) ?? [];
  expect([...(await readCatalogue('f', ioWith(yaml))).keys()]).toEqual(['HSS', 'P-CSCF']);
});

describe('faults name their place', () => {
  test.each([
    { text: 'HSS:\n  command: [/bin/hss', says: /^programs\.yaml:2:21 / },
    { text: '- a', says: 'programs.yaml: it must map function names to specifications' },
    { text: '', says: 'programs.yaml: it must map function names to specifications' },
    { text: 'HSS: /bin/hss', says: 'programs.yaml: HSS must be a function specification' },
    { text: 'HSS: {command: []}', says: 'programs.yaml: HSS.command must name a program' },
    { text: 'HSS: {v: 2, command: [a]}', says: /^programs\.yaml: HSS/ },
    { text: 'HSS: {command: [a], comand: [b]}', says: 'programs.yaml: HSS.comand is not known' },
    { text: 'HSS: {container: {rootfs: /srv/hss}}', says: 'programs.yaml: HSS.command must name a program' },
    {
      text: 'HSS: {command: [a], container: {rootfs: srv}}',
      says: /HSS\.container\.rootfs must be an absolute/,
    },
    { text: 'HSS: {command: [a], kind: unikernel}', says: /HSS\.kind unikernel is not available/ },
    { text: `${'x'.repeat(256)}: {command: [a]}`, says: 'a function name has 1 to 255 octets' },
  ])('$text', async ({ text, says }) => {
    const reading = readCatalogue('programs.yaml', ioWith(text));
    await expect(reading).rejects.toThrow(CliError);
    await expect(reading).rejects.toThrow(says);
  });

  test('a file that is not there', async () => {
    await expect(readSpecification('/nowhere/x.yaml', processIo())).rejects.toThrow(
      '/nowhere/x.yaml cannot be read',
    );
  });
});

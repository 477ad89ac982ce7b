// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '@vnfpool/core/declared';
import { expect, test } from 'vitest';
import { LineCounter, parseDocument } from 'yaml';
import { findingsOf } from '../../src/declaration/findings.ts';
import { readDeclaration } from '../../src/declaration/index.ts';
import { positionOf } from '../../src/declaration/positions.ts';
import { checkSharing, normalSharing, sharingSchema } from '../../src/declaration/sharing.ts';

const pool: Pick<DeclaredPool, 'redundancy' | 'addresses'> = {
  redundancy: { slots: 1, standbys: 2, spares: 1 },
  addresses: [],
};

/** The normal form of the value of `sharing`, or its faults with line and column. */
function read(lines: string): unknown {
  const counter = new LineCounter();
  const document = parseDocument(`sharing:\n${lines}\n`, { lineCounter: counter });
  const { sharing } = document.toJS() as { sharing: unknown };
  const parsed = sharingSchema.safeParse(sharing);
  const findings = parsed.success
    ? checkSharing(['sharing'], parsed.data, pool)
    : findingsOf(parsed.error.issues, ['sharing']);
  const faults = findings.map(({ path, message }) => {
    const { line, column } = positionOf(document, counter, path);
    return `${line}:${column} ${path.map(String).join('.')}: ${message}`;
  });
  return parsed.success && faults.length === 0 ? normalSharing(parsed.data).sharing : faults;
}

test.each<[string, string, object]>([
  [
    'held output',
    '  { method: [replicate, checkpoint], loss: 0, acknowledged: 1, recovery: real-time, overload: block }',
    {
      methods: ['replicate', 'checkpoint'],
      loss: 0,
      acknowledged: 1,
      recovery: 'real-time',
      overload: 'block',
    },
  ],
  [
    'a bound in time',
    '  { method: [checkpoint], loss: 1.5s }',
    { methods: ['checkpoint'], loss: { ms: 1_500 } },
  ],
  [
    'a bound in updates',
    '  { method: [replicate], loss: 100 }',
    { methods: ['replicate'], loss: { updates: 100 } },
  ],
  [
    'connections',
    '  { method: [conntrack], mappingLoss: 0, granularity: flow, format: pfsync }',
    { methods: ['conntrack'], mappingLoss: 0, granularity: 'flow', encoding: 'pfsync' },
  ],
  [
    'a store, and all else',
    '  method: [shared]\n  store: valkey\n  schema: kv/12\n  rate: 5000\n  window: 64KiB\n  integrity: true\n  encryption: true\n  securityState: sealed',
    {
      methods: ['shared'],
      store: 'valkey',
      schema: { id: 'kv', version: 12 },
      updatesPerSecond: 5_000,
      windowOctets: 65_536,
      integrity: true,
      encryption: true,
      securityState: 'sealed',
    },
  ],
  [
    'what is so by default is not told',
    '  { method: [none], integrity: false, encryption: false, securityState: excluded }',
    { methods: ['none'] },
  ],
])('%s', (_, lines, expected) => {
  expect(read(lines)).toEqual(expected);
});

test('absent when not given', () => {
  expect(normalSharing(undefined)).toEqual({});
});

test.each<[string, string, readonly string[]]>([
  ['no method', '  { loss: 0 }', ['1:1 sharing.method: method is missing; it must be a list']],
  ['an empty list', '  { method: [] }', ['2:5 sharing.method: must name at least one method']],
  [
    'an unknown method',
    '  method:\n  - replicate\n  - hope',
    ['4:5 sharing.method.1: must be one of none, cookie, checkpoint, replicate, gossip, shared, conntrack'],
  ],
  ['twice', '  { method: [gossip, gossip] }', ['2:22 sharing.method.1: gossip is named twice']],
  [
    'shared without a store',
    '  { method: [cookie, shared] }',
    ['2:22 sharing.method.1: needs the key store: where the state lives'],
  ],
  [
    'a store of nothing',
    '  method: [gossip]\n  store: x',
    ['3:3 sharing.store: belongs to the method shared'],
  ],
  [
    'more acknowledgements than standbys',
    '  method: [replicate]\n  acknowledged: 3',
    ['3:3 sharing.acknowledged: must not be more than the standbys of the pool, which are 2'],
  ],
  [
    'secrets in the open',
    '  method: [replicate]\n  securityState: sealed',
    ['3:3 sharing.securityState: needs the key encryption with the value true'],
  ],
  [
    'a loss that is none',
    '  method: [replicate]\n  loss: little',
    [
      '3:3 sharing.loss: must be 0, a whole number of updates up to 1000000000, or a duration with a unit (ms, s or m) from 1ms to 60m',
    ],
  ],
  ['half an update', '  { method: [replicate], loss: 0.5 }', ['2:26 sharing.loss: must be 0, a whole']],
  [
    'a mapping or two',
    '  { method: [conntrack], mappingLoss: 2 }',
    ['2:26 sharing.mappingLoss: must be one of 0'],
  ],
  [
    'a schema without a version',
    '  { method: [replicate], schema: kv }',
    ['2:26 sharing.schema: must be a name and a version, such as kv/1'],
  ],
  [
    'a class',
    '  { method: [replicate], recovery: soon }',
    ['2:26 sharing.recovery: must be one of real-time, '],
  ],
  ['an unknown key', '  { method: [replicate], k: 2 }', ['2:26 sharing.k: unknown key "k"']],
  [
    'several at once',
    '  method: replicate\n  rate: 0\n  window: 5\n  encryption: perhaps',
    [
      '2:3 sharing.method: must be a list',
      '3:3 sharing.rate: must be a whole number from 1 to 1000000000',
      '4:3 sharing.window: must be a size with a unit',
      '5:3 sharing.encryption: must be true or false',
    ],
  ],
])('a fault, with its place: %s', (_, lines, expected) => {
  const faults = read(lines) as readonly string[];
  expect(faults).toEqual(expected.map((each) => expect.stringContaining(each)));
});

test('no pool has the key as long as no node carries it out', () => {
  const declared = readDeclaration(
    'set: s\nnodes: [a]\npools:\n  kv:\n    function: { program: x, port: 80 }\n    sharing: { method: [none] }\n',
    '/srv/s.yaml',
  );
  expect(declared).toMatchObject({
    faults: [
      { line: 6, path: 'pools.kv.sharing', message: expect.stringContaining('unknown key "sharing"') },
    ],
  });
});

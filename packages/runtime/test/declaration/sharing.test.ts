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
    '  { method: [replicate, checkpoint], store: main, loss: 0, acknowledged: 1, recovery: real-time, overload: block }',
    {
      methods: ['replicate', 'checkpoint'],
      store: 'main',
      loss: 0,
      acknowledged: 1,
      recovery: 'real-time',
      overload: 'block',
    },
  ],
  [
    'a bound in time',
    '  { method: [checkpoint], store: main, loss: 1.5s }',
    { methods: ['checkpoint'], store: 'main', loss: { ms: 1_500 }, lastResortMs: 10_000 },
  ],
  [
    'checkpoints that are kept',
    '  { method: [checkpoint], store: main, keep: 100 }',
    { methods: ['checkpoint'], store: 'main', keepFull: 100, lastResortMs: 10_000 },
  ],
  [
    'cookies',
    '  { method: [cookie], loss: 0, age: 90m }',
    { methods: ['cookie'], loss: 0, cookieAgeMs: 5_400_000 },
  ],
  [
    'a bound in updates',
    '  { method: [replicate], loss: 100 }',
    { methods: ['replicate'], loss: { updates: 100 }, lastResortMs: 10_000 },
  ],
  [
    'connections',
    '  { method: [conntrack], mappingLoss: 0, granularity: flow, format: conntrack }',
    {
      methods: ['conntrack'],
      mappingLoss: 0,
      granularity: 'flow',
      encoding: 'conntrack',
      lastResortMs: 10_000,
    },
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
      lastResortMs: 10_000,
    },
  ],
  [
    'a last resort that is asked for, whatever may be lost',
    '  { method: [replicate], loss: 0, lastResort: 1m }',
    { methods: ['replicate'], loss: 0, lastResortMs: 60_000 },
  ],
  [
    'no last resort, though something may be lost',
    '  { method: [replicate], loss: 5, lastResort: never }',
    { methods: ['replicate'], loss: { updates: 5 } },
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
    'more checkpoints than are kept',
    '  { method: [checkpoint], store: x, keep: 101 }',
    ['2:37 sharing.keep: must be a whole number from 2 to 100'],
  ],
  [
    'one checkpoint, behind which there is none',
    '  { method: [checkpoint], store: x, keep: 1 }',
    ['2:37 sharing.keep: must be a whole number from 2 to 100'],
  ],
  [
    'checkpoints of what has none',
    '  { method: [shared], store: x, keep: 5 }',
    ['2:33 sharing.keep: belongs to the method checkpoint'],
  ],
  [
    'cookies that are too old',
    '  { method: [cookie], age: 10081m }',
    ['2:23 sharing.age: must be a duration with a unit (ms, s or m), from 1m to 10080m; got "10081m"'],
  ],
  [
    'cookies of what has none',
    '  { method: [none], age: 60m }',
    ['2:21 sharing.age: belongs to the method cookie'],
  ],
  [
    'a store of nothing',
    '  method: [gossip]\n  store: x',
    ['3:3 sharing.store: belongs to the methods checkpoint and shared'],
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
  [
    'a last resort at some time',
    '  { method: [replicate], lastResort: later }',
    ['2:26 sharing.lastResort: must be never, or a duration with a unit (ms, s or m) from 0ms to 1440m'],
  ],
  [
    'a format that no agent carries',
    '  { method: [conntrack], format: pfsync }',
    ['2:26 sharing.format: must be one of opaque, json, conntrack'],
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

/** Faults of a set whose pool kv asks for this, with line and column. */
function faultsOf(sharing: string, state: string, redundancy = '{ model: 1+1 }', stores = ''): string[] {
  const text = `set: s
nodes: [a, b, c]
pools:
  kv:
    function: { program: x, port: 80, state: ${state} }
    redundancy: ${redundancy}
    sharing: ${sharing}
${stores}`;
  const read = readDeclaration(text, '/srv/s.yaml');
  return 'set' in read
    ? []
    : read.faults.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
}

const SHARES = '{ via: socket, shares: true, format: kv/1 }';
const gossip =
  '{ method: gossip, granularity: key, format: { encoding: opaque, schema: kv, version: 1 }, recovery: near, protection: { integrity: true, encryption: true, securityState: excluded }, updatesPerSecond: 1, windowOctets: 1, overload: block }';
const flows = (change: string): string =>
  `{ method: conntrack, format: { encoding: conntrack, version: 1 }, recovery: near, protection: { integrity: true, encryption: true, securityState: excluded }, updatesPerSecond: 1, windowOctets: 1, lagMs: 500, defer: false, overload: degrade, ${change} }`;

test.each<[string, string, string]>([
  ['held output', '{ method: [replicate], loss: 0 }', SHARES],
  ['a bound and two who acknowledge', '{ method: [replicate], loss: 2s, acknowledged: 1 }', SHARES],
  [
    'secrets under a seal',
    '{ method: [replicate], loss: 0, encryption: true, securityState: sealed }',
    SHARES,
  ],
  [
    'secrets that are made anew',
    '{ method: [replicate], encryption: true, securityState: re-derive }',
    SHARES,
  ],
  [
    'connections, and no mapping lost',
    '{ method: [conntrack], loss: 1s, mappingLoss: 0 }',
    '{ via: conntrack }',
  ],
  ['nothing, said so', '{ method: [none] }', '{ via: socket }'],
  ['cookies, which the function leaves', '{ method: [cookie], loss: 0 }', '{ via: socket }'],
  ['the next best', '{ method: [replicate, cookie, none], rate: 1000000 }', SHARES],
  ['many updates a second', '{ method: [replicate], loss: 0, rate: 100000 }', SHARES],
  ['many connections a second', '{ method: [conntrack], rate: 50000 }', '{ via: conntrack }'],
])('a pool may ask for it: %s', (_, sharing, state) => {
  expect(faultsOf(sharing, state)).toEqual([]);
});

test.each<[string, string, string | null]>([
  ['a folder', 'file:///mnt/shared/vnfpool', null],
  ['Valkey', 'redis://store:6379/2', null],
  [
    'another host in the address of a folder',
    'file://mnt/x',
    '8:11 stores.main: must name a folder of this host',
  ],
  ['anything else', 'http://store', '8:11 stores.main: must be file:///folder'],
  ['an etcd', 'etcd://store', '7:38 pools.kv.sharing.store: must not be an etcd, whose values are too small'],
])('checkpoints go to a store of the set: %s', (_, address, fault) => {
  const sharing = '{ method: [checkpoint], store: main, loss: 2s }';
  const faults = faultsOf(sharing, SHARES, '{ slots: 1 }', `stores: { main: "${address}" }\n`);
  expect(faults).toEqual(fault === null ? [] : [expect.stringContaining(fault)]);
});

test.each<[string, string, string | null]>([
  ['Valkey', 'rediss://store:6379/2', null],
  ['etcd', 'etcds://user:secret@a,b:2380', null],
  [
    'no folder',
    'file:///mnt/shared/vnfpool',
    '7:34 pools.kv.sharing.store: must not be a folder, which cannot refuse what a stale holder writes',
  ],
])('state is shared in a store of the set: %s', (_, address, fault) => {
  const sharing = '{ method: [shared], store: main, loss: 0 }';
  const faults = faultsOf(sharing, SHARES, '{ slots: 1 }', `stores: { main: "${address}" }\n`);
  expect(faults).toEqual(fault === null ? [] : [expect.stringContaining(fault)]);
});

test.each<[string, string, string, string, string]>([
  [
    'a store that is not declared',
    '{ method: [checkpoint], store: main }',
    SHARES,
    '{ model: 1+1 }',
    '7:38 pools.kv.sharing.store: must be one of the stores of the set',
  ],
  [
    'a function that does not share',
    '{ method: [replicate], loss: 0 }',
    '{ via: socket }',
    '{ model: 1+1 }',
    '7:16 pools.kv.sharing.method: cannot be had: replicate of kv: it offers no replicate; a function offers replicate by state: { via: socket, shares: true }',
  ],
  [
    'nobody to share with',
    '{ method: [replicate] }',
    SHARES,
    '{ slots: 2 }',
    '7:16 pools.kv.sharing.method: cannot be had: replicate of kv: there is nobody to send the state to: the pool declares no standbys',
  ],
  [
    'more updates a second than one standby is known to take',
    '{ method: [replicate], rate: 100001 }',
    SHARES,
    '{ model: 1+1 }',
    'it carries 100000 updates a second, and the pool asks for 100001',
  ],
  [
    'more connections a second than one standby is known to take',
    '{ method: [conntrack], rate: 50001 }',
    '{ via: conntrack }',
    '{ model: 1+1 }',
    'it carries 50000 updates a second, and the pool asks for 50001',
  ],
  [
    'mappings of a program',
    '{ method: [conntrack], mappingLoss: 0 }',
    SHARES,
    '{ model: 1+1 }',
    '7:16 pools.kv.sharing.method: cannot be had: conntrack of kv: it offers no conntrack',
  ],
  [
    'secrets of the kernel',
    '{ method: [conntrack], encryption: true, securityState: sealed }',
    '{ via: conntrack }',
    '{ model: 1+1 }',
    'pools.kv.sharing.method: cannot be had: conntrack of kv: security state is excluded, and the pool asks for sealed: the kernel marks no connection as secret',
  ],
  [
    'connections of several slots at one standby, in its kernel',
    '{ method: [none, conntrack] }',
    '{ via: conntrack, standby: kernel }',
    '{ slots: 2, standbys: 1 }',
    '7:31 pools.kv.sharing.method.1: conntrack with standby: kernel is for a pool with one slot, and this one has 2',
  ],
  [
    'connections of several slots at one instance',
    '{ method: [conntrack] }',
    '{ via: conntrack }',
    '{ model: n-way, slots: 3, instances: 2 }',
    '7:25 pools.kv.sharing.method.0: conntrack needs instances that hold one slot each',
  ],
  [
    'a last resort of cookies',
    '{ method: [cookie], lastResort: 10s }',
    SHARES,
    '{ model: 1+1 }',
    '7:34 pools.kv.sharing.lastResort: belongs to the methods replicate, conntrack, checkpoint and shared',
  ],
  [
    'sharing by hooks',
    '{ method: [none] }',
    '{ via: conntrack, shares: true }',
    '{ model: 1+1 }',
    '5:64 pools.kv.function.state.shares: belongs to socket',
  ],
  [
    'an offer that is none',
    '{ method: [none] }',
    '{ via: socket, shares: true, offers: [{ method: replicate, consistency: held }] }',
    '{ model: 1+1 }',
    '5:84 pools.kv.function.state.offers.0.recovery: is missing',
  ],
  [
    'an offer of gossip that would wait',
    '{ method: [none] }',
    `{ via: socket, merges: true, offers: [${gossip}] }`,
    '{ model: 1+1 }',
    '5:304 pools.kv.function.state.offers.0.overload: a change waits for no other instance: must be degrade',
  ],
  [
    'an offer of gossip by a function that merges nothing',
    '{ method: [none] }',
    `{ via: socket, shares: true, offers: [${gossip.replace('block', 'degrade')}] }`,
    '{ model: 1+1 }',
    '5:86 pools.kv.function.state.offers.0.method: gossip needs via socket and merges true',
  ],
  [
    'gossip of a function that merges nothing',
    '{ method: [gossip] }',
    SHARES,
    '{ model: n-way, slots: 3, instances: 3 }',
    '7:16 pools.kv.sharing.method: cannot be had: gossip of kv: it offers no gossip; a function offers gossip by state: { via: socket, merges: true }',
  ],
  [
    'gossip where one instance is active',
    '{ method: [gossip] }',
    '{ via: socket, merges: true }',
    '{ model: 1+1 }',
    '7:16 pools.kv.sharing.method: cannot be had: gossip of kv: gossip is for pools where several instances are active, and here one is',
  ],
  [
    'gossip that loses nothing',
    '{ method: [gossip], loss: 0 }',
    '{ via: socket, merges: true }',
    '{ model: n-way, slots: 3, instances: 3 }',
    '7:16 pools.kv.sharing.method: cannot be had: gossip of kv: gossip is eventual: nothing bounds what a failover loses, and the pool asks for loss 0',
  ],
  [
    'merging by hooks',
    '{ method: [none] }',
    '{ via: conntrack, merges: true }',
    '{ model: 1+1 }',
    '5:64 pools.kv.function.state.merges: belongs to socket',
  ],
])('a pool is refused before anything runs: %s', (_, sharing, state, redundancy, fault) => {
  expect(faultsOf(sharing, state, redundancy)).toEqual([expect.stringContaining(fault)]);
});

test('what a function that shares nothing lacks for a store is told', () => {
  const sharing = '{ method: [shared], store: main, loss: 0 }';
  const stores = 'stores: { main: "redis://store" }\n';
  expect(faultsOf(sharing, '{ via: socket }', '{ model: 1+1 }', stores)).toEqual([
    '7:16 pools.kv.sharing.method: cannot be had: shared of kv: it offers no shared; a function offers shared by state: { via: socket, shares: true }',
  ]);
});

test.each([
  [
    'new flows are refused',
    'overload: shed',
    'overload: the kernel refuses no new flows for it yet: must be degrade',
  ],
  [
    'secrets',
    'protection: { integrity: true, encryption: true, securityState: sealed }',
    'protection: the kernel marks no connection as secret: securityState must be excluded',
  ],
  [
    'pfsync',
    'format: { encoding: pfsync, version: 6 }',
    'format: pfsync is not carried out by node agents yet: must be conntrack',
  ],
])('an offer of connections that agents do not keep: %s', (_, change, fault) => {
  // The later of two keys would be a mistake of the file: the first one goes.
  const [key = ''] = change.split(':');
  const offer = flows(change).replace(new RegExp(` ${key}: (?:\\{[^}]*\\}|[a-z]+),`), '');
  expect(faultsOf('{ method: [none] }', `{ via: conntrack, offers: [${offer}] }`)).toEqual(
    expect.arrayContaining([expect.stringContaining(`pools.kv.function.state.offers.0.${fault}`)]),
  );
});

test('the offers of a function stand in place of those that follow from it', () => {
  const offer =
    '{ method: replicate, consistency: held, acknowledged: 1, granularity: session, format: { encoding: json, schema: kv, version: 2 }, recovery: real-time, protection: { integrity: true, encryption: true, securityState: excluded }, updatesPerSecond: 20000, windowOctets: 65536, overload: shed }';
  const state = `{ via: socket, shares: true, offers: [${offer}] }`;
  expect(
    faultsOf('{ method: [replicate], loss: 0, granularity: session, recovery: real-time }', state),
  ).toEqual([]);
  expect(faultsOf('{ method: [replicate], granularity: session }', SHARES)).toEqual([
    expect.stringContaining('state is kept by key, and the pool asks for session'),
  ]);
});

test('a pool with several active instances may ask for gossip', () => {
  expect(
    faultsOf(
      '{ method: [gossip] }',
      '{ via: socket, merges: true }',
      '{ model: n-way, slots: 3, instances: 3 }',
    ),
  ).toEqual([]);
  expect(faultsOf('{ method: [gossip, none] }', '{ via: socket, merges: true }', '{ slots: 2 }')).toEqual([]);
});

test('a store that the set does not have is refused at its place', () => {
  expect(faultsOf('{ method: [replicate, shared], store: main }', SHARES, '{ model: 1+1 }')).toEqual([
    expect.stringContaining('7:45 pools.kv.sharing.store: must be one of the stores of the set'),
  ]);
});

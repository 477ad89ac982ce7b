// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DeclaredSet } from '@vnfpool/core/declared';
import { describe, expect, test } from 'vitest';
import { readDeclaration } from '../../src/declaration/index.ts';

const EXAMPLES = fileURLToPath(new URL('../../../../examples', import.meta.url));
const EXAMPLE = `${EXAMPLES}/edge/set.yaml`;

function setOf(text: string): DeclaredSet {
  const read = readDeclaration(text, '/srv/edge/set.yaml');
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  return read.set;
}

/** Faults as `line:column path: message`. */
function faultsOf(text: string): string[] {
  const read = readDeclaration(text, 'set.yaml');
  return 'faults' in read ? read.faults.map((f) => `${f.line}:${f.column} ${f.path}: ${f.message}`) : [];
}

const small = (pool: string, rest = ''): string =>
  `set: s\nnodes: [a, b, c]\npools:\n  web:\n    function: { program: p, port: 80 }\n${pool}${rest}`;

describe('a declaration', () => {
  test('every example of a set is without faults', () => {
    const files = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /(^|\/)set\.yaml$/.test(name),
    );
    expect(files.length).toBeGreaterThan(1);
    for (const file of files)
      expect([file, faultsOf(readFileSync(`${EXAMPLES}/${file}`, 'utf8'))]).toEqual([file, []]);
  });

  test.each([
    ['nothing said', '{}', { leaseMs: 300 }],
    ['a profile', '{ profile: fast }', { leaseMs: 24 }],
    ['a lease', '{ lease: 60ms }', { leaseMs: 60 }],
    ['an outage', '{ within: 200ms }', { leaseMs: 168, withinMs: 200 }],
  ])('the pace of failover: %s', (_, failover, normal) => {
    expect(setOf(small(`    failover: ${failover}`)).pools[0]?.failover).toEqual(normal);
  });

  test('the example is read, and twice the same', () => {
    const text = readFileSync(EXAMPLE, 'utf8');
    const set = setOf(text);
    expect(set.pools.map(({ name }) => name)).toEqual(['web', 'calc']);
    expect(set.pools[0]?.redundancy).toEqual({ slots: 1, standbys: 1, spares: 1 });
    expect(setOf(text)).toEqual(set);
  });

  test('defaults are filled in, durations are milliseconds, directories are absolute', () => {
    const set = setOf(
      'set: s\nnodes: { a: {}, b: }\npools:\n  web:\n    function: { program: p, directory: ../x, stop: { grace: 1.5s } }\n    failover: { lease: 2s }\nprobes: [{ pool: web, every: 1m }]',
    );
    expect(set).toEqual({
      name: 's',
      nodes: [{ name: 'a' }, { name: 'b' }],
      councils: [{ name: 'main', members: ['a'] }],
      pools: [
        {
          name: 'web',
          council: 'main',
          function: {
            program: 'p',
            arguments: [],
            environment: {},
            directory: '/srv/x',
            port: 0,
            health: { type: 'tcp', intervalMs: 500, timeoutMs: 400, rise: 1, fall: 2 },
            stop: { signal: 'SIGTERM', graceMs: 1500 },
          },
          redundancy: { slots: 1, standbys: 0, spares: 0 },
          policy: 'round-robin',
          addresses: [],
          failover: { leaseMs: 2000 },
        },
      ],
      probes: [{ pool: 'web', everyMs: 60_000, deadlineMs: 250, path: '/' }],
    });
  });

  test('of several councils a pool belongs to the one that it names, else to the first', () => {
    const set = setOf(
      'set: s\nnodes: [a, b]\ncouncils: { east: [a], west: [b] }\npools:\n  web: { function: { program: p } }\n  calc: { function: { program: p }, council: west }',
    );
    expect(set.councils).toEqual([
      { name: 'east', members: ['a'] },
      { name: 'west', members: ['b'] },
    ]);
    expect(set.pools.map(({ name, council }) => [name, council])).toEqual([
      ['web', 'east'],
      ['calc', 'west'],
    ]);
  });

  test('every fault is told at once, with its place', () => {
    expect(
      faultsOf(
        'set: Edge\nnodes: [a, 5]\ncouncl: [a]\npools:\n  web:\n    function: { progam: node, port: 99999, arguments: [1] }\n    policy: prio\n  calc: 5\n',
      ),
    ).toEqual([
      '1:1 set: must be a name: a small letter, then at most 30 small letters, digits or hyphens',
      '2:12 nodes.1: must be text',
      '3:1 councl: unknown key "councl"; did you mean council?',
      '6:5 pools.web.function.program: program is missing; it must be text',
      '6:17 pools.web.function.progam: unknown key "progam"; did you mean program?',
      '6:31 pools.web.function.port: must be a whole number from 0 to 65535',
      '6:56 pools.web.function.arguments.0: must be text: put it in quotes',
      '7:5 pools.web.policy: must be one of round-robin, least-used, priority',
      '8:3 pools.calc: must be a map of keys and values',
    ]);
  });

  test.each([
    ['an even council', small('', 'council: [a, b]'), 'council: must name 1, 3 or 5 nodes; it names 2'],
    [
      'a council of seven',
      small('', 'council: [a, b, c, a, b, c, a]'),
      'must name 1, 3 or 5 nodes; it names 7',
    ],
    [
      'a stranger in the council',
      'set: s\nnodes: [node-a]\ncouncil: [node-b]\npools: {}',
      'council.0: there is no node node-b; did you mean node-a?',
    ],
    [
      'a council of two among several',
      'set: s\nnodes: [a, b]\ncouncils: { one: [a], two: [a, b] }\npools: {}',
      'councils.two: must name 1, 3 or 5 nodes; it names 2',
    ],
    [
      'one council beside several',
      'set: s\nnodes: [a, b]\ncouncil: [a]\ncouncils: { two: [b] }\npools: {}',
      'councils: stands in place of council, not beside it',
    ],
    [
      'a pool of a council that is not there',
      'set: s\nnodes: [a, b]\ncouncils: { east: [a], west: [b] }\npools:\n  web:\n    function: { program: p }\n    council: wst',
      'pools.web.council: there is no council wst; did you mean west?',
    ],
    ['a node named twice', 'set: s\nnodes: [a, a]\npools: {}', 'nodes.1: a is named twice'],
    [
      'more instances than nodes',
      small('    redundancy: { slots: 2, standbys: 2 }'),
      'pools.web.redundancy: asks for 4 instances (2 slots, 2 standbys, 0 spares), but there are 3 nodes that run functions',
    ],
    [
      'too few addresses',
      small('    redundancy: { slots: 2 }\n    address: 10.0.0.1/24'),
      'pools.web.address: must give one address for each of the 2 slots, or none; it gives 1',
    ],
    [
      'an address without prefix',
      small('    address: 10.0.0.1'),
      'pools.web.address: must be an IPv4 address with prefix length, such as 10.77.0.100/24; got "10.0.0.1"',
    ],
    ['an octet too large', small('    address: 10.0.0.256/24'), 'must be an IPv4 address with prefix length'],
    ['a leading zero', small('    address: 10.0.0.010/24'), 'must not have leading zeros'],
    ['a loopback address', small('    address: 127.0.0.5/8'), '127.0.0.5 is reserved'],
    [
      'both address keys',
      small('    address: 10.0.0.1/24\n    addresses: [10.0.0.1/24]'),
      'give either address or addresses, not both',
    ],
    [
      'one address in two pools',
      small(
        '    address: 10.0.0.1/24\n',
        '  two: { function: { program: p, port: 1 }, address: 10.0.0.1/16 }',
      ),
      'pools.two.address: 10.0.0.1 is given twice; pool web has it already',
    ],
    [
      'an address without port',
      'set: s\nnodes: [a]\npools: { web: { function: { program: p }, address: 10.0.0.1/24 } }',
      'pools.web.function.port: a pool with a virtual address needs a fixed port from 1 to 65535',
    ],
    [
      'a lease too short',
      small('    failover: { lease: 23ms }'),
      'pools.web.failover.lease: must be a duration with a unit (ms, s or m), from 24ms to 1m; got "23ms"',
    ],
    ['a lease too long', small('    failover: { lease: 61s }'), 'from 24ms to 1m; got "61s"'],
    [
      'an outage that no lease can keep',
      small('    failover: { within: 20ms }'),
      'pools.web.failover.within: cannot be met: a dead node is replaced within 40ms at the least (24 ms lease, 6 ms for the second in the queue, 6 ms for two durable rounds, 4 ms to take over); ask for 40ms or more',
    ],
    [
      'two paces at once',
      small('    failover: { profile: fast, lease: 1s }'),
      'pools.web.failover.lease: give one of profile and lease, not both',
    ],
    ['a duration without unit', small('    failover: { lease: 300 }'), 'must be a duration with a unit'],
    [
      'a probe of no pool',
      small('', 'probes: [{ pool: wbe }]'),
      'probes.0.pool: there is no pool wbe; did you mean web?',
    ],
    [
      'a name with a large letter',
      'set: s\nnodes: [a]\npools: { Web: { function: { program: p } } }',
      'pools.Web: must be a name',
    ],
    ['a name of 32 characters', `set: ${'a'.repeat(32)}\nnodes: [a]\npools: {}`, 'set: must be a name'],
    ['no nodes', 'set: s\nnodes: []\npools: {}', 'nodes: must name at least one node'],
    ['a key given twice', 'set: s\nset: t\nnodes: [a]\npools: {}', 'Map keys must be unique'],
    ['a hidden key', 'set: s\nnodes: [a]\npools: { __proto__: {} }', 'unknown key "__proto__"'],
    [
      'an unknown key in a node',
      'set: s\nnodes: { a: { rack: 1 } }\npools: {}',
      'unknown key "rack"; allowed: witness',
    ],
    [
      'a health timeout beyond its interval',
      small('', '').replace('port: 80', 'port: 80, health: { every: 100ms, timeout: 200ms }'),
      'must not be longer than every (100ms)',
    ],
    ['an empty file', '', 'must be a map of keys and values'],
    ['broken YAML', 'set: [', '1:7'],
  ])('%s is a fault', (_, text, expected) => {
    const faults = faultsOf(text);
    expect(faults.join('\n')).toContain(expected);
  });

  test('a name of 31 characters is allowed', () => {
    expect(setOf(`set: ${'a'.repeat(31)}\nnodes: [a]\npools: {}`).name).toHaveLength(31);
  });

  test('a file over 1 MiB is not parsed', () => {
    expect(faultsOf(`set: s\n#${'x'.repeat(1_048_576)}`)).toEqual([
      '1:1 : the file has 1048584 octets; at most 1048576 are read',
    ]);
  });

  test('aliases do not multiply without bound', () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) =>
        `x${i}: &x${i} [${Array(9)
          .fill(i === 0 ? 'y' : `*x${i - 1}`)
          .join(', ')}]`,
    );
    expect(faultsOf(levels.join('\n'))[0]).toContain('alias');
  });

  test('deep nesting is a fault, not a crash', () => {
    for (const text of [
      '['.repeat(1_000_000),
      `a: ${'['.repeat(20_000)}${']'.repeat(20_000)}`,
      '- '.repeat(500_000),
      '? '.repeat(500_000),
    ]) {
      expect(faultsOf(text)).toEqual(['1:1 : the file cannot be read: it is nested too deeply']);
    }
    const stairs = Array.from({ length: 1_000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n');
    expect(faultsOf(stairs)).not.toEqual([]);
  });

  test('faults behind an alias are placed where the anchor is', () => {
    const faults = faultsOf(
      'set: s\nnodes: [a]\npools:\n  web: &p\n    function: { program: 5 }\n  two: *p\n',
    );
    expect(faults).toEqual([
      '5:17 pools.web.function.program: must be text: put it in quotes',
      '5:17 pools.two.function.program: must be text: put it in quotes',
    ]);
  });
});

describe('a fence of last resort', () => {
  const withFence = (fence: string): string =>
    `set: s\nnodes: [a]\nfence: ${fence}\npools:\n  web:\n    function: { program: p }\n`;

  test('is a command and a time', () => {
    expect(setOf(withFence('{ hook: [ipmi-off, --now], timeout: 5s }')).fence).toEqual({
      hook: ['ipmi-off', '--now'],
      timeoutMs: 5000,
    });
    expect(setOf(withFence('{ hook: [off] }')).fence?.timeoutMs).toBe(30_000);
    expect(setOf('set: s\nnodes: [a]\npools:\n  web:\n    function: { program: p }\n').fence).toBeUndefined();
  });

  test.each([
    ['{ hook: [] }', /hook: must name a program/],
    ["{ hook: [''] }", /hook.0: must not be empty/],
    ['{ timeout: 1s }', /fence.hook/],
    ['{ hook: [off], timeout: 1ms }', /fence.timeout/],
    ['{ hook: [off], retries: 3 }', /retries/],
  ])('refuses %s', (fence, words) => {
    expect(faultsOf(withFence(fence)).join()).toMatch(words);
  });
});

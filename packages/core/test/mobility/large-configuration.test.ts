// SPDX-License-Identifier: Apache-2.0
import { encodeSetConfiguration, type SetConfiguration } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { functionId, nodeId } from '../../src/identity.ts';
import { ConfigurationParts, configurationParts } from '../../src/mobility/configuration-parts.ts';
import { type Host, World } from './world.ts';

const A = nodeId(10);

function configurationOf(slots: number): SetConfiguration {
  const candidates = [1, 2, 3].map((n) => ({ node: n, functionId: n }));
  return {
    v: 1,
    set: 'edge',
    councils: [
      { id: 1, version: { generation: 0, number: 1, randomId: '00000000000000aa' }, members: [1, 2, 3] },
    ],
    nodes: [],
    slots: Array.from({ length: slots }, (_, index) => ({
      id: (index + 1).toString(16).padStart(16, '0'),
      pool: `pool-${index}`,
      index: 0,
      leaseMs: 300,
      addresses: [],
      genesis: { randomId: '00000000000000bb', candidates },
      candidates,
      lastResort: { rule: 'never' },
    })),
    registrars: [],
  };
}

function managed(): { world: World; a: Host; given: SetConfiguration[]; ask: (slots: number) => number } {
  const world = new World();
  const given: SetConfiguration[] = [];
  world.agent = (host, output) => {
    if (output.type !== 'configure') return;
    given.push(output.configuration);
    world.toHost(host, { type: 'answer', operation: output.operation, code: 0 });
  };
  const a = world.host('node-a', A);
  world.toHost(a, { type: 'start' });
  world.run(100);
  let requestId = 0;
  const ask = (slots: number): number => {
    requestId += 1;
    const to = { node: A, functionId: functionId(0) };
    world.toManager({ type: 'add', requestId, ...to, configuration: configurationOf(slots) });
    return requestId;
  };
  return { world, a, given, ask };
}

describe('a set configuration that is too large for one message', () => {
  test('comes whole, in parts, and is answered once', () => {
    const { world, given, ask } = managed();
    const requestId = ask(400);
    world.run(100);
    expect(given).toEqual([configurationOf(400)]);
    expect(world.of('operation-result')).toMatchObject([{ requestId, code: 0 }]);
    const sent = world.traffic.flatMap(({ message }) =>
      message.type === 'operation' ? (message.nodes[0]?.functions?.[0]?.extensions ?? []) : [],
    );
    const parts = sent.flatMap(({ configurationPart: each }) => (each ? [`${each.part}/${each.of}`] : []));
    const { length } = encodeSetConfiguration(configurationOf(400));
    expect(parts.length).toBe(Math.ceil(length / 49_152));
    expect(parts.length).toBeGreaterThan(1);
    expect(sent.some(({ configuration }) => configuration !== undefined)).toBe(false);
  });

  test('one that fits goes in one message, as to nodes of any version', () => {
    const { world, given, ask } = managed();
    ask(20);
    world.run(100);
    expect(given).toEqual([configurationOf(20)]);
    const sent = world.traffic.flatMap(({ message }) =>
      message.type === 'operation' ? (message.nodes[0]?.functions?.[0]?.extensions ?? []) : [],
    );
    expect(sent.filter(({ configuration }) => configuration !== undefined)).toHaveLength(1);
    expect(sent.filter((each) => each.configurationPart !== undefined)).toEqual([]);
  });

  test('comes whole over a connection that breaks between two parts', () => {
    const { world, a, given, ask } = managed();
    ask(400);
    world.run(1);
    world.reset(world.linkOf(a));
    world.run(5_000);
    expect(given).toEqual([configurationOf(400)]);
    expect(world.of('operation-result')).toMatchObject([{ code: 0 }]);
  });

  test('beyond what there can be of it is refused', () => {
    const { world, given, ask } = managed();
    const requestId = ask(3_000);
    world.run(100);
    expect(given).toEqual([]);
    expect(world.of('operation-result')).toMatchObject([
      { requestId, code: 129, text: expect.stringMatching(/configuration of \d+ octets is too large/) },
    ]);
  });
});

describe('parts', () => {
  const octets = (parts: readonly number[]): Uint8Array => Uint8Array.from(parts);

  test('make up what was cut; what fits is not cut', () => {
    const whole = Uint8Array.from({ length: 150_000 }, (_, index) => index % 251);
    const taken = new ConfigurationParts();
    const made = configurationParts(whole).map((part) => taken.take(part));
    expect(made.slice(0, -1)).toEqual([null, null, null]);
    expect(made.at(-1)).toEqual(whole);
    expect(configurationParts(whole.subarray(0, 32_768))).toEqual([]);
  });

  test.each([
    ['the first is missing', [[2, 2]]],
    [
      'one between is missing',
      [
        [1, 3],
        [3, 3],
      ],
    ],
    [
      'one comes twice',
      [
        [1, 3],
        [1, 3],
        [2, 3],
        [2, 3],
      ],
    ],
    [
      'they are of different wholes',
      [
        [1, 3],
        [2, 2],
      ],
    ],
    [
      'one that was refused is followed',
      [
        [1, 3],
        [3, 3],
        [2, 3],
      ],
    ],
  ] as const)('%s: refused, and taken when all come anew', (_, given) => {
    const taken = new ConfigurationParts();
    const results = given.map(([part, of]) => taken.take({ part, of, octets: octets([part]) }));
    expect(results.at(-1)).toMatchObject({ code: 128, text: expect.stringContaining('nothing before it') });
    taken.take({ part: 1, of: 2, octets: octets([7]) });
    expect(taken.take({ part: 2, of: 2, octets: octets([8]) })).toEqual(octets([7, 8]));
  });

  test('belong to one connection', () => {
    const taken = new ConfigurationParts();
    taken.take({ part: 1, of: 2, octets: octets([7]) });
    taken.forget();
    expect(taken.take({ part: 2, of: 2, octets: octets([8]) })).toMatchObject({ code: 128 });
  });
});

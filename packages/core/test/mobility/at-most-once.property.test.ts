// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { functionId, nodeId } from '../../src/identity.ts';
import { World } from './world.ts';

/*
 * Random lives of one manager and two nodes. Whatever connections do and whichever process restarts: each
 * operation is carried out at most once, ends with exactly one result, and the result is true.
 */

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('order' as const), node: fc.nat(1), fn: fc.nat(3) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('run' as const), forMs: fc.integer({ min: 0, max: 40 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('run' as const), forMs: fc.integer({ min: 40, max: 8000 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('reset' as const), node: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('silence' as const), node: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('heal' as const), node: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unreachable' as const), node: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reachable' as const), node: fc.nat(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('restart' as const), node: fc.nat(1), sameBoot: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stop' as const), node: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('start' as const), node: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deregister' as const), node: fc.nat(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('agent' as const), node: fc.nat(1), agentMs: fc.nat(300) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

interface Request {
  readonly name: string;
  readonly node: number;
}

function live(steps: readonly Step[]): { world: World; requests: Map<number, Request> } {
  const world = new World({ keepAliveIntervalMs: 500 });
  const requests = new Map<number, Request>();
  const deregistrations: number[] = [];
  const restarts = [0, 0];
  for (const name of ['a', 'b']) {
    const host = world.host(name, 10 + world.hosts.length);
    world.toHost(host, { type: 'start' });
  }
  world.run(20);
  for (const [at, what] of steps.entries()) {
    const requestId = at + 1;
    const host = 'node' in what ? world.hosts[what.node] : undefined;
    if (what.do === 'run') world.run(what.forMs);
    if (host === undefined) continue;
    const link = world.links.findLast((candidate) => candidate.host === host);
    switch (what.do) {
      case 'order': {
        const name = `r${requestId}`;
        requests.set(requestId, { name, node: what.node });
        world.toManager({
          type: 'add',
          requestId,
          node: nodeId(host.identity),
          functionId: functionId(100 + what.fn),
          name,
        });
        break;
      }
      case 'reset':
        if (link) world.reset(link);
        break;
      case 'silence':
      case 'heal':
        if (link) link.silent = what.do === 'silence';
        break;
      case 'unreachable':
      case 'reachable':
        host.reachable = what.do === 'reachable';
        break;
      case 'restart': {
        const count = ++(restarts as number[])[what.node]!;
        const boot = what.sameBoot ? {} : { bootTime: BigInt(count) << 32n };
        world.restartHost(host, { instance: BigInt(100 * (what.node + 1) + count), ...boot });
        break;
      }
      case 'stop':
      case 'start':
        world.toHost(host, { type: what.do });
        break;
      case 'deregister':
        deregistrations.push(requestId);
        world.toManager({ type: 'deregister', requestId, node: nodeId(host.identity) });
        break;
      case 'agent':
        host.agentMs = what.agentMs;
        break;
      case 'run':
    }
  }
  for (const host of world.hosts) {
    host.reachable = true;
    host.agentMs = 0;
    for (const link of world.links) link.silent = false;
    world.toHost(host, { type: 'start' });
  }
  world.run(90_000);
  for (const requestId of deregistrations) requests.set(requestId, { name: '', node: 0 });
  return { world, requests };
}

test('each operation is carried out at most once and its result is known in the end', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { world, requests } = live(steps);
      const executed = world.hosts.map((host) => host.executed);
      for (const [requestId, { name, node }] of requests) {
        const results = world.of('operation-result').filter((result) => result.requestId === requestId);
        expect(results, `results of ${name}`).toHaveLength(1);
        if (name === '') continue;
        const times = executed[node]?.filter((each) => each === name).length ?? 0;
        expect(times, `executions of ${name}`).toBeLessThanOrEqual(1);
        const [result] = results;
        if (result?.code === 0) expect(times, `${name} was said to be done`).toBe(1);
        if (result?.code === 128) expect(times, `${name} was said not to be done`).toBe(0);
      }
      // In the end both nodes are there and serve.
      for (const host of world.hosts) {
        const before = world.of('operation-result').length;
        world.toManager({
          type: 'get',
          requestId: 0,
          node: nodeId(host.identity),
          functionId: functionId(0),
        });
        world.run(100);
        expect(world.of('operation-result').slice(before)).toMatchObject([{ requestId: 0, code: 0 }]);
      }
    }),
    { numRuns: 100 },
  );
}, 60_000);

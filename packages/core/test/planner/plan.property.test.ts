// SPDX-License-Identifier: Apache-2.0

import type { DeclaredSet } from '@vnfpool/core/declared';
import { diff, plan } from '@vnfpool/core/planner';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { node, pool, set, World } from './world.ts';

const declaredSet: fc.Arbitrary<DeclaredSet> = fc.integer({ min: 1, max: 6 }).chain((nodes) =>
  fc
    .array(fc.tuple(fc.integer({ min: 1, max: nodes }), fc.nat(2), fc.nat(2)), { maxLength: 4 })
    .map((pools) =>
      set(
        Array.from({ length: nodes }, (_, index) => `n${index}`),
        pools
          .filter(([slots, standbys, spares]) => slots + standbys + spares <= nodes)
          .map((counts, index) => pool(`p${index}`, ...counts)),
      ),
    ),
);

const worldOf = (declared: DeclaredSet): World =>
  new World(declared.nodes.map(({ name }, index) => node(name, index + 1)));

test('when the plan is carried out, nothing is left to do', () => {
  fc.assert(
    fc.property(declaredSet, (declared) => {
      const world = worldOf(declared);
      world.settle(declared);
      expect(plan(declared, world.observed, { registrars: [] })).toEqual({ decisions: [], commands: [] });
      expect(diff(declared, structuredClone(declared))).toEqual([]);
    }),
  );
});

test('what is declared runs, no two instances of a pool on one node, and nodes differ by few functions', () => {
  fc.assert(
    fc.property(declaredSet, (declared) => {
      const world = worldOf(declared);
      world.settle(declared);
      for (const { name, redundancy } of declared.pools) {
        const mine = world.instances.filter((instance) => instance.pool === name);
        expect(mine.length).toBe(redundancy.slots + redundancy.standbys + redundancy.spares);
        expect(new Set(mine.map((instance) => instance.node)).size).toBe(mine.length);
        expect(world.slots.filter((slot) => slot.pool === name && slot.holder !== null).length).toBe(
          redundancy.slots,
        );
      }
      const loads = declared.nodes.map(
        ({ name }) => world.instances.filter((instance) => instance.node === name).length,
      );
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
    }),
  );
});

test('the order in which things are told makes no difference', () => {
  fc.assert(
    fc.property(declaredSet, fc.nat(30), fc.infiniteStream(fc.nat()), (declared, rounds, shuffle) => {
      const world = worldOf(declared);
      for (let round = 0; round < rounds; round++) {
        const { decisions, commands } = plan(declared, world.observed, { registrars: [] });
        const next = [...decisions, ...commands][0];
        if (!next) break;
        world.carryOut(next);
      }
      const mixed = <T>(list: readonly T[]): T[] =>
        list
          .map((value) => ({ value, key: shuffle.next().value }))
          .sort((a, b) => a.key - b.key)
          .map(({ value }) => value);
      const { observed } = world;
      const other = {
        ...observed,
        nodes: mixed(observed.nodes),
        instances: mixed(observed.instances),
        slots: mixed(observed.slots),
        strays: mixed(observed.strays),
      };
      expect(plan(declared, other, { registrars: [] })).toEqual(plan(declared, observed, { registrars: [] }));
    }),
  );
});

test('losing nodes places nothing anew and orders nothing of lost nodes', () => {
  fc.assert(
    fc.property(declaredSet, fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), (declared, lost) => {
      const world = worldOf(declared);
      world.settle(declared);
      const where = world.instances.map(({ functionId, node: at }) => [functionId, at]);
      world.nodes = world.nodes.map((each, index) => (lost[index] ? { ...each, state: 'lost' } : each));
      const lostIds = new Set(world.nodes.filter(({ state }) => state === 'lost').map(({ id }) => id));
      for (const action of world.settle(declared)) {
        expect(['assign', 'configure']).toContain(action.type);
        if ('node' in action) expect(lostIds).not.toContain(action.node);
      }
      expect(world.instances.map(({ functionId, node: at }) => [functionId, at])).toEqual(where);
    }),
  );
});

test('any declaration can follow any other on the same nodes', () => {
  fc.assert(
    fc.property(declaredSet, declaredSet, (first, second) => {
      const names = [...new Set([...first.nodes, ...second.nodes].map(({ name }) => name))];
      const world = new World(names.map((name, index) => node(name, index + 1)));
      world.settle(first);
      world.settle({ ...second, councils: first.councils });
      expect(world.strays).toEqual([]);
      for (const { name, redundancy } of second.pools) {
        expect(world.slots.filter((slot) => slot.pool === name && slot.holder !== null).length).toBe(
          redundancy.slots,
        );
      }
    }),
  );
});

test('a kernel never has the connections of two instances of a pool, whatever is lost, drained or declared', () => {
  const gateways = (counts: readonly (readonly [number, number, number])[], nodes: number): DeclaredSet =>
    set(
      Array.from({ length: nodes }, (_, index) => `n${index}`),
      counts
        .filter(([slots, standbys, spares]) => slots + standbys + spares <= nodes)
        .map(([slots, standbys, spares], index) => ({
          ...pool(`p${index}`, slots, standbys, spares, { state: { via: 'conntrack' } }),
          sharing: { methods: ['conntrack'] },
        })),
    );
  const counts = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2 }), fc.nat(1)),
    {
      minLength: 1,
      maxLength: 2,
    },
  );
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ type: fc.constant('carry-out' as const), most: fc.nat(12) }) },
    fc.record({
      type: fc.constant('node' as const),
      index: fc.nat(5),
      lost: fc.boolean(),
      draining: fc.boolean(),
    }),
    fc.record({ type: fc.constant('declare' as const), counts, nodes: fc.integer({ min: 3, max: 6 }) }),
  );
  fc.assert(
    fc.property(counts, fc.array(step, { minLength: 3, maxLength: 16 }), (first, steps) => {
      const world = new World(Array.from({ length: 6 }, (_, index) => node(`n${index}`, index + 1)));
      let declared = gateways(first, 6);
      world.settle(declared);
      const poolOf = new Map<number, string>();
      for (const each of steps) {
        if (each.type === 'declare') {
          declared = gateways(each.counts, each.nodes);
          world.declare(declared);
        } else if (each.type === 'node') {
          const { index, lost, draining } = each;
          world.nodes = world.nodes.map((at, place) =>
            place === index ? { ...at, draining, state: lost ? 'lost' : 'registered' } : at,
          );
        } else {
          for (let done = 0; done < each.most; done++) {
            const { decisions, commands } = plan(declared, world.observed, { registrars: [] });
            const next = [...decisions, ...commands][done % Math.max(1, decisions.length + commands.length)];
            if (next === undefined) break;
            world.carryOut(next);
            for (const { functionId, pool: of } of world.instances) poolOf.set(functionId, of);
            const running = [...world.instances.filter(({ status }) => status !== null), ...world.strays].map(
              ({ functionId, node: at }) => `${poolOf.get(functionId)} at ${at}`,
            );
            expect(running.toSorted()).toEqual([...new Set(running)].toSorted());
          }
        }
      }
    }),
    { numRuns: 60 },
  );
});

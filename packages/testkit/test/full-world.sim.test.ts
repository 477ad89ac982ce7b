// SPDX-License-Identifier: Apache-2.0
import {
  declarations,
  type FullWorld,
  type FullWorldOptions,
  type FullWorldResult,
  runAddressesWorld,
  runFullWorld,
} from '@vnfpool/testkit/full-world';
import { describe, expect, test } from 'vitest';

const { changed, edgeSet } = declarations;
const WEB = '10.77.0.100';

/** A failure shows its seed and how it came to pass. */
function told(result: FullWorldResult): string {
  return result.ok ? 'ok' : `${result.violation ?? ''}\n${result.trace.join('\n')}`;
}

/** No faults but those of the scenario, which begins when all has long been well. */
function scenario(seed: number, play: (world: FullWorld) => void): Promise<FullWorldResult> {
  const override: FullWorldOptions['override'] = {
    loss: 0,
    duplicate: 0,
    straggle: 0,
    stepFault: 0,
    delayMsMax: 1,
    calmAtMs: 9_000,
  };
  return runFullWorld(seed, { override, scenario: (world) => world.schedule.at(4_000, () => play(world)) });
}

function activeOf(world: FullWorld) {
  const { active } = world;
  if (!active) throw new Error('nobody serves web');
  return active;
}

const SEEDS = [1, 2, 3];

describe('the full world', () => {
  test('keeps its promises in 200 seeds, and is not idle', async () => {
    let taken = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const result = await runFullWorld(seed);
      expect(told(result)).toBe('ok');
      taken += result.counts.taken;
    }
    expect(taken).toBeGreaterThan(1_600);
  });

  test('keeps them with a bad network and faults between any two effects', async () => {
    const override = { loss: 0.1, duplicate: 0.1, straggle: 0.02, stepFault: 0.003 };
    for (let seed = 1_001; seed <= 1_060; seed++)
      expect(told(await runFullWorld(seed, { override }))).toBe('ok');
  });

  test.each([
    [2019, 'a slot lost all its addresses while it was asked whether somebody has them'],
    [2067, 'a deregistration was slower than the next registration'],
    [4230, 'a node did not know that its connection to the registrar was gone'],
    [7021, 'a slot was free while its only candidate became another one'],
    [9908, 'a new candidate was never named by the last holder'],
  ])('keeps them in seed %i, in which once %s', async (seed) => {
    expect(told(await runFullWorld(seed))).toBe('ok');
  });

  test('keeps them while addresses and links go and come, and strangers have some', async () => {
    for (let seed = 1; seed <= 40; seed++) expect(told(await runAddressesWorld(seed))).toBe('ok');
  });

  test('is the same for the same seed', async () => {
    const first = await runFullWorld(7);
    expect(await runFullWorld(7)).toEqual(first);
    expect((await runFullWorld(8)).trace).not.toEqual(first.trace);
  });
});

describe('an address that kernels refuse', () => {
  /** The node that serves refuses, and as many others; tells where it is served, and how often it was taken since. */
  async function refusedAt(seed: number, others: number) {
    let served = '';
    let taken = 0;
    const result = await scenario(seed, (world) => {
      const active = activeOf(world);
      const before = world.counts.taken;
      const standbys = world.nodes.filter((node) => node !== active);
      for (const { machine } of [active, ...standbys.slice(0, others)]) machine.refuse();
      active.machine.raised.delete(WEB);
      active.life?.worker.tell({ type: 'address-vanished', address: WEB });
      world.schedule.after(4_500, () => {
        served = world.active === active ? 'there' : world.active === undefined ? 'nowhere' : 'elsewhere';
        taken = world.counts.taken - before;
      });
    });
    expect(told(result)).toBe('ok');
    return { served, taken };
  }

  test.each(SEEDS)('at its holder is served by another one (%i)', async (seed) => {
    expect(await refusedAt(seed, 0)).toEqual({ served: 'elsewhere', taken: 1 });
  });

  test.each(SEEDS)('everywhere does not wander for ever (%i)', async (seed) => {
    const { served, taken } = await refusedAt(seed, 9);
    expect(served).toBe('nowhere');
    expect(taken).toBeLessThanOrEqual(2);
  });
});

describe('after', () => {
  test.each(SEEDS)('the death of the active node another one serves within two leases (%i)', async (seed) => {
    let servedAfterMs = Number.POSITIVE_INFINITY;
    const result = await scenario(seed, (world) => {
      const dead = activeOf(world);
      const fromMs = world.nowMs;
      dead.powerOff();
      const look = (): void => {
        if (world.openAt(WEB).some((node) => node !== dead)) servedAfterMs = world.nowMs - fromMs;
        else world.schedule.after(1, look);
      };
      look();
    });
    expect(told(result)).toBe('ok');
    expect(servedAfterMs).toBeLessThan(600);
  });

  test.each(SEEDS)('a pause of the active node there is one holder, another one (%i)', async (seed) => {
    let paused: string | undefined;
    let active: string | undefined;
    const result = await scenario(seed, (world) => {
      paused = activeOf(world).name;
      activeOf(world).process.pause(2_000);
      world.schedule.after(3_000, () => {
        active = activeOf(world).name;
      });
    });
    expect(told(result)).toBe('ok');
    expect(active).toBeDefined();
    expect(active).not.toBe(paused);
  });

  test.each(SEEDS)('a failover without a manager the next manager knows of it (%i)', async (seed) => {
    let isServed = false;
    const result = await scenario(seed, (world) => {
      world.manager.kill();
      world.schedule.after(500, () => activeOf(world).powerOff());
      world.schedule.after(1_500, () => {
        isServed = world.openAt(WEB).length === 1;
      });
    });
    expect(told(result)).toBe('ok');
    expect(isServed).toBe(true);
  });

  test.each(SEEDS)('a restart of all nodes at once all slots are served again (%i)', async (seed) => {
    const result = await scenario(seed, ({ nodes, schedule }) => {
      for (const node of nodes) {
        node.powerOff();
        schedule.after(200, () => node.start());
      }
    });
    expect(told(result)).toBe('ok');
  });

  test.each(SEEDS)('an address was removed by somebody it is there again at once (%i)', async (seed) => {
    let isOpen = false;
    let isSame = false;
    const result = await scenario(seed, (world) => {
      const active = activeOf(world);
      active.machine.raised.delete(WEB);
      active.life?.worker.tell({ type: 'address-vanished', address: WEB });
      world.schedule.after(5, () => {
        isOpen = world.openAt(WEB).length === 1;
        isSame = world.openAt(WEB)[0] === active;
      });
    });
    expect(told(result)).toBe('ok');
    expect([isOpen, isSame]).toEqual([true, true]);
  });

  test.each(SEEDS)('the link of the active node went another one serves, by hand-over (%i)', async (seed) => {
    let servedAfterMs = Number.POSITIVE_INFINITY;
    const result = await scenario(seed, (world) => {
      const { machine, life } = activeOf(world);
      const fromMs = world.nowMs;
      machine.takeLink();
      life?.worker.linkChanged();
      const look = (): void => {
        if (world.openAt(WEB).some((node) => node.machine !== machine)) servedAfterMs = world.nowMs - fromMs;
        else world.schedule.after(1, look);
      };
      look();
    });
    expect(told(result)).toBe('ok');
    // No lease runs out.
    expect(servedAfterMs).toBeLessThan(100);
  });

  test.each(SEEDS)(
    'the link of every node went the slot stays, and serves when it is back (%i)',
    async (seed) => {
      let before: string | undefined;
      let after: string | undefined;
      const result = await scenario(seed, (world) => {
        before = activeOf(world).name;
        for (const { machine, life } of world.nodes) {
          machine.takeLink();
          life?.worker.linkChanged();
          world.schedule.after(2_000, () => {
            machine.giveLink();
            life?.worker.linkChanged();
          });
        }
        world.schedule.after(2_200, () => {
          after = world.active?.name;
        });
      });
      expect(told(result)).toBe('ok');
      expect(after).toBe(before);
    },
  );

  test.each(SEEDS)('a restart of the registrar users are told of the same holder (%i)', async (seed) => {
    const seen: (number | undefined)[] = [];
    const result = await scenario(seed, ({ registrar, schedule, user }) => {
      seen.push(user.element);
      registrar.kill();
      schedule.after(300, () => registrar.start());
      schedule.after(4_500, () => seen.push(user.element));
    });
    expect(told(result)).toBe('ok');
    expect(seen[0]).toBeDefined();
    expect(seen[1]).toBe(seen[0]);
  });

  test.each(SEEDS)('a full disk the refused declaration changed nothing (%i)', async (seed) => {
    let isServed = false;
    const codes: string[] = [];
    const result = await scenario(seed, ({ manager, schedule, ...world }) => {
      manager.setFull(true);
      const wanted = changed(edgeSet(false), 'calc', { redundancy: { slots: 2, standbys: 0, spares: 0 } });
      manager.apply(wanted, (reply) => codes.push(reply.ok ? 'ok' : reply.code));
      schedule.after(2_000, () => {
        isServed = world.nodes.some(({ machine }) => machine.lets(WEB));
        expect(manager.life?.core.views(manager.nowMs).slots).toHaveLength(4);
      });
    });
    expect(told(result)).toBe('ok');
    expect(codes).toEqual(['STORE_FULL']);
    expect(isServed).toBe(true);
  });

  test.each(SEEDS)('a planned hand-over another node serves, without a fault (%i)', async (seed) => {
    let before: string | undefined;
    let after: string | undefined;
    const result = await scenario(seed, (world) => {
      before = activeOf(world).name;
      world.manager.handover('web', 0);
      world.schedule.after(1_000, () => {
        after = activeOf(world).name;
      });
    });
    expect(told(result)).toBe('ok');
    expect(after).not.toBe(before);
  });
});

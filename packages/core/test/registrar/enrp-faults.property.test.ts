// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { seededRandom } from '../handlespace/seeded-random.ts';
import { ScopeWorld } from './support/scope-world.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e'];

/** A minute of cuts, lost messages, crashes and moving elements; then four minutes of peace. */
function play(seed: number): ScopeWorld {
  const random = seededRandom(seed);
  const below = (n: number): number => Math.floor(random.fraction() * n);
  const world = new ScopeWorld({ tableElementsMax: 3, arbitration: seed % 2 === 0 ? 'highest' : 'lowest' });
  const count = 2 + below(4);
  world.scope(Object.fromEntries(NAMES.slice(0, count).map((name, i) => [name, 10 * (i + 1)])));
  const cut = new Set<string>();
  let loss = 0;
  world.drop = (from, to, message) =>
    from.length === 1 &&
    to.length === 1 &&
    (cut.has(`${from}${to}`) ||
      cut.has(`${to}${from}`) ||
      (message.type === 'handle-update' && random.fraction() < loss));
  const up = (): string[] => [...world.sites.values()].filter(({ isUp }) => isUp).map(({ name }) => name);
  for (let step = 0; step < 60; step++) {
    const at = up()[below(up().length)] ?? 'a';
    switch (below(8)) {
      case 0:
        cut.add(`${at}${NAMES[below(count)] ?? 'a'}`);
        break;
      case 1:
        if (below(3) === 0) cut.clear();
        break;
      case 2:
        loss = random.fraction() / 2;
        break;
      case 3:
        if (up().length > 2 && below(4) === 0) world.crash(at, below(2) === 0);
        break;
      case 4:
        world.deregister(1 + below(12));
        break;
      default:
        world.register(1 + below(12), at);
    }
    world.run(below(2000));
  }
  cut.clear();
  loss = 0;
  world.run(240_000);
  return world;
}

test.each(Array.from({ length: 12 }, (_, i) => i + 1))('all agree in the end (seed %i)', (seed) => {
  const world = play(seed);
  const up = [...world.sites.values()].filter(({ isUp }) => isUp);
  const ids = up.map(({ name }) => world.view(name).registrarId);
  const [first] = up;
  const agreed = world.pool(first?.name ?? '');
  for (const { name } of up) {
    expect(world.pool(name), `pool of ${name}`).toEqual(agreed);
    expect(world.peers(name), `peers of ${name}`).toHaveLength(up.length - 1);
    for (const { checksumComputed, registrarId } of world.view(name).peers) {
      const other = up.find((site) => world.view(site.name).registrarId === registrarId);
      expect(checksumComputed, `${name} on ${registrarId}`).toBe(other && world.view(other.name).checksum);
    }
  }
  for (const line of agreed) expect(ids.map(String)).toContain(line.split('@')[1]);
});

// SPDX-License-Identifier: Apache-2.0
import { has, members } from '../lib/probe.mjs';
import { element, registrar, registrarReady } from '../lib/rsplib.mjs';

/** What rsplib makes of the loss of a registrar, alone: the measure for mixed scopes. */
export const scenario = {
  title: 'rsplib alone: three registrars, one dies, its element is served again',
  async run(world) {
    const hosts = ['r1', 'r2', 'r3'].map((name) => world.host(name));
    const ids = [0x11111111, 0x22222222, 0x33333333];
    const registrars = [];
    for (const [index, host] of hosts.entries())
      registrars.push(
        await registrar(world, host, { id: ids[index], peers: hosts.filter((each) => each !== host) }),
      );
    await world.until('all are ready', () => registrars.every(registrarReady));
    const pool = 'EchoPool';
    element(world, world.host('e1'), { id: 0xe1, pool, registrars: [hosts[2], hosts[0]] });
    for (const host of hosts)
      await world.until(`its element is known at ${host.name}`, () => has(host, pool, [0xe1]));
    const homes = () =>
      Promise.all(hosts.map(async (host) => (await members(host, pool))?.get(0xe1)?.homeRegistrar ?? null));
    const [home] = await homes();
    const dead = ids.indexOf(home);
    world.step(`the element's home is ${home.toString(16)} (index ${dead}); it is killed now`);
    registrars[dead].kill();
    const others = hosts.filter((_, index) => index !== dead);
    let gone = false;
    await world.until(
      'it is in the pool at both others, with one of them as home',
      async () => {
        const seen = await Promise.all(others.map(async (host) => await members(host, pool)));
        if (seen.some((found) => found !== null && !found.has(0xe1))) gone = true;
        const now = seen.map((found) => found?.get(0xe1)?.homeRegistrar);
        return now[0] === now[1] && now[0] !== undefined && now[0] !== home;
      },
      { withinMs: 60_000 },
    );
    world.facts.goneMeanwhile = gone;
    world.facts.log = registrars
      .filter((_, index) => index !== dead)
      .flatMap(({ log }) =>
        log()
          .split('\n')
          .filter((line) => /akeover|not answer|dead/i.test(line)),
      );
    world.step(`gone from a pool meanwhile: ${gone}; ${world.facts.log.length} lines on the takeover`);
  },
};

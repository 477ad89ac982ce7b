// SPDX-License-Identifier: Apache-2.0
import * as ours from '../lib/ours.mjs';
import { members } from '../lib/probe.mjs';
import * as theirs from '../lib/rsplib.mjs';

const pool = 'EchoPool';
/** Ours is between its two: who has the lower identifier wins a takeover in this profile. */
const [idOfFirst, idOfOurs, idOfThird] = [0x11111111, 0x22222222, 0x33333333];

/** Ours arbitrates a takeover with one of its kind: one winner, and both survivors say the same. */
export const scenario = {
  title: 'three registrars, one of its dies: ours and its agree who takes over',
  async run(world) {
    const [r1, r2, r3] = [world.host('r1'), world.host('r2', { ours: true }), world.host('r3')];
    const third = await theirs.registrar(world, r3, { id: idOfThird });
    await world.until('its registrar is ready', () => theirs.registrarReady(third));
    const second = await ours.registrar(world, r2, { id: idOfOurs, peers: [r3], multicast: true });
    const first = await theirs.registrar(world, r1, { id: idOfFirst, multicast: true });
    await world.until('its other registrar is ready', () => theirs.registrarReady(first));
    await world.until('all agree', () => ours.agrees(second, [idOfFirst, idOfThird]));
    theirs.element(world, world.host('e1'), { id: 0xe1, pool, registrars: [r3], reregistrationMs: 20_000 });
    const homes = (hosts) =>
      Promise.all(hosts.map(async (host) => (await members(host, pool))?.get(0xe1)?.homeRegistrar ?? null));
    await world.until('its element is known everywhere', async () =>
      (await homes([r1, r2, r3])).every((home) => home === idOfThird),
    );
    third.kill();
    const survivors = [idOfFirst, idOfOurs];
    await world.until(
      'the survivors agree on one of them as its home',
      async () => {
        const [at1, at2] = await homes([r1, r2]);
        return at1 === at2 && survivors.includes(at1);
      },
      { withinMs: 40_000 },
    );
    const [home] = await homes([r1, r2]);
    world.step(`the element's home is ${home === idOfOurs ? 'ours' : 'its'}`);
    await world.holds(
      'and it stays so',
      async () => (await homes([r1, r2])).every((each) => each === home),
      12_000,
    );
    await world.until('ours and its are peers, and agree', () => ours.agrees(second, [idOfFirst]));
  },
};

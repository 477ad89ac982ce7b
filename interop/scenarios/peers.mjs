// SPDX-License-Identifier: Apache-2.0
import * as ours from '../lib/ours.mjs';
import { has, members } from '../lib/probe.mjs';
import * as theirs from '../lib/rsplib.mjs';

const [idOfTheirs, idOfOurs, idOfThird] = [0x11111111, 0x44444444, 0x22222222];
const settledMs = 8_000;

/** Three registrars in one scope: ours joins by its, and another of its joins by ours. */
export const scenario = {
  title: 'registrars as peers: ours joins by its, its joins by ours; table, updates, presence, checksums',
  async run(world) {
    const [r1, r2, r3] = [world.host('r1'), world.host('r2', { ours: true }), world.host('r3')];
    const first = await theirs.registrar(world, r1, { id: idOfTheirs });
    await world.until('its registrar is ready', () => theirs.registrarReady(first));
    const own = (id, name, at, pool, options) =>
      theirs.element(world, world.host(name), { id, pool, registrars: [at], ...options });
    own(0xe1, 'e1', r1, 'before');
    own(0xe2, 'e2', r1, 'before');
    await world.until('it has two elements', () => has(r1, 'before', [0xe1, 0xe2]));

    const second = await ours.registrar(world, r2, { id: idOfOurs, peers: [r1], multicast: true });
    await world.until('ours has joined, and agrees on checksums', () => ours.agrees(second, [idOfTheirs]));
    const table = await has(r2, 'before', [0xe1, 0xe2]);
    world.check('ours has its table', table !== false);
    world.check(
      'with it as home',
      [...table.values()].every(({ homeRegistrar }) => homeRegistrar === idOfTheirs),
    );

    own(0xe3, 'e3', r2, 'ours');
    await world.until('an element registers at ours', () => has(r2, 'ours', [0xe3]));
    await world.until('its registrar hears of it', () => has(r1, 'ours', [0xe3]));
    world.check('with ours as home', (await members(r1, 'ours')).get(0xe3).homeRegistrar === idOfOurs);

    const statistics = `${world.folder}/r3.stats`;
    const third = await theirs.registrar(world, r3, {
      id: idOfThird,
      // It takes only one that it heard by multicast as its mentor, and ours is the only one there.
      multicast: true,
      options: [`-statsfile=${statistics}`, '-statsinterval=500'],
    });
    await world.until('another of its joins with ours as mentor', () =>
      third.log().includes('after obtaining handlespace from mentor'),
    );
    await world.until(
      'and has the whole table',
      async () => (await has(r3, 'before', [0xe1, 0xe2])) && (await has(r3, 'ours', [0xe3])),
    );
    await world.until('all three agree', () => ours.agrees(second, [idOfTheirs, idOfThird]));

    const fourth = own(0xe4, 'e4', r1, 'later');
    await world.until('an element that comes to its registrar is told to ours', () =>
      has(r2, 'later', [0xe4]),
    );
    fourth.kill();
    await world.until('and one that goes', () => has(r2, 'later', []));
    await world.holds(
      'no peer is lost, and checksums agree all the time',
      async () => await ours.agrees(second, [idOfTheirs, idOfThird]),
      settledMs,
    );
  },
};

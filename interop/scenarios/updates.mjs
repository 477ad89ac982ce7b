// SPDX-License-Identifier: Apache-2.0
import * as ours from '../lib/ours.mjs';
import { has } from '../lib/probe.mjs';
import * as theirs from '../lib/rsplib.mjs';

const pool = 'EchoPool';
const [idOfTheirs, idOfOurs] = [0x11111111, 0x44444444];

/** Automatic updates (S and A) are an option, which rsplib does not have: a user may ask for them all the same. */
export const scenario = {
  title:
    'a user that asks to be told of changes: our registrar tells it of its elements; its registrar does not mind',
  async run(world) {
    const [r1, r2] = [world.host('r1'), world.host('r2', { ours: true })];
    const first = await theirs.registrar(world, r1, { id: idOfTheirs, multicast: true });
    await world.until('its registrar is ready', () => theirs.registrarReady(first));
    const second = await ours.registrar(world, r2, { id: idOfOurs, peers: [r1], multicast: true });
    await world.until('ours has joined, and agrees', () => ours.agrees(second, [idOfTheirs]));
    const own = (id) => theirs.element(world, world.host(`e${id & 0xf}`), { id, pool, registrars: [r1] });
    own(0xe1);
    await world.until('an element comes to its registrar', () => has(r2, pool, [0xe1]));

    const [told, untold] = [r2, r1].map((registrar, index) =>
      ours.user(world, world.host(`u${index}`, { ours: true }), {
        pool,
        registrars: [registrar],
        updates: true,
      }),
    );
    for (const [user, whose] of [
      [told, 'our'],
      [untold, 'its'],
    ]) {
      await world.until(
        `a user that wants updates has a session by ${whose} registrar`,
        () => user.opened(),
        {
          withinMs: ours.startMs,
        },
      );
      await world.until('and is served', () => {
        user.write('hello\n');
        return user.answers().length > 0;
      });
    }

    const knows = (user, ids) => {
      const known = user.poolsTold().at(-1)?.pool;
      return known?.length === ids.length && ids.every((id) => known.includes(id));
    };
    const later = own(0xe2);
    await world.until('ours tells its user of a second element', () => knows(told, [0xe1, 0xe2]));
    await world.until('its registrar has it as well', () => has(r1, pool, [0xe1, 0xe2]));
    later.kill();
    await world.until('ours tells its user that the element is gone', () => knows(told, [0xe1]));
    world.check(
      'no session was disturbed',
      [told, untold].every((user) => user.failovers().length === 0),
    );
  },
};

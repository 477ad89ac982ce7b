// SPDX-License-Identifier: Apache-2.0
import * as ours from '../lib/ours.mjs';
import { has } from '../lib/probe.mjs';
import * as theirs from '../lib/rsplib.mjs';

const [idOfTheirs, idOfOurs] = [0x11111111, 0x44444444];

/** Nobody is configured: registrars, elements and users find each other by multicast. */
export const scenario = {
  title: 'nothing configured: registrars find each other by presence, elements and users by announcements',
  async run(world) {
    const [r1, r2] = [world.host('r1'), world.host('r2', { ours: true })];
    const first = await theirs.registrar(world, r1, { id: idOfTheirs, multicast: true });
    await world.until('its registrar is ready', () => theirs.registrarReady(first));
    const e1 = world.host('e1', { ours: true });
    const element = ours.element(world, e1, { id: 0xa1, pool: 'first' });
    await world.until('our element finds its registrar', () => has(r1, 'first', [0xa1]), {
      withinMs: ours.startMs,
    });
    const second = await ours.registrar(world, r2, { id: idOfOurs, multicast: true });
    await world.until('our registrar has found its, and agrees', () => ours.agrees(second, [idOfTheirs]));
    first.kill();
    theirs.element(world, world.host('e2'), { id: 0xe2, pool: 'second' });
    await world.until('its element finds our registrar', () => has(r2, 'second', [0xe2]), {
      withinMs: 30_000,
    });
    const terminal = theirs.terminal(world, world.host('u1'), { pool: 'second' });
    await world.until('so does its user, and is served', () => {
      terminal.write('hello\n');
      return terminal.answers().length > 0;
    });
    await world.until('our element has found our registrar', () => has(r2, 'first', [0xa1]), {
      withinMs: 60_000,
    });
    world.step(`our element lives: ${element.end() === null}`);
  },
};

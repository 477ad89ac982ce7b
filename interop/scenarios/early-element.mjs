// SPDX-License-Identifier: Apache-2.0
import * as ours from '../lib/ours.mjs';
import { has } from '../lib/probe.mjs';
import * as theirs from '../lib/rsplib.mjs';

const pool = 'EchoPool';

/** Its element gives up for ever when its first registration is rejected; its own registrar takes elements from the start. */
export const scenario = {
  title: 'its element comes while our registrar is still looking for peers',
  async run(world) {
    const [r1, r2] = [world.host('r1'), world.host('r2', { ours: true })];
    await theirs.registrar(world, r1, { id: 0x11111111 });
    theirs.element(world, world.host('e1'), { id: 0xe1, pool, registrars: [r1] });
    await world.until('its registrar takes an element before it is ready', () => has(r1, pool, [0xe1]));
    await ours.registrar(world, r2, { id: 0x44444444, untilRunning: false });
    theirs.element(world, world.host('e2'), { id: 0xe2, pool, registrars: [r2] });
    await world.until('ours takes it too', () => has(r2, pool, [0xe2]));
  },
};

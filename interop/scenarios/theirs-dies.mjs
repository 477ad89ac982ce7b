// SPDX-License-Identifier: Apache-2.0
import * as ours from '../lib/ours.mjs';
import { has, members } from '../lib/probe.mjs';
import * as theirs from '../lib/rsplib.mjs';

const pool = 'EchoPool';
const takenOverMs = 30_000;

/** Its registrar is lost; its elements know no other, so that only a takeover saves them. @param lose How it is lost */
export const loss = (title, lose) => ({
  title,
  async run(world) {
    const [r1, r2] = [world.host('r1'), world.host('r2', { ours: true })];
    const dying = await theirs.registrar(world, r1, { id: 0x11111111 });
    await world.until('its registrar is ready', () => theirs.registrarReady(dying));
    const survivor = await ours.registrar(world, r2, { id: 0x44444444, peers: [r1] });
    await world.until('ours has joined', () => ours.agrees(survivor, [0x11111111]));
    theirs.element(world, world.host('e1'), {
      id: 0xe1,
      pool,
      registrars: [r1],
      // Its life, three times that, must outlast the time until the death is noticed.
      reregistrationMs: 20_000,
    });
    ours.element(world, world.host('e2', { ours: true }), {
      id: 0xa2,
      pool,
      lifeMs: 60_000,
      registrars: [r1],
    });
    await world.until('an element of each kind is in the pool', () => has(r2, pool, [0xe1, 0xa2]), {
      withinMs: ours.startMs,
    });
    const homes = [...(await members(r2, pool)).values()].map(({ homeRegistrar }) => homeRegistrar);
    world.check(
      'its registrar is their home',
      homes.every((home) => home === 0x11111111),
    );
    lose({ process: dying, host: r1 });
    await world.until(
      'with its registrar gone both are in the pool with ours as home',
      async () => {
        const found = await has(r2, pool, [0xe1, 0xa2]);
        return found && [...found.values()].every(({ homeRegistrar }) => homeRegistrar === 0x44444444);
      },
      { withinMs: takenOverMs },
    );
    world.check('the dead registrar is no peer any more', (await survivor.view()).peers.length === 0);
    const user = ours.user(world, world.host('u1', { ours: true }), { pool, registrars: [r2] });
    await world.until('and a user is served', () => user.opened(), { withinMs: ours.startMs });
    user.write('hello\n');
    await world.until('by one of them', () => user.answers().length > 0);
  },
});

export const scenario = loss(
  'its registrar is killed: ours takes its elements over, and they are served',
  ({ process }) => process.kill(),
);

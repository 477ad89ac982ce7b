// SPDX-License-Identifier: Apache-2.0
import * as ours from '../lib/ours.mjs';
import { has, members } from '../lib/probe.mjs';
import * as theirs from '../lib/rsplib.mjs';

const pool = 'EchoPool';
const servedAgainMs = 30_000;

/** Our registrar is lost, and what it owned is its registrar's. @param lose How it is lost */
export const loss = (title, lose) => ({
  title,
  async run(world) {
    const [r1, r2] = [world.host('r1'), world.host('r2', { ours: true })];
    const survivor = await theirs.registrar(world, r1, { id: 0x11111111 });
    await world.until('its registrar is ready', () => theirs.registrarReady(survivor));
    const dying = await ours.registrar(world, r2, { id: 0x44444444, peers: [r1] });
    await world.until('ours has joined', () => ours.agrees(dying, [0x11111111]));
    theirs.element(world, world.host('e1'), { id: 0xe1, pool, registrars: [r2, r1] });
    ours.element(world, world.host('e2', { ours: true }), { id: 0xa2, pool, registrars: [r2, r1] });
    await world.until('an element of each kind is in the pool', () => has(r1, pool, [0xe1, 0xa2]), {
      withinMs: ours.startMs,
    });
    const homes = [...(await members(r1, pool)).values()].map(({ homeRegistrar }) =>
      homeRegistrar.toString(16),
    );
    world.step(`homes before: ${homes.join(', ')}`);
    lose({ process: dying, host: r2 });
    await world.until(
      'with our registrar gone both are in the pool with its registrar as home',
      async () => {
        const found = await has(r1, pool, [0xe1, 0xa2]);
        return found && [...found.values()].every(({ homeRegistrar }) => homeRegistrar === 0x11111111);
      },
      { withinMs: servedAgainMs },
    );
    const terminal = theirs.terminal(world, world.host('u1'), { pool, registrars: [r1] });
    await world.until('and a user is served', () => {
      terminal.write('hello\n');
      return terminal.answers().length > 0;
    });
  },
});

export const scenario = loss(
  'our registrar is killed: its elements are served again through rsplib',
  ({ process }) => process.kill(),
);

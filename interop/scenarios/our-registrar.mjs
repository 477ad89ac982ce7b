// SPDX-License-Identifier: Apache-2.0
import * as ours from '../lib/ours.mjs';
import { has, members } from '../lib/probe.mjs';
import * as theirs from '../lib/rsplib.mjs';

const pool = 'EchoPool';

/** Its elements and users know no other registrar than ours. */
export const scenario = {
  title:
    'its elements and users with our registrar: registration, keep-alive, failover, ping-pong with cookies',
  async run(world) {
    const r1 = world.host('r1', { ours: true });
    await ours.registrar(world, r1, { id: 0x44444444 });
    const elements = [0xe1, 0xe2].map((id, index) =>
      theirs.element(world, world.host(`e${index + 1}`), {
        id,
        pool,
        registrars: [r1],
        policy: 'LeastUsedDegradation:0.1',
        reregistrationMs: 1_000,
      }),
    );
    await world.until('its two elements are in the pool', () => has(r1, pool, [0xe1, 0xe2]));
    const found = await members(r1, pool);
    world.check('they keep their policy', found.get(0xe1).policy.type === 'least-used-degradation');
    // Its keep-alive period is 5 s: two of them must go by.
    await world.holds(
      'both stay in the pool over re-registrations and keep-alives',
      async () => (await has(r1, pool, [0xe1, 0xe2])) !== false,
      12_000,
    );

    const terminal = theirs.terminal(world, world.host('u1'), { pool, registrars: [r1] });
    await world.until('its element answers its user', () => {
      terminal.write('hello\n');
      return terminal.answers().length > 0;
    });
    const served = terminal.answers().at(-1).from;
    elements.find(({ id }) => id === served).kill();
    await world.until('its other element answers after the first was killed', () => {
      terminal.write('again\n');
      return terminal.answers().some(({ from }) => from !== served);
    });
    await world.until('the dead element is out of the pool', () =>
      has(
        r1,
        pool,
        [0xe1, 0xe2].filter((id) => id !== served),
      ),
    );

    const servers = [0xf1, 0xf2].map((id, index) =>
      theirs.element(world, world.host(`p${index + 1}`), {
        id,
        pool: 'PingPongPool',
        service: 'pingpong',
        registrars: [r1],
        reregistrationMs: 1_000,
      }),
    );
    await world.until('its ping-pong servers are in their pool', () => has(r1, 'PingPongPool', [0xf1, 0xf2]));
    const client = theirs.pingpong(world, world.host('u2'), { pool: 'PingPongPool', registrars: [r1] });
    const pongs = () =>
      [...client.output().matchAll(/from PE \$([0-9a-f]{8})/gi)].map(([, id]) => Number.parseInt(id, 16));
    await world.until('ping-pong runs', () => pongs().length > 2);
    const player = pongs().at(-1);
    servers.find(({ id }) => id === player).kill();
    await world.until('ping-pong goes on at the other server', () => pongs().some((id) => id !== player));
  },
};

// SPDX-License-Identifier: Apache-2.0
import * as ours from '../lib/ours.mjs';
import { has, members } from '../lib/probe.mjs';
import * as theirs from '../lib/rsplib.mjs';

const pool = 'EchoPool';
const keepAliveMs = 1_000;

/** Our elements and users, and its users and elements beside them, in one pool at its registrar. */
export const scenario = {
  title:
    'our elements and users with its registrar: registration, new values, keep-alive, failover, mixed pool',
  async run(world) {
    const r1 = world.host('r1');
    const registrar = await theirs.registrar(world, r1, {
      id: 0x11111111,
      options: [
        `-endpointkeepalivetransmissioninterval=${keepAliveMs}`,
        `-endpointkeepalivetimeoutinterval=${keepAliveMs}`,
      ],
    });
    await world.until('its registrar is ready', () => theirs.registrarReady(registrar));
    const policy = { type: 'weighted-round-robin', weight: 1 };
    const elements = [0xa1, 0xa2].map((id, index) =>
      ours.element(world, world.host(`e${index + 1}`, { ours: true }), {
        id,
        pool,
        policy,
        registrars: [r1],
      }),
    );
    await world.until('our two elements are in the pool', () => has(r1, pool, [0xa1, 0xa2]), {
      withinMs: ours.startMs,
    });
    elements[0].command({ policy: { ...policy, weight: 7 } });
    await world.until(
      'a new weight is told to users',
      async () => (await members(r1, pool))?.get(0xa1)?.policy.weight === 7,
    );
    await world.holds(
      'both stay in the pool over several keep-alives',
      async () => (await has(r1, pool, [0xa1, 0xa2])) !== false,
      5 * keepAliveMs,
    );

    const user = ours.user(world, world.host('u1', { ours: true }), { pool, registrars: [r1] });
    await world.until('our user has a session', () => user.opened(), { withinMs: ours.startMs });
    user.write('hello\n');
    const { from } = await world.until('our element answers our user', () => user.answers().at(0));
    const terminal = theirs.terminal(world, world.host('u2'), { pool, registrars: [r1] });
    await world.until('our element answers its user', () => {
      terminal.write('hello\n');
      return terminal.answers().length > 0;
    });

    const counts = () => terminal.answers().map(({ text }) => Number.parseInt(text, 10));
    const served = elements.find(({ id }) => id === from);
    const other = elements.find(({ id }) => id !== from);
    served.kill();
    let lines = 0;
    await world.until('our user goes on at the other element after the first was killed', () => {
      user.write(`again ${(lines += 1)}\n`);
      return user.answers().some((answer) => answer.from === other.id);
    });
    terminal.write('more\n');
    await world.until('its user goes on there too, with the state that came in a cookie', () => {
      terminal.write('more\n');
      const last = terminal.answers().at(-1);
      return last.from === other.id && counts().at(-1) > 1;
    });
    await world.until('the dead element is out of the pool', () => has(r1, pool, [other.id]));

    const third = theirs.element(world, world.host('e3'), {
      id: 0xe3,
      pool,
      policy: 'WeightedRoundRobin:1',
      registrars: [r1],
    });
    await world.until('its element joins the pool', () => has(r1, pool, [other.id, third.id]));
    other.command({ deregister: true });
    await world.until('our last element leaves', () => has(r1, pool, [third.id]));
    await world.until('and hears that it may', () => other.told().some(({ left }) => left), { quiet: true });
    other.kill();
    await world.until('our user goes on at its element', () => {
      user.write(`theirs ${(lines += 1)}\n`);
      return user.answers().some((answer) => answer.from === third.id);
    });
  },
};

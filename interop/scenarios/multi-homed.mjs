// SPDX-License-Identifier: Apache-2.0
import * as ours from '../lib/ours.mjs';
import { has, members, whyUnanswered } from '../lib/probe.mjs';
import * as theirs from '../lib/rsplib.mjs';

const idOfTheirs = 0x11111111;
const idOfOurs = 0x44444444;
/** Longer than either takes to notice that a peer is gone. */
const cutMs = 30_000;
const links = 2;

/** The same host by its second address: the first is out of reach. */
const byTwo = (host) => ({ address: host.addresses[1] });
const sameSet = (left, right) => left.length === right.length && left.every((each) => right.includes(each));

/** Whether the kernel has an association between two hosts that knows all addresses of both. */
const joined = (left, right) =>
  left
    .associations()
    .some(({ local, remote }) => sameSet(local, left.addresses) && sameSet(remote, right.addresses));

/** Every association has two ways, and outlives the loss of the one it is on. */
export const scenario = {
  title: 'two links for each: addresses are told, and peers, elements and sessions outlive a pulled cable',
  limitMs: 300_000,
  async run(world) {
    const [r1, r2] = [world.host('r1', { links }), world.host('r2', { ours: true, links })];
    const [e1, f1] = [world.host('e1', { links }), world.host('f1', { ours: true, links })];
    await theirs
      .registrar(world, r1, { id: idOfTheirs, multicast: true })
      .then(async (first) => await world.until('its registrar is ready', () => theirs.registrarReady(first)));
    const second = await ours.registrar(world, r2, { id: idOfOurs, peers: [r1], multicast: true });
    const agree = async () => await ours.agrees(second, [idOfTheirs]);
    await world.until('ours has joined, and agrees', agree);
    world.check('by an association with both addresses of both', joined(r2, r1) && joined(r1, r2));

    theirs.element(world, e1, { id: 0xe1, pool: 'theirs', registrars: [r2] });
    const own = ours.element(world, f1, { id: 0xf1, pool: 'ours', registrars: [r1] });
    /** Which registrar does not tell which pool as it is, and what it tells; undefined: all do. */
    const lacking = async (...registrars) => {
      for (const registrar of registrars)
        for (const [pool, id] of [
          ['theirs', 0xe1],
          ['ours', 0xf1],
        ]) {
          const found = await members(registrar, pool);
          if (found?.size !== 1 || !found.has(id))
            return `${registrar.address} tells ${found ? [...found.keys()].join() : whyUnanswered()} of ${pool}`;
        }
      return undefined;
    };
    const complete = async (...registrars) => (await lacking(...registrars)) === undefined;
    await world.until('elements of both are known at both', () => complete(r1, r2), {
      withinMs: ours.startMs,
    });
    for (const registrar of [r1, r2])
      for (const [pool, id, host] of [
        ['theirs', 0xe1, e1],
        ['ours', 0xf1, f1],
      ]) {
        const { userTransport } = (await members(registrar, pool)).get(id);
        const told = sameSet(userTransport.addresses, host.addresses);
        world.check(
          `${registrar.name} tells both addresses of ${host.name}`,
          told,
          `${userTransport.addresses}`,
        );
      }
    world.check('their associations with registrars have both, too', joined(e1, r2) && joined(f1, r1));

    const user = ours.user(world, world.host('u1', { ours: true, links }), {
      pool: 'theirs',
      registrars: [r1],
    });
    await world.until('our user has a session with its element', () => user.opened(), {
      withinMs: ours.startMs,
    });
    const terminal = theirs.terminal(world, world.host('u2', { links }), { pool: 'ours', registrars: [r2] });
    const served = async (what) => {
      const [before, beforeIts] = [user.answers().length, terminal.answers().length];
      user.write('hello\n');
      terminal.write('hello\n');
      await world.until(what, () => user.answers().length > before && terminal.answers().length > beforeIts);
    };
    await served('both users are served');

    for (const [whose, cut, newcomer] of [
      ['our registrar', r2, 0xe2],
      ['its registrar', r1, 0xe3],
    ]) {
      const seen = cut === r2 ? [r1, byTwo(r2)] : [byTwo(r1), r2];
      cut.unplug();
      world.step(`a cable of ${whose} is pulled`);
      await world.holds(
        'elements stay, and registrars are peers',
        async () => {
          const peers = (await second.view())?.peers;
          if (!peers?.every(({ state }) => state === 'active')) return `peers are ${JSON.stringify(peers)}`;
          return (await lacking(...seen)) ?? true;
        },
        cutMs,
      );
      theirs.element(world, world.host(`e${newcomer}`), {
        id: newcomer,
        pool: `new${newcomer}`,
        // The one whose cables are both in; the other hears of it.
        registrars: [cut === r2 ? r1 : r2],
      });
      const far = cut === r2 ? byTwo(r2) : byTwo(r1);
      await world.until('an update goes over the other', () => has(far, `new${newcomer}`, [newcomer]));
      await world.until('and they agree', agree);
      cut.plug();
    }

    e1.unplug();
    f1.unplug();
    world.step('a cable of each element is pulled');
    await served('both users are served still');
    world.check('by the same session', user.failovers().length === 0);
    world.check('of one element', new Set(terminal.answers().map(({ from }) => from)).size === 1);
    await world.holds('the elements stay in their pools', async () => (await lacking(r1, r2)) ?? true, cutMs);
    const events = own.told().flatMap(({ event }) => event ?? []);
    world.check('ours by its first registration', events.join() === 'registered', events.join());
  },
};

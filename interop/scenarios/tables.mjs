// SPDX-License-Identifier: Apache-2.0
import { manyElements } from '../lib/many-elements.mjs';
import * as ours from '../lib/ours.mjs';
import * as theirs from '../lib/rsplib.mjs';

const [idOfTheirs, idOfOurs, idOfThird] = [0x11111111, 0x44444444, 0x22222222];
const count = 300;
const idsFrom = (first) => Array.from({ length: count }, (_, index) => first + index);

/** Handle tables that take many messages, downloaded by ours from its registrar and the other way round. */
export const scenario = {
  title: `handle tables of ${2 * count} elements: ours downloads its, its downloads ours`,
  async run(world) {
    const [r1, r2, r3] = [world.host('r1'), world.host('r2', { ours: true }), world.host('r3')];
    const first = await theirs.registrar(world, r1, { id: idOfTheirs });
    await world.until('its registrar is ready', () => theirs.registrarReady(first));
    await manyElements(world, r1, 'large-1', idsFrom(1_000));
    const second = await ours.registrar(world, r2, { id: idOfOurs, peers: [r1], multicast: true });
    const owned = (view, home) =>
      view.pools
        .flatMap(({ elements }) => elements)
        .filter((element) => Number(element.homeRegistrar) === home).length;
    await world.until(
      'ours has its whole table',
      async () => owned(await second.view(), idOfTheirs) === count,
    );
    await world.until('and the same checksum', () => ours.agrees(second, [idOfTheirs]));
    await manyElements(world, r2, 'large-2', idsFrom(5_000));

    const statistics = `${world.folder}/statistics`;
    const third = await theirs.registrar(world, r3, {
      id: idOfThird,
      multicast: true,
      options: [`-statsfile=${statistics}`, '-statsinterval=500'],
    });
    await world.until('another of its takes ours as its mentor, to the end', () =>
      third.log().includes('after obtaining handlespace from mentor'),
    );
    await world.until(
      'and has all elements of both',
      async () => {
        const dump = await theirs.handlespace(world, world.host(`d${(dumps += 1)}`), third);
        world.facts.dumped = dump.elements.length;
        return dump.elements.length === 2 * count;
      },
      { withinMs: 15_000 },
    );
    await world.until('all agree on checksums', async () => {
      const view = await second.view();
      return [idOfTheirs, idOfThird].every((id) =>
        view.peers.some((peer) => Number(peer.id) === id && peer.checksum.told === peer.checksum.computed),
      );
    });
  },
};
let dumps = 0;

// SPDX-License-Identifier: Apache-2.0
import { has } from '../lib/probe.mjs';
import { element, registrar, registrarReady, terminal } from '../lib/rsplib.mjs';

/** Nothing of ours but the questions: what fails here is not our doing. */
export const scenario = {
  title: 'rsplib alone: two registrars, two elements, a user, and the loss of an element',
  async run(world) {
    const [r1, r2] = [world.host('r1'), world.host('r2')];
    const first = await registrar(world, r1, { id: 0x11111111, peers: [r2] });
    const second = await registrar(world, r2, { id: 0x22222222, peers: [r1] });
    await world.until('both registrars are ready', () => registrarReady(first) && registrarReady(second));

    const elements = [0xe1, 0xe2].map((id, index) =>
      element(world, world.host(`e${index + 1}`), { id, pool: 'EchoPool', registrars: [r1] }),
    );
    await world.until('both elements are in the pool at the first registrar', () =>
      has(r1, 'EchoPool', [0xe1, 0xe2]),
    );
    await world.until('and at the second', () => has(r2, 'EchoPool', [0xe1, 0xe2]));

    const user = terminal(world, world.host('u1'), { pool: 'EchoPool', registrars: [r2] });
    await world.until('the user has an answer', () => {
      user.write('hello\n');
      return user.answers().length > 0;
    });
    const served = user.answers().at(-1).from;
    elements.find(({ id }) => id === served).kill();
    await world.until('another element answers after the first was killed', () => {
      user.write('again\n');
      return user.answers().some(({ from }) => from !== served);
    });
    await world.until('the dead element is out of the pool at both registrars', async () => {
      const left = [0xe1, 0xe2].filter((id) => id !== served);
      return (await has(r1, 'EchoPool', left)) && (await has(r2, 'EchoPool', left));
    });
  },
};

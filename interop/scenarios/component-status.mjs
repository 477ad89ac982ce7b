// SPDX-License-Identifier: Apache-2.0
import * as ours from '../lib/ours.mjs';
import { has } from '../lib/probe.mjs';
import * as theirs from '../lib/rsplib.mjs';

const pool = 'EchoPool';
const [idOfTheirs, idOfOurs] = [0x11111111, 0x44444444];
const everyMs = 500;
/** Groups of components in their identifiers. */
const [registrarGroup, elementGroup, userGroup] = [1, 2, 3];

/** The component status protocol is rsplib's own; both ways crosswise. */
export const scenario = {
  title:
    'component status: its monitor shows our registrar and element, ours shows its registrar, element and user',
  async run(world) {
    const [r1, r2] = [world.host('r1'), world.host('r2', { ours: true })];
    const [m1, m2] = [world.host('m1'), world.host('m2', { ours: true })];
    const its = theirs.monitor(world, m1);
    const own = await ours.monitor(world, m2);
    const its1 = theirs.reportTo(m2, everyMs);
    const first = await theirs.registrar(world, r1, { id: idOfTheirs, multicast: true, options: its1 });
    await world.until('its registrar is ready', () => theirs.registrarReady(first));
    const second = await ours.registrar(world, r2, {
      id: idOfOurs,
      peers: [r1],
      multicast: true,
      options: ours.reportTo(m1, everyMs),
    });
    await world.until('ours has joined, and agrees', () => ours.agrees(second, [idOfTheirs]));
    const element = theirs.element(world, world.host('e1'), {
      id: 0xe1,
      pool,
      registrars: [r1],
      options: its1,
    });
    const announced = ours.announcedElement(world, world.host('f1', { ours: true }), {
      id: 0xf1,
      pool: 'ours',
      registrars: [r2],
      options: ours.reportTo(m1, everyMs),
    });
    await world.until(
      'both elements are in their pools',
      async () => (await has(r2, pool, [0xe1])) && (await has(r1, 'ours', [0xf1])),
      { withinMs: ours.startMs },
    );
    const terminal = theirs.terminal(world, world.host('u1'), { pool, registrars: [r1], options: its1 });
    await world.until('its user is served', () => {
      terminal.write('hello\n');
      return terminal.answers().length > 0;
    });

    const last = (group, id) =>
      own
        .reports()
        .filter(
          ({ sender }) => sender.group === group && (id === undefined || BigInt(sender.identifier) === id),
        )
        .at(-1);
    await world.until('our monitor shows its registrar, connected to ours', () =>
      last(registrarGroup, BigInt(idOfTheirs))?.associations.some(
        ({ receiver }) =>
          receiver.group === registrarGroup && BigInt(receiver.identifier) === BigInt(idOfOurs),
      ),
    );
    await world.until('its element', () => last(elementGroup, 0xe1n));
    await world.until('and its user, in a session with the element', () =>
      last(userGroup)?.associations.some(
        ({ receiver }) => receiver.group === elementGroup && BigInt(receiver.identifier) === 0xe1n,
      ),
    );
    world.check(
      'every half second, as they say',
      [last(registrarGroup), last(elementGroup), last(userGroup)].every(
        ({ intervalUs }) => intervalUs === everyMs * 1000,
      ),
    );
    element.kill('SIGINT');
    await world.until('and that the element ended', () => last(elementGroup, 0xe1n).final);

    const shows = (id, status) => {
      const hex = id.toString(16).padStart(8, '0');
      const at = its.screen().indexOf(hex);
      return at >= 0 && its.screen().slice(at).includes(status);
    };
    await world.until('its monitor shows our registrar with its state', () =>
      shows(idOfOurs, 'running: pools'),
    );
    world.check(
      'connected to its',
      new RegExp(`-> .*${idOfTheirs.toString(16)}.*ENRP/SCTP`).test(its.screen()),
    );
    await world.until('and our element', () => shows(0xf1, 'in the pool'));
    announced.kill('SIGTERM');
    await world.until('until that ends', () => !its.screen().includes('000000f1'));
    world.facts.screen = its.screen();
  },
};

// SPDX-License-Identifier: Apache-2.0
import * as ours from '../lib/ours.mjs';
import { has } from '../lib/probe.mjs';
import * as theirs from '../lib/rsplib.mjs';

const pool = 'EchoPool';
const steadyMs = 10 * 60_000;
const ids = [0x11111111, 0x44444444, 0x22222222];

/** Time enough for hundreds of heartbeats: timers that do not fit together would show. */
export const scenario = {
  title: 'ten minutes of a mixed scope without a lost peer, a lost element or a takeover',
  long: true,
  limitMs: steadyMs + 180_000,
  async run(world) {
    const hosts = [world.host('r1'), world.host('r2', { ours: true }), world.host('r3')];
    const [r1, r2, r3] = hosts;
    const first = await theirs.registrar(world, r1, { id: ids[0], peers: [r3], multicast: true });
    const third = await theirs.registrar(world, r3, { id: ids[2], peers: [r1], multicast: true });
    await world.until('its registrars are ready', () => [first, third].every(theirs.registrarReady));
    const second = await ours.registrar(world, r2, { id: ids[1], peers: [r1], multicast: true });
    await world.until('all agree', () => ours.agrees(second, [ids[0], ids[2]]));
    for (const [index, host] of hosts.entries()) {
      theirs.element(world, world.host(`e${index}`), { id: 0xe0 + index, pool, registrars: [host] });
      ours.element(world, world.host(`f${index}`, { ours: true }), {
        id: 0xa0 + index,
        pool,
        registrars: [host],
      });
    }
    const all = [0xe0, 0xe1, 0xe2, 0xa0, 0xa1, 0xa2];
    const complete = async () => {
      for (const host of hosts) if (!(await has(host, pool, all))) return false;
      return true;
    };
    await world.until('six elements are known everywhere', complete, { withinMs: 2 * ours.startMs });
    await world.until('all agree', () => ours.agrees(second, [ids[0], ids[2]]));
    let disagreements = 0;
    await world.holds(
      'peers and elements stay',
      async () => {
        const view = await second.view();
        // While an update is on its way checksums may differ; two looks in a row must not.
        disagreements = (await ours.agrees(second, [ids[0], ids[2]])) ? 0 : disagreements + 1;
        return view.peers.length === 2 && disagreements < 2 && (await complete());
      },
      steadyMs,
    );
    const takeovers = [first, third].filter(({ log }) => /akeover/.test(log()));
    world.check('no takeover was begun', takeovers.length === 0);
  },
};

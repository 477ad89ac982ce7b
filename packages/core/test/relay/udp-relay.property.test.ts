// SPDX-License-Identifier: Apache-2.0
import { formatPlace, readSessionRecord } from '@vnfpool/core/relay';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { client, World } from './world.ts';

/* Whatever is moved in whatever order: each packet is answered once, and the address goes along with all of it. */

const CLIENTS = 5;
const step = fc.record({
  what: fc.constantFrom('say', 'say', 'say', 'carry', 'move', 'move', 'all', 'pass'),
  who: fc.nat(CLIENTS - 1),
  from: fc.nat(2),
  to: fc.nat(2),
  some: fc.nat(31),
  ms: fc.constantFrom(10, 500, 4_000),
});

test('each packet is answered once, whatever moves', () => {
  let moves = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 40 }), (steps) => {
      // Two that take part, and one a whole move for each of them to go to.
      const world = new World([1, 2, 3, 4, 5, 6, 7, 8]);
      const live = [1, 2, 3];
      let spare = 3;
      let said = 0;
      const say = (who: number): void => world.say(client(who), `${(said += 1)}`);
      for (let who = 0; who < CLIENTS; who += 1) say(who);
      for (const { what, who, from, to, some, ms } of steps) {
        const source = live[from] ?? 1;
        const destination = live[to] ?? 1;
        if (what === 'say') say(who);
        else if (what === 'carry') world.carry();
        else if (what === 'pass') world.pass(ms);
        else if (what === 'move' && source !== destination) {
          // A datagram of the transfer before is faster than the next transfer.
          world.carry();
          const chosen = world.served(source).filter((_, at) => ((some >> at) & 1) === 1);
          if (world.moveSessions(source, destination, chosen, () => say(who))) moves += 1;
        } else if (what === 'all' && spare < 8) {
          // Forwarded packets on the way to an instance that ends are lost, as all datagrams to it are.
          world.carry();
          live[from] = spare += 1;
          world.moveAll(source, spare);
          world.carry();
        }
      }
      world.carry();
      const answered = world.answers.map(({ text }) => Number(text.slice(0, -1)));
      expect(answered.toSorted((one, other) => one - other)).toEqual(
        Array.from({ length: said }, (_, at) => at + 1),
      );
      // All of it ends: nothing is left of sessions, nor of transfers.
      world.pass(600_000);
      for (const { name } of world.instances.filter((each) => live.includes(each.name))) {
        expect(world.at(name).relay.table.size).toBe(0);
        expect(world.at(name).links.open).toBe(0);
      }
    }),
    { numRuns: 300 },
  );
  expect(moves).toBeGreaterThan(150);
}, 60_000);

test('a record is read as it was written, or refused', () => {
  const record = {
    service: '192.0.2.1:53',
    client: '[2001:db8::1]:5353',
    backend: '198.51.100.1:53',
    port: 4_711,
    sinceMs: 1_700_000_000_000,
    idleMs: 12,
    up: [1, 2],
    down: [3, 4],
    path: [['0123456789abcdef', 7]],
    away: null,
    alias: null,
  };
  expect(readSessionRecord(record)).toMatchObject({ client: { address: '2001:db8::1', port: 5_353 } });
  expect(formatPlace(readSessionRecord(record)?.client ?? { address: '', port: 0 })).toBe(record.client);
  for (const name of Object.keys(record)) {
    for (const wrong of [undefined, 'x', -1, 1.5, {}, [1], ['x', 1], '192.0.2.1', '192.0.2.1:65536', '::1:5'])
      expect(readSessionRecord({ ...record, [name]: wrong })).toBeNull();
  }
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(readSessionRecord(value)).toBeNull();
    }),
  );
});

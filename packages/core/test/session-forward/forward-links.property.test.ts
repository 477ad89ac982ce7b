// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HOLDER, HOME, Network, packet, TRANSFER } from './pair.ts';

/* A network that loses, repeats and turns around datagrams: each packet comes at most once, and never another one. */

const step = fc.record({
  what: fc.constantFrom('arrive', 'arrive', 'send', 'deliver', 'deliver', 'lose', 'repeat', 'turn', 'pass'),
  ms: fc.nat(700),
});

test('whatever happens on the way, no packet comes twice, and at rest none is missing that was not lost', () => {
  let delivered = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const network = new Network([HOME, HOLDER], { lostMs: 1_000_000 });
      const home = network.at(HOME);
      const holder = network.at(HOLDER);
      home.offer(TRANSFER, network.nowMs);
      home.commit(TRANSFER, network.nowMs);
      network.take(HOLDER, holder.claim(TRANSFER, HOME, network.nowMs));
      const lost = new Set<number>();
      let number = 0;
      for (const { what, ms } of steps) {
        const [first, ...rest] = network.onTheWay;
        if (what === 'arrive') network.take(HOME, home.arrived(TRANSFER, packet((number += 1))));
        else if (what === 'send') network.take(HOLDER, holder.send(TRANSFER, packet((number += 1))));
        else if (what === 'deliver') network.step();
        else if (what === 'pass') network.pass(ms);
        else if (!first) continue;
        else if (what === 'repeat') network.onTheWay.push(first);
        else if (what === 'turn') network.onTheWay = [...rest, first];
        else {
          network.onTheWay = rest;
          const { message } = first.output.datagram;
          const twin = rest.some(({ output }) => output.datagram === first.output.datagram);
          if ('payload' in message && !twin) lost.add(message.session);
        }
      }
      network.pass(5_000);
      const came = [...network.happened(HOME), ...network.happened(HOLDER)].flatMap((each) =>
        'packet' in each ? [each.packet.session] : [],
      );
      delivered += came.length;
      expect(new Set(came).size).toBe(came.length);
      const missing = Array.from({ length: number }, (_, at) => at + 1).filter(
        (each) => !came.includes(each),
      );
      for (const each of missing) expect(lost).toContain(each);
    }),
    { numRuns: 500 },
  );
  expect(delivered).toBeGreaterThan(300);
});

// SPDX-License-Identifier: Apache-2.0
import { DEFAULT_FORWARD_LIMITS, type ForwardLimits, type ForwardPlace } from '@vnfpool/core/session-forward';
import { expect, test } from 'vitest';
import { HOLDER, HOME, Network, packet, TRANSFER } from './pair.ts';

const OTHER: ForwardPlace = { address: '192.0.2.3', port: 3 };

function open(limits: Partial<ForwardLimits> = {}): Network {
  const network = new Network([HOME, HOLDER, OTHER], limits);
  network.at(HOME).offer(TRANSFER, network.nowMs);
  network.at(HOME).commit(TRANSFER, network.nowMs);
  network.take(HOLDER, network.at(HOLDER).claim(TRANSFER, HOME, network.nowMs));
  network.carry();
  return network;
}

const arrive = (network: Network, session: number, text?: string): void =>
  network.take(HOME, network.at(HOME).arrived(TRANSFER, packet(session, text)));

test('what arrives at the home reaches the holder, and what the holder says goes out at the home', () => {
  const network = open();
  arrive(network, 5);
  network.carry();
  expect(network.happened(HOLDER)).toEqual([{ type: 'arrived', transfer: TRANSFER, packet: packet(5) }]);
  network.take(HOLDER, network.at(HOLDER).send(TRANSFER, packet(5, 'ho')));
  network.carry();
  expect(network.happened(HOME)).toEqual([{ type: 'send', transfer: TRANSFER, packet: packet(5, 'ho') }]);
});

test('before the holder is heard packets wait, and go before later ones; beyond the bound they are dropped', () => {
  const network = new Network([HOME, HOLDER], { heldMax: 2 });
  network.at(HOME).offer(TRANSFER, 0);
  for (const session of [1, 2, 3]) arrive(network, session);
  expect(network.onTheWay).toEqual([]);
  expect(network.at(HOME).dropped.held).toBe(1);
  network.take(HOLDER, network.at(HOLDER).claim(TRANSFER, HOME, network.nowMs));
  network.step();
  arrive(network, 4);
  network.carry();
  const order = network
    .happened(HOLDER)
    .map((each) => (each.type === 'arrived' ? each.packet.session : each.type));
  expect(order).toEqual([1, 2, 4]);
});

test('a claim that is lost is repeated until it is answered, then once in a while', () => {
  const network = new Network([HOME, HOLDER]);
  network.at(HOME).offer(TRANSFER, network.nowMs);
  network.take(HOLDER, network.at(HOLDER).claim(TRANSFER, HOME, network.nowMs));
  network.onTheWay = [];
  const { claimMs, aliveMs } = DEFAULT_FORWARD_LIMITS;
  expect(network.at(HOLDER).nextDeadline()).toBe(network.nowMs + claimMs);
  network.pass(claimMs);
  expect(network.at(HOLDER).nextDeadline()).toBe(network.nowMs + claimMs);
  network.pass(claimMs);
  expect(network.at(HOLDER).nextDeadline()).toBe(network.nowMs + aliveMs);
});

test('a holder that is not heard loses its sessions to the home, and hears of it when it comes back', () => {
  const network = open();
  network.pass(60_000);
  expect(network.happened(HOME)).toEqual([]);
  expect(network.happened(HOLDER)).toEqual([]);
  // Out of reach, not dead: what it says is lost on the way.
  const holder = network.at(HOLDER);
  network.remove(HOLDER);
  network.pass(DEFAULT_FORWARD_LIMITS.lostMs - 1_000);
  expect(network.happened(HOME)).toEqual([]);
  network.pass(1_000);
  expect(network.happened(HOME)).toEqual([{ type: 'over', transfer: TRANSFER, held: [] }]);
  expect(network.at(HOME).open).toBe(0);
  arrive(network, 1);
  expect(network.at(HOME).dropped.unclaimed).toBe(1);
  network.onTheWay = [];
  const late = new Network([HOLDER]);
  for (const output of holder.expire(network.nowMs))
    if (output.type === 'datagram')
      late.take(HOME, network.at(HOME).handle(output.datagram, HOLDER, network.nowMs));
  for (const { output } of late.onTheWay) {
    const [told] = holder.handle(output.datagram, HOME, network.nowMs);
    expect(told).toEqual({ type: 'over', transfer: TRANSFER, held: [] });
  }
  expect(late.onTheWay).toHaveLength(1);
  expect(holder.open).toBe(0);
});

test('a holder that never comes: what waited for it is given back', () => {
  const network = new Network([HOME]);
  network.at(HOME).offer(TRANSFER, network.nowMs);
  network.pass(60_000);
  // A transfer of state may take its time.
  expect(network.happened(HOME)).toEqual([]);
  network.at(HOME).commit(TRANSFER, network.nowMs);
  arrive(network, 1);
  network.pass(DEFAULT_FORWARD_LIMITS.lostMs);
  expect(network.happened(HOME)).toEqual([{ type: 'over', transfer: TRANSFER, held: [packet(1)] }]);
});

test('a home that is not heard is told once, and asked on', () => {
  const network = open();
  network.remove(HOME);
  network.pass(30_000);
  expect(network.happened(HOLDER)).toEqual([{ type: 'silent', transfer: TRANSFER }]);
  expect(network.at(HOLDER).open).toBe(1);
  expect(network.at(HOLDER).drop(TRANSFER, network.nowMs)).toEqual([]);
  expect(network.at(HOLDER).nextDeadline()).toBeUndefined();
});

test('sessions end one by one, from either end; then the transfer', () => {
  const network = open();
  network.take(HOME, network.at(HOME).ended(TRANSFER, 1));
  network.take(HOLDER, network.at(HOLDER).ended(TRANSFER, 2));
  network.carry();
  expect(network.happened(HOLDER)).toEqual([{ type: 'ended', transfer: TRANSFER, session: 1 }]);
  expect(network.happened(HOME)).toEqual([{ type: 'ended', transfer: TRANSFER, session: 2 }]);
  network.take(HOME, network.at(HOME).drop(TRANSFER, network.nowMs));
  // What is on its way comes.
  network.take(HOLDER, network.at(HOLDER).send(TRANSFER, packet(3)));
  network.carry();
  expect(network.happened(HOME)).toMatchObject([{ type: 'send' }]);
  expect(network.happened(HOLDER)).toEqual([]);
  network.pass(DEFAULT_FORWARD_LIMITS.lingerMs);
  expect(network.happened(HOLDER)).toEqual([{ type: 'over', transfer: TRANSFER, held: [] }]);
  expect([network.at(HOME).open, network.at(HOLDER).open]).toEqual([0, 0]);
});

test('repeated, thrown back, of an earlier instance, or of nobody: ignored and counted', () => {
  const network = open();
  const home = network.at(HOME);
  arrive(network, 1);
  const [way] = network.onTheWay;
  if (!way) throw new Error('nothing was sent');
  const { datagram } = way.output;
  network.carry();
  network.happened(HOLDER);
  const holder = network.at(HOLDER);
  expect(holder.handle(datagram, HOME, network.nowMs)).toEqual([]);
  expect(holder.dropped.replayed).toBe(1);
  expect(home.handle(datagram, HOLDER, network.nowMs)).toEqual([]);
  expect(home.dropped.refused).toBe(1);
  expect(home.handle({ ...datagram, transfer: 'ffffffffffffffff' }, HOLDER, network.nowMs)).toEqual([]);
  expect(home.dropped.unknown).toBe(1);
  const later = { ...datagram, generation: 1, sequence: 0n };
  expect(holder.handle(later, HOME, network.nowMs)).toHaveLength(1);
  expect(holder.handle({ ...datagram, sequence: 99n }, HOME, network.nowMs)).toEqual([]);
  expect(holder.dropped.replayed).toBe(2);
});

test('whoever sends a fresh datagram from elsewhere draws nothing away from its sender', () => {
  const network = open();
  network.take(HOLDER, network.at(HOLDER).send(TRANSFER, packet(1)));
  const [way] = network.onTheWay.splice(0);
  if (!way) throw new Error('nothing was sent');
  expect(network.at(HOME).handle(way.output.datagram, OTHER, network.nowMs)).toHaveLength(1);
  arrive(network, 2);
  expect(network.onTheWay.map(({ output }) => output.to)).toEqual([HOLDER]);
});

test.each(['home', 'holder'] as const)('the %s moves as a whole, and forwarding goes on', (which) => {
  const network = open();
  const [before, ...rest] = which === 'home' ? [HOME, HOLDER] : [HOLDER, HOME];
  const state = network.at(before ?? HOME).state(TRANSFER);
  expect(state).toEqual({ transfer: TRANSFER, end: which, generation: 1, peer: rest[0] });
  network.remove(before ?? HOME);
  if (state) network.take(OTHER, network.at(OTHER).restore(state, network.nowMs));
  network.carry();
  const [home, holder] = which === 'home' ? [OTHER, HOLDER] : [HOME, OTHER];
  network.take(home, network.at(home).arrived(TRANSFER, packet(1)));
  network.take(holder, network.at(holder).send(TRANSFER, packet(2)));
  network.carry();
  expect(network.happened(holder)).toMatchObject([{ type: 'arrived' }]);
  expect(network.happened(home)).toMatchObject([{ type: 'send' }]);
  network.pass(60_000);
  expect([...network.happened(home), ...network.happened(holder)]).toEqual([]);
});

test('what is over is remembered within a bound, the latest', () => {
  const network = new Network([HOME], { overMax: 2, linksMax: 2 });
  const home = network.at(HOME);
  const ids = [1, 2, 3].map((each) => `${each}`.padStart(16, '0'));
  for (const id of ids) {
    home.offer(id, 0);
    home.drop(id, 0);
  }
  const claims = ids.map((transfer) =>
    home.handle({ transfer, generation: 0, sequence: 0n, message: { type: 'claim' } }, HOLDER, 0),
  );
  expect(claims.map((outputs) => outputs.length)).toEqual([0, 1, 1]);
  expect(home.full).toBe(false);
  for (const id of ids.slice(0, 2)) home.offer(`f${id.slice(1)}`, 0);
  expect(home.full).toBe(true);
});

test('known from the start where the holder is, nothing waits', () => {
  const network = new Network([HOME, HOLDER]);
  network.at(HOME).offer(TRANSFER, network.nowMs);
  arrive(network, 1);
  network.take(HOLDER, network.at(HOLDER).claim(TRANSFER, HOME, network.nowMs));
  network.onTheWay = [];
  network.take(HOME, network.at(HOME).commit(TRANSFER, network.nowMs, HOLDER));
  arrive(network, 2);
  network.carry();
  expect(network.happened(HOLDER).map((each) => each.type)).toEqual(['arrived', 'arrived']);
});

test.each(['home', 'holder'] as const)(
  'the %s was copied and goes on itself: it is heard, its copy is not',
  (which) => {
    const network = open();
    const [own, peer] = which === 'home' ? [HOME, HOLDER] : [HOLDER, HOME];
    const state = network.at(own).state(TRANSFER);
    if (state) network.take(OTHER, network.at(OTHER).restore(state, network.nowMs));
    network.carry();
    network.take(own, network.at(own).renew(network.nowMs));
    network.carry();
    network.take(OTHER, network.at(OTHER)[which === 'home' ? 'arrived' : 'send'](TRANSFER, packet(1)));
    network.carry();
    expect(network.happened(peer)).toEqual([]);
    network.take(own, network.at(own)[which === 'home' ? 'arrived' : 'send'](TRANSFER, packet(2)));
    network.take(peer, network.at(peer)[which === 'home' ? 'send' : 'arrived'](TRANSFER, packet(3)));
    network.carry();
    expect([network.happened(peer), network.happened(own)].map(({ length }) => length)).toEqual([1, 1]);
  },
);

test('of a transfer that was given up, what waited comes back', () => {
  const network = new Network([HOME]);
  network.at(HOME).offer(TRANSFER, 0);
  arrive(network, 1);
  expect(network.at(HOME).drop(TRANSFER, network.nowMs)).toEqual([
    { type: 'over', transfer: TRANSFER, held: [packet(1)] },
  ]);
});

// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import type { PoolElement } from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';
import { enrpOf, OWN_ID, PeerHarness } from './support/peer-harness.ts';

const WEB = encodeUtf8('web');

function element(id: number, homeRegistrar: number, change: Partial<PoolElement> = {}): PoolElement {
  return {
    id,
    homeRegistrar,
    registrationLife: 60,
    userTransport: { type: 'tcp', port: 80, address: `10.2.0.${id}` },
    policy: { type: 'round-robin' },
    asapTransport: { type: 'tcp', port: 4000, address: `10.2.0.${id}` },
    ...change,
  };
}
const update = (
  action: 'add' | 'delete',
  told: PoolElement,
  takeoverSuggested = false,
  poolHandle: Uint8Array = WEB,
) => ({ type: 'handle-update', takeoverSuggested, action, poolHandle, element: told }) as const;
const request = (ownOnly: boolean) => ({ type: 'handle-table-request', ownOnly }) as const;

const present = (checksum: number) =>
  ({
    type: 'presence',
    sender: 7,
    receiver: 0,
    replyRequired: false,
    checksum,
    server: { registrarId: 7, transport: enrpOf(7) },
  }) as const;

function pool(world: PeerHarness): string[] {
  return (world.view().pools[0]?.elements ?? []).map(({ id, homeRegistrar }) => `${id}@${homeRegistrar}`);
}
/** An element of ours registers over an association of its own. */
function register(world: PeerHarness, id: number, change: Partial<PoolElement> = {}): void {
  const asapTransport = { type: 'tcp', port: 4000, address: `10.2.0.${id}` } as const;
  const peer = { transport: 'tcp', addresses: [`10.2.0.${id}`], asapTransport } as const;
  const identity = { role: 'node', name: `e${id}` } as const;
  world.give({ type: 'association-opened', association: 1000 + id, identity, peer });
  world.asap(1000 + id, { type: 'registration', poolHandle: WEB, element: element(id, 0, change) });
}

describe('§3.1, §3.4 peers', () => {
  test('an unknown registrar is taken into the list and asked for its presence, with all that belongs in one', () => {
    const world = new PeerHarness();
    world.open(1);
    const answers = world.say(1, 7, { type: 'list-request' });
    const server = { registrarId: OWN_ID, transport: enrpOf(OWN_ID) };
    expect(answers).toEqual([
      { type: 'presence', sender: OWN_ID, receiver: 7, replyRequired: true, checksum: 0xffff, server },
      { type: 'list-request', sender: OWN_ID, receiver: 7 },
      { type: 'list-response', sender: OWN_ID, receiver: 7, rejected: false, servers: [server] },
    ]);
    expect(world.reasons()).toEqual(['peer-found: it made itself known']);
    expect(world.view().peers).toMatchObject([{ registrarId: 7, state: 'active', transport: null }]);
  });

  test('a presence that wants a reply gets one without; the list names all', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    expect(world.presence(1, 7, 0xffff, true)).toMatchObject([
      { type: 'presence', replyRequired: false, receiver: 7 },
    ]);
    world.meet(2, 8);
    const [list] = world.say(2, 8, { type: 'list-request' });
    expect(list).toMatchObject({
      servers: [{ registrarId: OWN_ID }, { registrarId: 7, transport: enrpOf(7) }, { registrarId: 8 }],
    });
  });

  test('a presence to every peer each cycle, an eighth more or less', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    const times: number[] = [];
    for (let step = 0; step < 500; step++) {
      world.advance(1000);
      for (const { type } of world.heard(1)) if (type === 'presence') times.push(world.now);
      if (step % 30 === 0) world.presence(1, 7);
    }
    const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    expect(gaps.length).toBeGreaterThan(12);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(26_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(34_000);
    expect(new Set(gaps).size).toBeGreaterThan(2);
  });

  test('silent: asked once, dead after MAX-TIME-NO-RESPONSE; without elements it is just removed', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.advance(60_999);
    world.heard(1);
    world.reasons();
    world.advance(1);
    expect(world.heard(1)).toMatchObject([{ type: 'presence', replyRequired: true }]);
    expect(world.reasons()).toEqual(['peer-suspect: silent']);
    world.advance(4999);
    expect(world.reasons()).toEqual([]);
    world.advance(1);
    expect(world.reasons()).toEqual(['peer-dead: no answer', 'peer-removed: dead, and it owned nothing']);
    expect(world.closed).toEqual(['1: peer removed: dead, and it owned nothing']);
    expect(world.view().peers).toEqual([]);
  });

  test('what others list does not bring the dead back; only they themselves do', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.meet(2, 8);
    world.advance(60_000);
    world.presence(2, 8);
    world.advance(6000);
    const servers = [
      { registrarId: 7, transport: enrpOf(7) },
      { registrarId: 9, transport: enrpOf(9) },
    ];
    world.say(2, 8, { type: 'list-response', rejected: false, servers });
    expect(world.view().peers.map(({ registrarId }) => registrarId)).toEqual([8, 9]);
    world.meet(3, 7);
    expect(world.view().peers.map(({ registrarId }) => registrarId)).toEqual([8, 9, 7]);
  });

  test('RFC 5355 §2.17: an identifier belongs to who authenticated itself under it, for as long as it may come back', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.say(1, 7, update('add', element(1, 7)));
    world.open(2, { role: 'registrar', name: 'insider' });
    world.say(2, 7, update('delete', element(1, 7)));
    expect(pool(world)).toEqual(['1@7']);
    world.give({ type: 'peer-closed', association: 1 });
    world.open(3, { role: 'registrar', name: 'insider' });
    world.say(3, 7, update('delete', element(1, 7)));
    expect(pool(world)).toEqual(['1@7']);
    world.open(4, { role: 'registrar', name: 'r1' });
    world.say(4, 7, update('delete', element(1, 7)));
    expect(pool(world)).toEqual([]);
  });

  test('RFC 5352 §3.2: an element that was ours, and is removed by its new owner, hears that it is out', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    register(world, 1);
    world.say(1, 7, update('add', element(1, 7)));
    world.asapHeard(1001);
    world.say(1, 7, update('delete', element(1, 7)));
    expect(world.asapHeard(1001)).toEqual([
      { type: 'deregistration-response', poolHandle: WEB, elementId: 1, causes: [] },
    ]);
    expect(pool(world)).toEqual([]);
  });

  test('any message brings a suspect back', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.advance(61_000);
    world.reasons();
    world.say(1, 7, { type: 'list-request' });
    expect(world.reasons()).toEqual(['peer-back: heard again']);
    world.advance(60_000);
    expect(world.reasons()).toEqual([]);
  });

  test('a clock that jumps kills nobody: who was away ourselves asks again', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    register(world, 1);
    world.advance(61_000);
    world.reasons();
    world.jump(3_600_000);
    expect(world.reasons()).toContain('peer-suspect: we were away ourselves');
    expect(world.view().peers).toMatchObject([{ state: 'suspect' }]);
    world.jump(-10_000);
    world.presence(1, 7);
    expect(world.view().peers).toMatchObject([{ state: 'active' }]);
  });

  test('a lost association is made again, with longer and longer pauses', () => {
    const world = new PeerHarness({ maxTimeLastHeardMs: 600_000 });
    world.meet(1, 7);
    world.give({ type: 'peer-closed', association: 1 });
    const times: number[] = [];
    for (let step = 0; step < 12; step++) {
      for (let wait = 0; wait < 1000 && world.connects.length === 0; wait++) world.advance(100);
      const [connect] = world.connects.splice(0);
      expect(connect).toMatchObject({ protocol: 'enrp', transport: enrpOf(7) });
      times.push(world.now);
      world.give({ type: 'connect-failed', attempt: connect?.attempt ?? 0, reason: 'refused' });
    }
    const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    expect(gaps[0]).toBeLessThan(1000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(45_100);
    expect(gaps.at(-1)).toBeGreaterThan(10_000);
  });
});

describe('who may be a peer (RFC 5355 §2.5)', () => {
  test.each([
    [null, 'not authenticated'],
    [{ role: 'node', name: 'x' } as const, 'a node, not a registrar'],
  ])('%j is refused, and no state is kept', (identity, reason) => {
    const world = new PeerHarness();
    world.open(1, identity);
    expect(world.closed).toEqual([`1: ${reason}`]);
    expect(world.presence(1, 7)).toEqual([]);
    expect(world.view()).toMatchObject({ peers: [], peerAssociations: 0, counters: { peersRefused: 1 } });
  });

  test('in a closed network, by setting, without authentication', () => {
    const world = new PeerHarness({ openPeering: true });
    world.open(1, null);
    world.presence(1, 7);
    expect(world.view().peers).toHaveLength(1);
  });

  test('one that changes its identifier, or has none, is closed', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.presence(1, 8);
    world.open(2);
    world.say(2, 0, { type: 'list-request' });
    expect(world.closed).toEqual(['1: changed its identifier', '2: a registrar without identifier']);
    expect(world.view().peers.map(({ registrarId }) => registrarId)).toEqual([7]);
  });

  test('one that never says who it is, and one too many, are closed; the peer list is bounded', () => {
    const world = new PeerHarness({ peersMax: 3, peerAssociationsMax: 5 });
    for (let id = 1; id <= 4; id++) world.meet(id, id + 10);
    expect(world.closed).toEqual(['4: the peer list is full']);
    world.open(5);
    world.open(6);
    world.open(7);
    expect(world.closed.at(-1)).toBe('7: too many associations');
    world.advance(10_000);
    expect(world.closed).toContain('5: no registrar made itself known');
  });

  test('malformed messages are counted, told, and too many end it', () => {
    const world = new PeerHarness({ malformedMax: 3 });
    world.meet(1, 7);
    const report = { code: 3, info: new Uint8Array(5000) };
    for (let i = 0; i < 3; i++) world.give({ type: 'peer-malformed', association: 1, report });
    const [answer] = world.heard(1);
    expect(answer).toMatchObject({ type: 'error' });
    expect(answer?.type === 'error' ? answer.causes[0]?.info.length : 0).toBe(1024);
    expect(world.closed).toEqual(['1: too many malformed messages']);
  });

  test('who comes again after a while is answered there, and may have another address', () => {
    const world = new PeerHarness();
    const identity = { role: 'registrar', name: 'seven' } as const;
    world.open(1, identity);
    world.presence(1, 7);
    world.advance(20_000);
    world.open(2, identity);
    const server = { registrarId: 7, transport: enrpOf(77) };
    world.say(2, 7, { type: 'presence', replyRequired: false, checksum: 0xffff, server });
    register(world, 1);
    expect(world.heard(1).filter(({ type }) => type === 'handle-update')).toEqual([]);
    expect(world.heard(2).filter(({ type }) => type === 'handle-update')).toHaveLength(1);
    expect(world.view().peers).toMatchObject([{ transport: enrpOf(77) }]);
  });

  test('duplicate associations are tolerated up to a few', () => {
    const world = new PeerHarness();
    for (let id = 1; id <= 8; id++) {
      world.open(id, { role: 'registrar', name: 'seven' });
      world.presence(id, 7);
    }
    expect(world.view()).toMatchObject({ peerAssociations: 4, peers: [{ connected: true }] });
  });
});

describe('equal identifiers', () => {
  test('a peer with our identifier: we take another, for our elements too, and nothing loops', () => {
    const world = new PeerHarness();
    register(world, 1);
    world.meet(1, 7);
    world.open(2);
    world.say(2, OWN_ID, {
      type: 'presence',
      replyRequired: false,
      server: { registrarId: OWN_ID, transport: enrpOf(5) },
    });
    const { registrarId, ownElements } = world.view();
    expect(registrarId).not.toBe(OWN_ID);
    expect(ownElements).toBe(1);
    expect(pool(world)).toEqual([`1@${registrarId}`]);
    expect(world.closed).toEqual(['2: it has our identifier', '1: our identifier changed']);
    for (let i = 0; i < 20; i++) {
      world.open(10 + i);
      world.say(10 + i, world.view().registrarId, { type: 'list-request' });
    }
    expect(world.view().counters.identifierChanges).toBe(3);
  });

  test('a list with our identifier at another endpoint', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    const servers = [{ registrarId: OWN_ID, transport: enrpOf(5) }];
    world.say(1, 7, { type: 'list-response', rejected: false, servers });
    expect(world.view().registrarId).not.toBe(OWN_ID);
  });

  test('our own endpoint under our identifier is ourselves', () => {
    const world = new PeerHarness();
    world.open(1);
    world.presence(1, OWN_ID);
    expect(world.closed).toEqual(['1: connected to ourselves']);
    expect(world.view().registrarId).toBe(OWN_ID);
  });

  test('two others with one identifier: the later one is only told the list, where it finds the first', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.open(2, { role: 'registrar', name: 'another' });
    world.say(2, 7, update('add', element(1, 7)));
    expect(pool(world)).toEqual([]);
    expect(world.say(2, 7, { type: 'list-request' })).toMatchObject([
      { servers: [{}, { registrarId: 7, transport: enrpOf(7) }] },
    ]);
  });
});

describe('§3.3 handle updates', () => {
  test('ADD_PE on registration and again, DEL_PE with the whole element on removal, to all', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.meet(2, 8);
    world.heard(1);
    world.heard(2);
    register(world, 1);
    const added = {
      sender: OWN_ID,
      receiver: 0,
      ...update('add', element(1, OWN_ID)),
    };
    expect(world.heard(1)).toEqual([added]);
    expect(world.heard(2)).toEqual([added]);
    world.asap(1001, { type: 'registration', poolHandle: WEB, element: element(1, 0) });
    expect(world.heard(1)).toEqual([added]);
    world.asap(1001, { type: 'deregistration', poolHandle: WEB, elementId: 1 });
    expect(world.heard(1)).toEqual([{ ...added, action: 'delete' }]);
  });

  test('the element has its answer before the others hear of it', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    const peer = { transport: 'tcp', addresses: ['10.2.0.1'] } as const;
    world.give({ type: 'association-opened', association: 50, identity: { role: 'node', name: 'n' }, peer });
    const registration = { type: 'registration', poolHandle: WEB, element: element(1, 0) } as const;
    const input = { type: 'message', association: 50, message: registration, unrecognized: [] } as const;
    const sent = world.registrar.handle(input, world.now).filter(({ type }) => type !== 'event');
    expect(sent.map(({ type }) => type)).toEqual(['send', 'peer-send']);
  });

  test('what a peer adds is taken, replaced, removed; a checksum of its own is kept', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.say(1, 7, update('add', element(1, 7)));
    world.say(1, 7, update('add', element(2, 7)));
    world.say(1, 7, update('add', element(1, 7, { registrationLife: 99 })));
    expect(pool(world)).toEqual(['1@7', '2@7']);
    expect(world.view().peers[0]?.elements).toBe(2);
    world.say(1, 7, update('delete', element(1, 7)));
    world.say(1, 7, update('delete', element(3, 7)));
    expect(pool(world)).toEqual(['2@7']);
    expect(world.view().checksum).toBe(0xffff);
  });

  test('only the owner on record removes: a DEL_PE that was overtaken means nothing', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.meet(2, 8);
    world.say(1, 7, update('add', element(1, 7)));
    world.say(2, 8, update('add', element(1, 8)));
    world.say(1, 7, update('delete', element(1, 7)));
    expect(pool(world)).toEqual(['1@8']);
    register(world, 3);
    world.say(1, 7, update('delete', element(3, OWN_ID)));
    expect(pool(world)).toEqual(['1@8', `3@${OWN_ID}`]);
    expect(world.view().counters.handleUpdatesIgnored).toBe(2);
  });

  test('conflicts keep the pool, are counted and told', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.say(1, 7, update('add', element(1, 7)));
    world.reasons();
    world.say(1, 7, update('add', element(2, 7, { policy: { type: 'random' } })));
    world.say(1, 7, update('add', element(3, 0)));
    world.say(1, 7, update('add', element(0, 7)));
    world.say(1, 7, update('add', element(4, OWN_ID)));
    expect(world.reasons()).toEqual([
      'element-conflict: policy',
      'element-conflict: it has no home',
      'element-conflict: it has no identifier',
      'element-conflict: it names us as its home',
    ]);
    expect(pool(world)).toEqual(['1@7']);
    expect(world.view().counters.elementConflicts).toBe(4);
  });

  test('a remote element that is not renewed goes silently, but not before its owner would be missed', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.say(1, 7, update('add', element(1, 7, { registrationLife: 10 })));
    world.say(1, 7, update('add', element(2, 7, { registrationLife: -1 })));
    world.advance(9000);
    world.say(1, 7, update('add', element(1, 7, { registrationLife: 10 })));
    world.advance(50_000);
    world.presence(1, 7, world.view().peers[0]?.checksumComputed);
    world.advance(35_999);
    expect(pool(world)).toEqual(['1@7', '2@7']);
    world.heard(1);
    world.advance(1);
    expect(pool(world)).toEqual(['2@7']);
    expect(world.heard(1).filter(({ type }) => type === 'handle-update')).toEqual([]);
  });

  test('in a scope of milliseconds the largest life is for ever', () => {
    const world = new PeerHarness({ lifeUnit: 'milliseconds', infiniteLife: 0x7fffffff });
    world.meet(1, 7);
    world.say(1, 7, update('add', element(1, 7, { registrationLife: 500 })));
    world.say(1, 7, update('add', element(2, 7, { registrationLife: 0x7fffffff })));
    world.heard(1);
    register(world, 3, { registrationLife: -1 });
    expect(world.heard(1)).toMatchObject([{ element: { id: 3, registrationLife: 0x7fffffff } }]);
    world.advance(50_000);
    world.presence(1, 7, world.view().peers[0]?.checksumComputed);
    world.advance(26_500);
    expect(pool(world)).toEqual(['2@7', `3@${OWN_ID}`]);
  });

  test('an element of ours that registered elsewhere is given up, and not watched any more', () => {
    const world = new PeerHarness({ keepAlivePeriodMs: 1000 });
    register(world, 1);
    world.meet(1, 7);
    world.reasons();
    world.say(1, 7, update('add', element(1, 7)));
    expect(world.reasons()).toEqual(['element-moved: registered-elsewhere']);
    world.asapHeard(1001);
    world.advance(10_000);
    expect(world.asapHeard(1001)).toEqual([]);
    expect(pool(world)).toEqual(['1@7']);
    register(world, 1);
    expect(pool(world)).toEqual([`1@${OWN_ID}`]);
    expect(world.reasons()).toContain('element-moved: registered-here');
  });

  test('a home that nobody has heard of is looked for', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.say(1, 7, update('add', element(1, 9, { registrationLife: -1 })));
    expect(world.view().peers).toMatchObject([{ registrarId: 7 }, { registrarId: 9, lastHeardMs: null }]);
    for (let i = 0; i < 3; i++) {
      world.advance(30_000);
      world.presence(1, 7);
    }
    world.say(1, 7, { type: 'init-takeover-ack', target: 9 });
    expect(world.reasons()).toContain('takeover-won: 1 elements');
  });
});

describe('§3.2.3 handle tables', () => {
  test('parts within the bounds; W: only our own; the same request goes on, another begins anew', () => {
    const world = new PeerHarness({ tableElementsMax: 2 });
    world.meet(1, 7);
    world.meet(2, 8);
    world.say(2, 8, update('add', element(9, 8)));
    for (const id of [1, 2, 3]) register(world, id);
    world.heard(1);
    const ids = (ownOnly: boolean): unknown => {
      const [answer] = world.say(1, 7, request(ownOnly));
      if (answer?.type !== 'handle-table-response') return answer;
      return [answer.pools.flatMap(({ elements }) => elements.map(({ id }) => id)), answer.more];
    };
    expect(ids(true)).toEqual([[1, 2], true]);
    expect(ids(true)).toEqual([[3], false]);
    expect(ids(true)).toEqual([[1, 2], true]);
    expect(ids(false)).toEqual([[9, 1], true]);
    expect(ids(false)).toEqual([[2, 3], false]);
    expect(ids(false)).toEqual([[9, 1], true]);
    world.advance(5000);
    expect(ids(false)).toEqual([[9, 1], true]);
  });

  test('an element that goes between two parts is not told any more, one that changes is told as it is', () => {
    const world = new PeerHarness({ tableElementsMax: 1 });
    world.meet(1, 7);
    for (const id of [1, 2, 3]) register(world, id);
    world.heard(1);
    const told = (): unknown[] =>
      world
        .say(1, 7, request(true))
        .flatMap((answer) => (answer.type === 'handle-table-response' ? answer.pools : []))
        .flatMap(({ elements }) => elements.map(({ id, registrationLife }) => [id, registrationLife]));
    expect(told()).toEqual([[1, 60]]);
    world.asap(1002, { type: 'deregistration', poolHandle: WEB, elementId: 2 });
    world.asap(1003, {
      type: 'registration',
      poolHandle: WEB,
      element: element(3, 0, { registrationLife: 99 }),
    });
    world.heard(1);
    expect(told()).toEqual([[3, 99]]);
  });

  test('an empty handlespace: nothing, and no more', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    expect(world.say(1, 7, request(false))).toEqual([
      { type: 'handle-table-response', sender: OWN_ID, receiver: 7, rejected: false, more: false, pools: [] },
    ]);
  });

  test('too many sessions, and too many tables of one peer, are refused; a long table is not', () => {
    const world = new PeerHarness({
      tableElementsMax: 1,
      tableSessionsMax: 1,
      tableRequestRate: { perSecond: 1, burst: 2 },
    });
    world.meet(1, 7);
    world.meet(2, 8);
    for (let id = 1; id <= 30; id++) register(world, id);
    world.heard(1);
    world.heard(2);
    const answer = (link: number, id: number, ownOnly = true): unknown =>
      world
        .say(link, id, request(ownOnly))
        .map((message) => message.type === 'handle-table-response' && [message.rejected, message.more])[0];
    expect(answer(1, 7)).toEqual([false, true]);
    expect(answer(2, 8)).toEqual([true, false]);
    for (let part = 2; part < 30; part++) expect(answer(1, 7)).toEqual([false, true]);
    expect(answer(1, 7)).toEqual([false, false]);
    expect(answer(2, 8)).toEqual([false, true]);
    expect(answer(2, 8, false)).toEqual([false, true]);
    expect(answer(2, 8, true)).toEqual([true, false]);
    world.advance(1000);
    expect(answer(2, 8, true)).toEqual([false, true]);
  });

  test('a response that nobody asked for says nothing', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    const pools = [{ poolHandle: WEB, elements: [element(1, 7)] }];
    world.say(1, 7, { type: 'handle-table-response', rejected: false, more: false, pools });
    expect(pool(world)).toEqual([]);
  });
});

describe('§3.6 audit', () => {
  const response = (ids: readonly number[], more = false) =>
    ({
      type: 'handle-table-response',
      rejected: false,
      more,
      pools: [{ poolHandle: WEB, elements: ids.map((id) => element(id, 7)) }],
    }) as const;

  test('the second mismatch in a row fetches; what is not there any more goes, without a word to others', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.meet(2, 8);
    for (const id of [1, 2]) world.say(1, 7, update('add', element(id, 7)));
    world.heard(2);
    expect(world.presence(1, 7, 0x1234)).toEqual([]);
    world.advance(1000);
    expect(world.heard(1)).toMatchObject([{ type: 'presence', replyRequired: true }]);
    expect(world.presence(1, 7, 0x1234)).toEqual([{ sender: OWN_ID, receiver: 7, ...request(true) }]);
    expect(world.say(1, 7, response([2, 3], true))).toMatchObject([request(true)]);
    // Newer than the table, which has it otherwise.
    world.say(1, 7, update('delete', element(4, 7)));
    expect(world.say(1, 7, response([4]))).toEqual([]);
    expect(pool(world)).toEqual(['2@7', '3@7']);
    expect(world.heard(2)).toEqual([]);
    world.presence(1, 7, world.view().peers[0]?.checksumComputed);
    expect(world.reasons()).toEqual(
      expect.arrayContaining(['audit-mismatch: the checksums differ', 'audit-settled: the checksums agree']),
    );
  });

  test('refused or unanswered: everything stays, and it is tried again later', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.say(1, 7, update('add', element(1, 7)));
    const mismatch = (): string[] =>
      [...world.presence(1, 7, 1), ...world.presence(1, 7, 1)].map(({ type }) => type);
    expect(mismatch()).toEqual(['handle-table-request']);
    world.say(1, 7, { type: 'handle-table-response', rejected: true, more: false, pools: [] });
    expect(pool(world)).toEqual(['1@7']);
    expect(mismatch()).toEqual([]);
    world.advance(10_000);
    world.heard(1);
    expect(mismatch()).toEqual(['handle-table-request']);
    world.advance(5000);
    expect(world.reasons()).toEqual(
      expect.arrayContaining(['audit-failed: refused', 'audit-failed: no answer']),
    );
    expect(pool(world)).toEqual(['1@7']);
  });

  test('a table that cannot help is asked for less and less often; one without end is given up', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    let asked = 0;
    for (let second = 0; second < 3600; second += 15) {
      world.advance(15_000);
      const requests = world.presence(1, 7, 1).filter(({ type }) => type === 'handle-table-request').length;
      asked += requests;
      if (requests > 0) world.say(1, 7, response([]));
    }
    expect(asked).toBeGreaterThan(4);
    expect(asked).toBeLessThan(16);
    const endless = new PeerHarness();
    endless.meet(1, 7);
    endless.presence(1, 7, 1);
    endless.presence(1, 7, 1);
    endless.say(1, 7, response([1], true));
    endless.say(1, 7, response([1], true));
    expect(endless.reasons()).toContain('audit-failed: it does not come forward');
  });

  test('a table that claims our element: the higher identifier insists, the lower gives up', () => {
    for (const [id, outcome] of [
      [7, `1@${OWN_ID}`],
      [200, '1@200'],
    ] as const) {
      const world = new PeerHarness();
      world.meet(1, id);
      register(world, 1);
      world.presence(1, id, 1);
      world.presence(1, id, 1);
      const pools = [{ poolHandle: WEB, elements: [element(1, id)] }];
      const answers = world.say(1, id, {
        type: 'handle-table-response',
        rejected: false,
        more: false,
        pools,
      });
      expect(pool(world)).toEqual([outcome]);
      expect(answers.map(({ type }) => type)).toEqual(id === 7 ? ['handle-update'] : []);
    }
  });

  test('what was settled is settled: the next mismatch does not wait for the pauses of the one before', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    const asks = () => world.heard(1).filter(({ type }) => type === 'handle-table-request').length;
    const fetchInVain = (): number => {
      world.presence(1, 7, 1);
      world.give({ type: 'peer-message', association: 1, message: present(1), unrecognized: [] });
      const asked = asks();
      if (asked > 0)
        world.say(1, 7, { type: 'handle-table-response', rejected: false, more: false, pools: [] });
      return asked;
    };
    expect([fetchInVain(), fetchInVain(), fetchInVain()]).toEqual([1, 1, 0]);
    world.presence(1, 7);
    expect(fetchInVain()).toBe(1);
  });

  test('a table does not take an element from a peer that is well and told of it itself', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.meet(2, 8);
    world.say(2, 8, update('add', element(1, 8)));
    world.presence(1, 7, 1);
    world.presence(1, 7, 1);
    const pools = [{ poolHandle: WEB, elements: [element(1, 7), element(2, 7)] }];
    world.say(1, 7, { type: 'handle-table-response', rejected: false, more: false, pools });
    expect(pool(world)).toEqual(['1@8', '2@7']);
    expect(world.reasons()).toContain('element-conflict: another registrar has it');
    world.say(1, 7, update('add', element(1, 7)));
    expect(pool(world)).toEqual(['1@7', '2@7']);
  });
});

describe('§3.5 a takeover of ourselves', () => {
  test('begun: we say at once that we live; done: what was ours is the winner’s, until it registers again', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    register(world, 1);
    world.heard(1);
    expect(world.say(1, 7, { type: 'init-takeover', target: OWN_ID })).toMatchObject([
      { type: 'presence', receiver: 0 },
    ]);
    expect(pool(world)).toEqual([`1@${OWN_ID}`]);
    world.say(1, 7, { type: 'takeover-server', target: OWN_ID });
    expect(pool(world)).toEqual(['1@7']);
    expect(world.view()).toMatchObject({ ownElements: 0, checksum: 0xffff });
    register(world, 1);
    expect(pool(world)).toEqual([`1@${OWN_ID}`]);
  });
});

describe('takeover suggestion', () => {
  test('sent to the peer whose identifier suits best, after the ordinary update, for new elements only', () => {
    const world = new PeerHarness({ suggestTakeover: true });
    world.meet(1, 0x7fffff00);
    world.meet(2, 8);
    world.heard(1);
    register(world, 1);
    expect(world.heard(1)).toMatchObject([
      { takeoverSuggested: false, receiver: 0 },
      { takeoverSuggested: true, receiver: 0x7fffff00 },
    ]);
    world.asap(1001, { type: 'registration', poolHandle: WEB, element: element(1, 0) });
    expect(world.heard(1)).toHaveLength(1);
  });

  test('followed: the element is asked to come, and stays its owner’s until it registers', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.say(1, 7, update('add', element(1, 7), true), OWN_ID);
    world.advance(0);
    const [connect] = world.connects;
    expect(connect).toMatchObject({ protocol: 'asap', transport: element(1, 7).asapTransport });
    const identity = { role: 'element', name: 'e1' } as const;
    const peer = { transport: 'tcp', addresses: ['10.2.0.1'] } as const;
    world.give({
      type: 'association-opened',
      association: 50,
      identity,
      peer,
      attempt: connect?.attempt ?? 0,
    });
    expect(world.asapHeard(50)).toMatchObject([
      { type: 'endpoint-keep-alive', becomeHome: true, registrarId: OWN_ID },
    ]);
    world.asap(50, { type: 'endpoint-keep-alive-ack', poolHandle: WEB, elementId: 1 });
    expect(pool(world)).toEqual(['1@7']);
    world.asap(50, { type: 'registration', poolHandle: WEB, element: element(1, 0) });
    expect(pool(world)).toEqual([`1@${OWN_ID}`]);
    // We reached it there, so that is where it is reached.
    expect(world.view().pools[0]?.elements[0]?.asapTransport).toEqual(element(1, 7).asapTransport);
  });

  test('not followed by setting, or when meant for somebody else', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.say(1, 7, update('add', element(1, 7), true));
    const deaf = new PeerHarness({ followSuggestions: false });
    deaf.meet(1, 7);
    deaf.say(1, 7, update('add', element(1, 7), true), OWN_ID);
    for (const each of [world, deaf]) {
      each.advance(0);
      expect(each.connects).toEqual([]);
      expect(pool(each)).toEqual(['1@7']);
    }
  });
});

describe('distances', () => {
  const distant = (id: number, home: number, distance: number): PoolElement =>
    element(id, home, {
      policy: { type: 'least-used-distance', load: 0, loadDistancePenalty: 42_950, distance },
    });
  const distances = (world: PeerHarness): unknown[] =>
    (world.view().pools[0]?.elements ?? []).map(({ policy }) => 'distance' in policy && policy.distance);

  test('an element of ours is as far as half its round trip, to the nearest step, whatever it says', () => {
    const world = new PeerHarness();
    register(world, 1, distant(1, 0, 777));
    expect(distances(world)).toEqual([0]);
    world.give({ type: 'round-trip', association: 1001, ms: 160 });
    world.asap(1001, { type: 'registration', poolHandle: WEB, element: distant(1, 0, 0) });
    expect(distances(world)).toEqual([100]);
  });

  test('one of a peer is farther by the way to that peer, in updates and tables alike', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.give({ type: 'round-trip', association: 1, ms: 90 });
    world.say(1, 7, update('add', distant(1, 7, 100)));
    expect(distances(world)).toEqual([150]);
    expect(world.view().peers[0]?.distanceMs).toBe(50);
  });

  test('without a transport that measures, questions are timed', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    world.advance(61_000);
    world.heard(1);
    world.now += 200;
    world.presence(1, 7);
    expect(world.view().peers[0]?.distanceMs).toBe(100);
  });
});

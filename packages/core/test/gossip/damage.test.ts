// SPDX-License-Identifier: Apache-2.0
import { GossipCore, type GossipOptions, type MergeableState, type Update } from '@vnfpool/core/gossip';
import { decodeGossip, encodeGossip, type GossipMessage } from '@vnfpool/wire/gossip';
import { describe, expect, test } from 'vitest';
import { add, count, discard, dump, octets, remove, seen, stateOf, write } from './states.ts';

/* Memory that is not what it was, and instances that know the same and have something else. */

const random = { u32: () => 0, u64: () => 0n, fraction: () => 0 };

/** Instances without a network between them: what is sent arrives at once, as `pass` has it. */
class Pool {
  readonly cores = new Map<number, GossipCore>();
  readonly events: string[] = [];
  pass: (message: GossipMessage, to: number) => GossipMessage | null = (message) => message;
  nowMs = 0;

  constructor(origins: readonly number[], options: Partial<GossipOptions> = {}) {
    for (const origin of origins)
      this.cores.set(origin, new GossipCore({ origin, incarnation: 1n, random, fanOut: 8, ...options }));
    for (const [origin, core] of this.cores)
      this.#perform(origin, core.handle({ type: 'peers', origins }, 0));
    this.run(2);
    this.events.length = 0;
  }

  state(origin: number): MergeableState {
    return (this.cores.get(origin) as GossipCore).state;
  }

  update(origin: number, update: Update): void {
    const core = this.cores.get(origin) as GossipCore;
    this.#perform(origin, core.handle({ type: 'update', update, wallMs: this.nowMs }, this.nowMs));
  }

  run(rounds = 1): void {
    for (let round = 0; round < rounds; round += 1) {
      this.nowMs += 250;
      for (const [origin, core] of this.cores) this.#perform(origin, core.expire(this.nowMs));
    }
  }

  digests(at: number): readonly unknown[] {
    return (this.cores.get(at) as GossipCore)
      .lags(this.nowMs)
      .map(({ origin, digests }) => ({ origin, ...digests }));
  }

  #perform(origin: number, outputs: ReturnType<GossipCore['handle']>): void {
    for (const output of outputs) {
      if (output.type === 'event') {
        const { event } = output;
        this.events.push(`${origin}: ${event.type}${'from' in event ? ` ${event.from}` : ''}`);
      }
      if (output.type !== 'send') continue;
      const passed = this.pass(output.message, output.to);
      const to = this.cores.get(output.to);
      if (passed === null || to === undefined) continue;
      const message = decodeGossip(encodeGossip(passed));
      this.#perform(output.to, to.handle({ type: 'message', from: origin, message }, this.nowMs));
    }
  }
}

/** A bit turns in the value, or the version, of the entries of a key. */
function turn(state: MergeableState, key: string, what: 'value' | 'version'): void {
  for (const { place, entries } of state.cells()) {
    if (String.fromCharCode(...place.key) !== key) continue;
    for (const entry of entries.values()) {
      const { value } = entry;
      if (what === 'version') (entry as { version: number }).version ^= 64;
      else if (value.kind === 'register') (value.value as Uint8Array)[0] = 0x58;
      else if (value.kind === 'counter') (value as { plus: number }).plus ^= 1024;
    }
  }
}

describe('a bit that turns in memory', () => {
  test.each<[string, Update, 'value' | 'version']>([
    ['the value of a register', write('k', 'old'), 'value'],
    ['a count', count('k', 3), 'value'],
    ['the version of an element', add('k', 'x'), 'version'],
  ])('%s: is found, told to nobody, and what it was comes from others', (_, update, what) => {
    const pool = new Pool([1, 2, 3]);
    for (let at = 0; at < 700; at += 1) pool.update(1, add('many', `${at}`));
    pool.update(1, update);
    pool.run(3);
    const before = dump(pool.state(2));
    turn(pool.state(2), 'k', what);
    expect(dump(pool.state(2))).not.toEqual(before);
    pool.run(3);
    expect(pool.events).toEqual(['2: damaged', '2: mended']);
    for (const origin of [1, 2, 3]) expect(dump(pool.state(origin))).toEqual(before);
    expect(pool.state(2).damagedCount).toBe(1);
  });

  test('what is counted meanwhile is counted, and no damage becomes what is so', () => {
    const pool = new Pool([1, 2]);
    pool.update(1, count('k', 3));
    pool.update(2, count('k', 40));
    pool.run();
    turn(pool.state(1), 'k', 'value');
    pool.update(1, count('k', 100));
    pool.update(1, count('k', -1));
    expect(pool.events).toEqual(['1: damaged']);
    pool.run(2);
    expect([seen(pool.state(1), 'k'), seen(pool.state(2), 'k')]).toEqual(
      Array(2).fill({ count: 142, value: null, elements: [] }),
    );
    expect(pool.events).toEqual(['1: damaged', '1: mended']);
  });

  test('what others change meanwhile is not taken for the rest of it', () => {
    const pool = new Pool([1, 2]);
    pool.update(1, count('k', 3));
    pool.run();
    turn(pool.state(2), 'k', 'value');
    pool.update(1, count('k', 4));
    pool.update(2, count('k', 0));
    pool.run(4);
    expect([pool.state(1).counter(octets('k')), pool.state(2).counter(octets('k'))]).toEqual([7, 7]);
    expect(dump(pool.state(1))).toEqual(dump(pool.state(2)));
  });

  test('what nobody else knows stays, and is told to nobody, until it is written or removed', () => {
    const pool = new Pool([1, 2]);
    pool.update(1, write('k', 'old'));
    pool.update(1, write('l', 'old'));
    pool.run();
    pool.update(1, write('k', 'new'));
    pool.update(1, write('l', 'new'));
    for (const key of ['k', 'l']) turn(pool.state(1), key, 'value');
    pool.run(30);
    for (const key of ['k', 'l']) expect(seen(pool.state(2), key)).toMatchObject({ value: 'old' });
    expect(
      pool
        .state(1)
        .damaged.map(({ key }) => String.fromCharCode(...key))
        .sort(),
    ).toEqual(['k', 'l']);
    pool.update(1, write('k', 'anew'));
    pool.update(1, remove('l'));
    pool.run(3);
    expect(seen(pool.state(2), 'k')).toMatchObject({ value: 'anew' });
    expect(seen(pool.state(2), 'l')).toMatchObject({ value: null });
    expect(dump(pool.state(1))).toEqual(dump(pool.state(2)));
    expect(pool.events.at(-1)).toBe('1: mended');
  });

  test('somebody whose memory of it is damaged as well does not give it', () => {
    const pool = new Pool([1, 2]);
    pool.update(1, write('k', 'old'));
    pool.run();
    for (const origin of [1, 2]) turn(pool.state(origin), 'k', 'value');
    pool.run(20);
    for (const origin of [1, 2]) expect(pool.state(origin).isDamaged).toBe(true);
    pool.update(2, write('k', 'anew'));
    pool.run(4);
    for (const origin of [1, 2]) expect(seen(pool.state(origin), 'k')).toMatchObject({ value: 'anew' });
    expect(pool.state(1).isDamaged).toBe(false);
  });

  test('whoever is given everything is not told that a damaged piece is no more', () => {
    const [a, c] = [stateOf(1), stateOf(3)];
    for (const key of ['a', 'k', 'z']) a.update(write(key, 'old'), 1);
    turn(a, 'k', 'value');
    const part = a.tellPart(null, 60_000);
    expect(part?.cells.map(({ key }) => String.fromCharCode(...key))).toEqual(['a']);
    expect(part?.until).not.toBeNull();
    expect(a.tellPart(part?.until ?? null, 60_000)).toBeNull();
    expect(c.merge(a).isTaken).toBe(false);
  });

  test('an origin is not declared gone while what it left is damaged at its heir', () => {
    const [a, b] = [stateOf(1), stateOf(2)];
    b.update(count('k', 3), 1);
    a.merge(b);
    turn(a, 'k', 'value');
    expect(a.forget({ origin: 2, incarnation: 1n })).toBe('damaged');
  });
});

describe('digests', () => {
  test('agree where the same is known, and only then are compared', () => {
    const pool = new Pool([1, 2]);
    pool.update(1, add('k', 'x'));
    pool.update(2, discard('k', 'x'));
    pool.update(2, count('l', 2));
    pool.run();
    expect(pool.digests(1)).toEqual([{ origin: 2, differed: 0, sinceAgreedMs: 0, isDiffering: false }]);
    pool.pass = () => null;
    pool.update(2, count('l', 2));
    pool.run(8);
    expect(pool.digests(1)).toEqual([{ origin: 2, differed: 0, sinceAgreedMs: 2_000, isDiffering: false }]);
    expect(pool.events).toEqual([]);
  });

  test('who knows the same and has something else is told at once, and until it has the same again', () => {
    const pool = new Pool([1, 2]);
    // Wrong already when it is summed for the first time.
    pool.pass = (sent) => {
      const message = decodeGossip(encodeGossip(sent));
      if (message.type === 'delta')
        for (const { entries } of message.cells)
          for (const { value } of entries) if (value.kind === 'counter') (value as { plus: number }).plus = 8;
      return message;
    };
    pool.update(1, count('k', 1));
    pool.run();
    pool.pass = (message) => message;
    pool.run();
    expect([...pool.events].sort()).toEqual(['1: differs 2', '2: differs 1']);
    expect(pool.digests(1)).toEqual([
      { origin: 2, differed: expect.any(Number), sinceAgreedMs: expect.any(Number), isDiffering: true },
    ]);
    pool.update(1, remove('k'));
    pool.run(2);
    expect([...pool.events].sort()).toEqual(['1: agrees 2', '1: differs 2', '2: agrees 1', '2: differs 1']);
  });

  test('do not depend on the order in which things came, and are as before once they are gone', () => {
    const [a, b] = [stateOf(1), stateOf(1)];
    const nothing = a.digest;
    const updates = [add('k', 'x'), add('k', 'y'), write('l', 'v')];
    for (const update of updates) a.update(update, 1);
    for (const update of updates) b.update(update, 1);
    expect(a.digest).toBe(b.digest);
    expect(a.digest).not.toBe(nothing);
    for (const key of ['k', 'l']) a.update(remove(key), 1);
    expect(a.digest).toBe(nothing);
  });
});

test('what a giver of parts knew of what it left out counts when that comes from somebody else', () => {
  const [author, giver, walker] = [stateOf(1), stateOf(2), stateOf(3)];
  author.update(count('a', 1), 1);
  author.update(add('z', 'x'), 1);
  giver.update(count('b', 1), 1);
  giver.update(count('c', 1), 1);
  // The giver has the element before it knows all that was done before it, and removes it.
  const all = author.tellPart(null, 60_000);
  if (all === null) throw new Error('nothing told');
  giver.mergePart(all);
  giver.update(discard('z', 'x'), 1);
  // Between two parts it comes to know the rest: the removed one is not told any more.
  const first = giver.tellPart(null, 200);
  if (first === null || first.until === null) throw new Error('all in one part');
  walker.mergePart(first);
  giver.finishWalk(author.vector, []);
  giver.forgetSteps(() => Number.MAX_SAFE_INTEGER);
  const second = giver.tellPart(first.until, 60_000);
  if (second === null) throw new Error('nothing told');
  walker.mergePart(second);
  walker.finishWalk(
    new Map(first.replicas.map((each) => [`${each.origin}.${each.incarnation}`, each.version])),
    [],
  );
  expect(walker.digest).toBeNull();
  const delta = author.tellDelta(walker.vector, 60_000);
  if (delta === null || delta === 'behind') throw new Error('nothing told');
  walker.mergeDelta(delta);
  expect(walker.elements(octets('z'))).toEqual([]);
  expect(dump(walker)).toEqual(dump(giver));
  expect(walker.digest).toBe(giver.digest);
});

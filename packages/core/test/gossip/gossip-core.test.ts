// SPDX-License-Identifier: Apache-2.0
import { GossipCore, type GossipOptions, type GossipOutput, type Update } from '@vnfpool/core/gossip';
import { decodeGossip, encodeGossip, type GossipMessage } from '@vnfpool/wire/gossip';
import { describe, expect, test } from 'vitest';
import { add, count, discard, dump, octets, seen } from './states.ts';

/** Not random at all: the first peer, the middle of every span. */
const random = { u32: () => 0, u64: () => 0n, fraction: () => 0 };

/** Two or more instances without a network between them: whatever is sent arrives at once. */
class Pool {
  readonly cores = new Map<number, GossipCore>();
  readonly events: string[] = [];
  readonly messages: GossipMessage[] = [];
  readonly lost = new Set<GossipMessage['type']>();
  nowMs = 0;

  start(
    origin: number,
    options: Partial<GossipOptions> = {},
    peers: readonly number[] = [1, 2, 3],
  ): GossipCore {
    const core = new GossipCore({ origin, incarnation: 1n, random, fanOut: 8, ...options });
    this.cores.set(origin, core);
    this.perform(origin, core.handle({ type: 'peers', origins: peers }, this.nowMs));
    return core;
  }

  update(origin: number, update: Update): readonly GossipOutput[] {
    const outputs = this.cores
      .get(origin)
      ?.handle({ type: 'update', update, wallMs: 1000 + this.nowMs }, this.nowMs);
    this.perform(origin, outputs ?? []);
    return outputs ?? [];
  }

  /** Rounds of all. */
  run(rounds = 1): void {
    for (let round = 0; round < rounds; round += 1) {
      this.nowMs += 250;
      for (const [origin, core] of this.cores) this.perform(origin, core.expire(this.nowMs));
    }
  }

  perform(origin: number, outputs: readonly GossipOutput[]): void {
    for (const output of outputs) {
      if (output.type === 'event') this.events.push(`${origin}: ${output.event.type}`);
      if (output.type !== 'send' || this.lost.has(output.message.type)) continue;
      const message = decodeGossip(encodeGossip(output.message));
      this.messages.push(message);
      const to = this.cores.get(output.to);
      if (to !== undefined)
        this.perform(output.to, to.handle({ type: 'message', from: origin, message }, this.nowMs));
    }
  }
}

describe('an instance that begins again', () => {
  const lives = (pool: Pool, at: number): string[] =>
    [...(pool.cores.get(at)?.state.vector.keys() ?? [])].sort();
  const shown = (pool: Pool): (number | undefined)[] =>
    [...pool.cores.values()].map(({ state }) => state.counter(octets('a')));

  /** Instance 1 has counted, others too, and begins again; so often. */
  function begunAgain(times: number): Pool {
    const pool = new Pool();
    for (const origin of [1, 2, 3]) pool.start(origin);
    for (const origin of [1, 2, 3]) pool.update(origin, count('a', origin));
    pool.run(2);
    for (let life = 2; life <= times + 1; life++) {
      pool.start(1, { incarnation: BigInt(life) });
      pool.run(2);
      pool.update(1, count('a', 100));
      pool.run();
    }
    return pool;
  }

  test('goes on for its former lives, and these have no place any more', () => {
    const pool = begunAgain(3);
    expect(lives(pool, 2)).toEqual(['1.1', '1.2', '1.3', '1.4', '2.1', '3.1']);
    pool.run(15);
    for (const origin of [1, 2, 3]) expect(lives(pool, origin)).toEqual(['1.4', '2.1', '3.1']);
    expect(shown(pool)).toEqual([306, 306, 306]);
  });

  test('waits for a peer that has not said what it knows, and for one that knows more', () => {
    const pool = begunAgain(1);
    const away = pool.cores.get(3) as GossipCore;
    pool.cores.delete(3);
    pool.start(1, { incarnation: 9n });
    pool.run(40);
    expect(lives(pool, 2)).toContain('1.2');
    pool.cores.set(3, away);
    pool.run(15);
    for (const origin of [1, 2, 3]) expect(lives(pool, origin)).toEqual(['1.9', '2.1', '3.1']);
    expect(shown(pool)).toEqual([106, 106, 106]);
  });

  test('waits for a peer that has something of which the steps have not come', () => {
    const pool = begunAgain(1);
    const held = pool.cores.get(3) as GossipCore;
    const author = new GossipCore({ origin: 1, incarnation: 1n, random });
    for (const key of ['x', 'a', 'y', 'z'])
      author.handle({ type: 'update', update: add(key, 'e'), wallMs: 0 }, 0);
    // Of the former life, and only of this one cell: what it knew of it is ahead of what 3 knows.
    const part = author.state.tellPart(null, 60_000);
    if (part === null) throw new Error('nothing told');
    held.state.mergePart({ ...part, until: part.cells[0] ?? null, cells: part.cells.slice(0, 1) });
    expect(held.state.digest).toBeNull();
    pool.run(12);
    expect(lives(pool, 2)).toContain('1.1');
    // It makes a step of its own of it, once, and all have it.
    pool.run(60);
    for (const origin of [1, 2, 3]) expect(lives(pool, origin)).toEqual(['1.2', '2.1', '3.1']);
    expect(pool.cores.get(2)?.state.elements(octets('a'))).toHaveLength(1);
    const steps = held.state.vector.get('3.1');
    pool.run(60);
    expect(held.state.vector.get('3.1')).toBe(steps);
  });

  test('waits while there are more peers than are spoken to', () => {
    const pool = begunAgain(1);
    pool.start(1, { incarnation: 9n, peersMax: 1 });
    pool.run(40);
    expect(lives(pool, 2)).toContain('1.2');
  });

  test('waits for nobody who has left', () => {
    const pool = begunAgain(1);
    pool.cores.delete(3);
    for (const origin of [1, 2])
      pool.perform(
        origin,
        pool.cores.get(origin)?.handle({ type: 'peers', origins: [1, 2] }, pool.nowMs) ?? [],
      );
    pool.run(15);
    for (const origin of [1, 2]) expect(lives(pool, origin)).toEqual(['1.2', '2.1', '3.1']);
  });
});

describe('a round', () => {
  test('is asked for once there are peers, and comes again', () => {
    const core = new GossipCore({ origin: 1, incarnation: 1n, random, intervalMs: 100 });
    expect(core.nextDeadline()).toBeUndefined();
    core.handle({ type: 'peers', origins: [2] }, 40);
    expect(core.nextDeadline()).toBe(40);
    expect(core.expire(39)).toEqual([]);
    expect(core.expire(40).map(({ type }) => type)).toEqual(['send']);
    expect(core.nextDeadline()).toBe(115);
  });

  test.each([
    [1, 1],
    [2, 2],
    [9, 3],
  ])('with a fan-out of %i asks %i of three peers', (fanOut, asked) => {
    const core = new GossipCore({ origin: 1, incarnation: 1n, random, fanOut });
    core.handle({ type: 'peers', origins: [1, 2, 3, 4] }, 0);
    const to = core.expire(0).map((output) => (output.type === 'send' ? output.to : 0));
    expect(new Set(to).size).toBe(asked);
    expect(to).not.toContain(1);
  });

  test('makes two equal, in both directions', () => {
    const pool = new Pool();
    const [a, b] = [pool.start(1), pool.start(2)];
    pool.update(1, add('k', 'of a'));
    pool.update(2, add('k', 'of b'));
    pool.perform(1, a.expire(250));
    expect(seen(a.state, 'k')).toMatchObject({ elements: ['of a', 'of b'] });
    expect(dump(b.state)).toEqual(dump(a.state));
    expect(pool.messages.map(({ type }) => type).filter((type) => type === 'delta').length).toBe(2);
  });

  test('between equals is one digest, and says nothing back', () => {
    const pool = new Pool();
    const a = pool.start(1, {}, [2]);
    pool.start(2, {}, [1]);
    pool.update(1, count('k', 1));
    pool.run(3);
    pool.messages.length = 0;
    pool.perform(1, a.expire(pool.nowMs + 250));
    expect(pool.messages.map(({ type }) => type)).toEqual(['digest']);
  });

  test('goes on until all that did not fit is there', () => {
    const pool = new Pool();
    const [a, b] = [pool.start(1, { messageBytesMax: 256 }), pool.start(2, { messageBytesMax: 256 })];
    for (let at = 0; at < 100; at += 1) pool.update(1, add('k', `${at}`));
    pool.perform(2, b.expire(250));
    expect(dump(b.state)).toEqual(dump(a.state));
    expect(Math.max(...pool.messages.map((message) => encodeGossip(message).length))).toBeLessThanOrEqual(
      256,
    );
  });
});

describe('who knows nothing', () => {
  test('gets everything step by step while all steps are kept', () => {
    const pool = new Pool();
    const a = pool.start(1);
    for (let at = 0; at < 50; at += 1) pool.update(1, add('k', `${at}`));
    const late = pool.start(3);
    pool.run();
    expect(dump(late.state)).toEqual(dump(a.state));
    expect(pool.events.filter((event) => event.includes('walk'))).toEqual([]);
  });

  test('gets everything part by part when they are not', () => {
    const pool = new Pool();
    const a = pool.start(1, { messageBytesMax: 300, bounds: { stepsMax: 4 } });
    for (let at = 0; at < 50; at += 1) pool.update(1, add('k', `${at}`));
    const late = pool.start(3);
    pool.run();
    expect(dump(late.state)).toEqual(dump(a.state));
    expect(pool.messages.filter(({ type }) => type === 'part').length).toBeGreaterThan(3);
    expect(pool.events.filter((event) => event.includes('walk'))).toEqual(['3: walk-began', '3: walk-ended']);
  });

  test('asks again for a part that was lost, and gives up after ten rounds', () => {
    const pool = new Pool();
    const a = pool.start(1, { bounds: { stepsMax: 0 } });
    pool.update(1, add('k', 'x'));
    pool.lost.add('part');
    const late = pool.start(3);
    pool.run(5);
    expect(late.state.cellCount).toBe(0);
    pool.lost.clear();
    pool.run();
    expect(dump(late.state)).toEqual(dump(a.state));
    pool.update(1, add('k', 'y'));
    pool.lost.add('part');
    pool.run(13);
    expect(pool.events).toContain('3: walk-abandoned');
  });

  test('takes no late part of an earlier walk, which knew less', () => {
    const core = new GossipCore({ origin: 3, incarnation: 1n, random });
    core.handle({ type: 'peers', origins: [1] }, 0);
    const sender = { origin: 1, incarnation: 1n };
    const hear = (message: GossipMessage): readonly string[] =>
      core
        .handle({ type: 'message', from: 1, message }, 0)
        .map((output) => (output.type === 'event' ? output.event.type : output.type));
    const place = { kind: 'counter' as const, key: octets('k'), element: octets('') };
    const part = (version: number, more: object): GossipMessage => ({
      type: 'part',
      sender,
      replicas: [{ ...sender, version }],
      floors: [],
      after: null,
      until: null,
      cells: [],
      ...more,
    });
    expect(hear({ type: 'behind', sender })).toContain('walk-began');
    expect(hear(part(5, { until: place }))).toEqual(['send']);
    expect(hear(part(2, { after: place }))).toEqual([]);
    expect(core.state.vector.get('1.1') ?? 0).toBe(0);
    expect(hear(part(6, { after: place }))).toEqual(['walk-ended']);
    expect(core.state.vector.get('1.1')).toBe(5);
  });

  test('does not bring back what was removed while it was away', () => {
    const pool = new Pool();
    const a = pool.start(1, {}, [2]);
    const b = pool.start(2, {}, [1]);
    pool.update(1, add('k', 'x'));
    pool.run(2);
    // Away, and not counted with: nothing is kept for it.
    a.handle({ type: 'peers', origins: [] }, pool.nowMs);
    b.handle({ type: 'peers', origins: [] }, pool.nowMs);
    pool.update(1, discard('k', 'x'));
    pool.run(2);
    expect([a.state.emptyCount, b.state.cellCount]).toEqual([0, 1]);
    a.handle({ type: 'peers', origins: [2] }, pool.nowMs);
    b.handle({ type: 'peers', origins: [1] }, pool.nowMs);
    pool.run(4);
    expect([a.state.cellCount, b.state.cellCount]).toEqual([0, 0]);
  });
});

describe('peers', () => {
  test('that begin anew are told, and what their former life says late is not heard', () => {
    const pool = new Pool();
    const a = pool.start(1);
    pool.start(2, { incarnation: 5n });
    pool.update(2, count('k', 3));
    pool.run();
    const late = pool.messages.find(({ type, sender }) => type === 'digest' && sender.origin === 2);
    const again = pool.start(2, { incarnation: 6n });
    pool.run();
    expect(pool.events.filter((event) => event === '1: peer-began').length).toBe(2);
    expect(again.state.counter(octets('k'))).toBe(3);
    expect(a.handle({ type: 'message', from: 2, message: late as GossipMessage }, pool.nowMs)).toEqual([]);
    expect(a.strangers).toBe(1);
  });

  test('that are not among those named are not heard', () => {
    const pool = new Pool();
    const a = pool.start(1, {}, [2]);
    pool.start(9, {}, [1]);
    pool.update(9, count('k', 3));
    pool.run();
    expect([a.state.cellCount, a.strangers]).toEqual([0, 1]);
  });

  test('beyond the bound are not spoken to, and that is said', () => {
    const pool = new Pool();
    const a = pool.start(1, { peersMax: 2 }, [2, 3, 4]);
    expect(pool.events).toEqual(['1: too-many-peers']);
    expect(a.lags(0).map(({ origin }) => origin)).toEqual([2, 3]);
  });

  test('that lack something are told apart by how long, to a second, whatever comes after it', () => {
    const pool = new Pool();
    const a = pool.start(1, {}, [2, 3]);
    pool.start(2, {}, [1]);
    const behindMs = () => a.lags(pool.nowMs).map((lag) => lag.behindMs);
    // Nobody answers for 3.
    for (let second = 1; second <= 400; second += 1) {
      pool.update(1, count('k', 1));
      pool.run(4);
    }
    const [of2, of3] = behindMs();
    expect(of2).toBe(0);
    expect(of3).toBeGreaterThan(397_000);
    expect(of3).toBeLessThanOrEqual(400_000);
    // It comes, and has all.
    pool.start(3, {}, [1]);
    pool.run(8);
    expect(behindMs()).toEqual([0, 0]);
    // And is away again while nothing happens, then something.
    pool.cores.delete(3);
    pool.run(400);
    expect(behindMs()).toEqual([0, 0]);
    pool.update(1, count('k', 1));
    pool.run(40);
    expect(behindMs()[0]).toBe(0);
    expect(behindMs()[1]).toBeGreaterThan(8_000);
    expect(behindMs()[1]).toBeLessThanOrEqual(10_000);
  });

  test('have a lag that can be read', () => {
    const pool = new Pool();
    const a = pool.start(1, {}, [2, 3]);
    pool.start(2, {}, [1]);
    pool.run();
    for (let at = 0; at < 7; at += 1) pool.update(1, count('k', 1));
    pool.update(1, add('set', 'x'));
    const digests = { differed: 0, isDiffering: false };
    // A cell counts once: its names, and 32 for each entry.
    const behind = { versionsBehind: 8, octetsBehind: 1 + 32 + 4 + 32, behindMs: 0 };
    expect(a.lags(pool.nowMs + 40)).toEqual([
      { origin: 2, ...behind, sinceExchangeMs: 40, digests: { ...digests, sinceAgreedMs: 40 } },
      { origin: 3, ...behind, sinceExchangeMs: null, digests: { ...digests, sinceAgreedMs: null } },
    ]);
    expect(a.isSpread).toBe(false);
    pool.run(2);
    expect(a.lags(pool.nowMs)[0]).toMatchObject({ versionsBehind: 0, octetsBehind: 0 });
    pool.update(1, discard('set', 'x'));
    expect(a.lags(pool.nowMs)[0]).toMatchObject({ versionsBehind: 1, octetsBehind: 32 + 4 });
    pool.run(2);
    // Steps are kept for the one that does not answer, until it is not named any more.
    expect(a.state.stepCount).toBe(9);
    a.handle({ type: 'peers', origins: [2] }, pool.nowMs);
    pool.run();
    expect(a.state.stepCount).toBe(0);
    expect(a.isSpread).toBe(true);
  });

  test('that lack what is not kept, or very much, lack all of it', () => {
    const pool = new Pool();
    const a = pool.start(1, { bounds: { stepsMax: 4 } }, [2]);
    for (let at = 0; at < 9; at += 1) pool.update(1, add('k', `${at}`));
    expect(a.lags(0)[0]).toMatchObject({ versionsBehind: 9, octetsBehind: 9 * (32 + 2) });
    const b = pool.start(2, {}, [1]);
    pool.cores.delete(1);
    for (let at = 0; at < 17_000; at += 1) pool.update(2, add('k', `${at % 9}`));
    expect(b.lags(0)[0]).toMatchObject({ octetsBehind: 9 * (32 + 2) });
  });
});

describe('is told', () => {
  test('which keys changed, whoever changed them', () => {
    const pool = new Pool();
    const b = pool.start(2);
    expect(pool.update(2, count('k', 1))).toEqual([{ type: 'changed', keys: [octets('k')] }]);
    const a = new GossipCore({ origin: 1, incarnation: 1n, random });
    a.handle({ type: 'peers', origins: [2] }, 0);
    const delta = b.state.tellDelta(new Map(), 1000);
    if (delta === null || delta === 'behind') throw new Error('no delta');
    const message = { type: 'delta' as const, sender: { origin: 2, incarnation: 1n }, ...delta };
    const changed = a
      .handle({ type: 'message', from: 2, message }, 0)
      .filter(({ type }) => type === 'changed');
    expect(changed).toEqual([{ type: 'changed', keys: [octets('k')] }]);
    // The same again changes nothing.
    expect(a.handle({ type: 'message', from: 2, message }, 0)).toEqual([]);
  });

  test('why an update was refused, and what of a message was too much', () => {
    const pool = new Pool();
    pool.start(1, { bounds: { cellsMax: 1, stepsMax: 0 } });
    pool.start(2);
    pool.update(1, add('k', 'x'));
    expect(pool.update(1, add('k', 'y'))).toEqual([
      { type: 'event', event: { type: 'refused', reason: 'cells' } },
    ]);
    for (let at = 0; at < 5; at += 1) pool.update(2, add('k', `${at}`));
    pool.run();
    expect(pool.events).toContain('1: overflow');
  });

  test('that an origin is gone, by any one of the others', () => {
    const pool = new Pool();
    const [a, b] = [pool.start(1), pool.start(2)];
    pool.start(3);
    pool.update(3, count('k', 5));
    pool.run(2);
    pool.cores.delete(3);
    pool.perform(1, a.handle({ type: 'forget', origin: 3, incarnation: 1n }, pool.nowMs));
    pool.run(2);
    for (const { state } of [a, b]) {
      expect(state.counter(octets('k'))).toBe(5);
      expect([...state.vector.keys()]).not.toContain('3.1');
    }
    expect(pool.update(1, count('k', 1))).toHaveLength(1);
    const own = a.handle({ type: 'forget', origin: 1, incarnation: 1n }, pool.nowMs);
    expect(own).toEqual([{ type: 'event', event: { type: 'not-forgotten', origin: 1, reason: 'self' } }]);
  });
});

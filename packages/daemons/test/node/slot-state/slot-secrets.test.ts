// SPDX-License-Identifier: Apache-2.0
import type { LeasePeer } from '@vnfpool/wire/mobility';
import { afterEach, describe, expect, test } from 'vitest';
import { type FakeNode, FakeSlot } from './shared-slots.ts';

/* Keys that a function marks as secret, at real agents' ends: who has them, and who is told what. */

let slot: FakeSlot;
afterEach(() => slot.close());

async function begin(
  count: number,
  securityState?: 're-derive' | 'sealed',
  peers: (known: readonly LeasePeer[]) => readonly LeasePeer[] = (known) => known,
): Promise<[FakeNode, FakeNode, FakeNode]> {
  slot = await FakeSlot.start(count, securityState && { securityState });
  for (const node of slot.nodes) node.slot?.define(slot.definition, peers(slot.peers));
  return [...slot.nodes] as [FakeNode, FakeNode, FakeNode];
}

/** The first node holds the slot, and the others have its state. */
async function shared(count: number, securityState?: 're-derive' | 'sealed'): Promise<FakeNode[]> {
  const nodes = await begin(count, securityState);
  expect(await slot.grant(nodes[0])).toMatchObject({ isTaken: true });
  for (const each of nodes.slice(1)) await slot.followed(each);
  return nodes;
}

/** Whatever a node has in its memory and log of this slot, as text. */
const logOf = (node: FakeNode): string => JSON.stringify(node.log);
const openings = (node: FakeNode): unknown[] =>
  node.log
    .filter(({ msg }) => String(msg).startsWith('secrets were opened'))
    .map(({ msg, keys, sealedEpochs, functionId }) => ({ msg, keys, sealedEpochs, functionId }));
const without = (known: readonly LeasePeer[], node: number): LeasePeer[] =>
  known.map((peer) => {
    const { sealKey, ...rest } = peer;
    return peer.node === node || sealKey === undefined ? rest : peer;
  });

describe('sealed', () => {
  test('the next holder opens what the last one had sealed, says so, and nobody else has', async () => {
    const [a, b, c] = (await shared(3, 'sealed')) as [FakeNode, FakeNode, FakeNode];
    const sealedIn = slot.epoch;
    await Promise.all([a.run.set('token', 'hunter2', 'value'), a.run.set('plain', '1')]);
    expect(openings(b)).toEqual([]);
    expect(await slot.grant(b)).toMatchObject({ isTaken: true });
    expect(b.run.texts).toEqual({ token: 'hunter2', plain: '1' });
    expect([...b.run.secrets]).toEqual([['token', 'value']]);
    const [opening, ...more] = openings(b);
    expect(opening).toMatchObject({
      msg: 'secrets were opened for a function',
      keys: ['token'],
      functionId: 32,
    });
    expect((opening as { sealedEpochs: number[] }).sealedEpochs[0]).toBeLessThanOrEqual(sealedIn);
    expect(more).toEqual([]);
    expect(openings(c)).toEqual([]);
    for (const node of [a, b, c]) expect(logOf(node)).not.toContain('hunter2');
  });

  test('it goes on from holder to holder, without being sealed anew for the same nodes', async () => {
    const [a, b] = (await shared(2, 'sealed')) as [FakeNode, FakeNode];
    await a.run.set('token', 'hunter2', 'value');
    for (const node of [b, a, b]) {
      const other = node === a ? b : a;
      other.slot?.leave();
      await slot.grant(node);
      await slot.followed(other);
      expect(node.run.texts).toEqual({ token: 'hunter2' });
      await node.run.set(`by ${node.id}`, '1');
      node.run.entries.delete(`by ${node.id}`);
      await node.run.sink?.change([{ key: `by ${node.id}`, value: null }]);
    }
    expect([...openings(a), ...openings(b)]).not.toContainEqual(
      expect.objectContaining({ msg: 'secrets were opened to be sealed to other nodes' }),
    );
  });

  test('a node that becomes a candidate gets what is sealed to it, before it is listed', async () => {
    const [a, b, c] = await begin(3, 'sealed', (known) => known.filter(({ node }) => node !== 3));
    await slot.grant(a);
    await slot.followed(b);
    await a.run.set('token', 'hunter2', 'value');
    expect(slot.listed).not.toContain(c.id);
    a.slot?.define(slot.definition, slot.peers);
    await slot.followed(c);
    expect(openings(a)).toEqual([
      expect.objectContaining({ msg: 'secrets were opened to be sealed to other nodes', keys: ['token'] }),
    ]);
    await slot.grant(c);
    expect(c.run.texts).toEqual({ token: 'hunter2' });
  });

  test('a node that takes no secrets gets no copy, and that is told', async () => {
    const [a, b, c] = await begin(3, 'sealed', (known) => without(known, 2));
    await slot.grant(a);
    await slot.followed(c);
    await a.run.set('token', 'hunter2', 'value');
    expect(b.hasCopy).toBe(false);
    expect(slot.listed).not.toContain(b.id);
    const told = a.log.filter(({ msg }) => msg === 'a node that takes no secrets gets no copy');
    expect(told.map(({ node }) => node)).toEqual([2]);
  });

  test('a node whose key is another than the others know does not take the slot, unless something may be missing', async () => {
    // What c is told as its own is b's key: nothing that is sealed can be opened there.
    const [a, , c] = await begin(3, 'sealed', (known) =>
      known.map((peer) => (peer.node === 3 ? { ...peer, sealKey: known[1]?.sealKey ?? '' } : peer)),
    );
    await slot.grant(a);
    await slot.followed(c);
    await Promise.all([a.run.set('token', 'hunter2', 'value'), a.run.set('plain', '1')]);
    const { isTaken, reason } = await slot.grant(c);
    expect([isTaken, reason]).toEqual([false, 'it is sealed to other keys than that of this node']);
    expect(c.run.entries.size).toBe(0);
    expect(await slot.grant(c, { isLossy: true })).toMatchObject({ isTaken: true });
    expect(c.run.texts).toEqual({ token: '', plain: '1' });
    expect([...c.run.secrets]).toEqual([['token', 'name']]);
    expect(
      c.log.some(
        ({ msg, name }) => msg === 'a secret of the state cannot be opened here' && name === 'token',
      ),
    ).toBe(true);
  });

  test('a function that went on has its secrets itself, and only tells what is otherwise', async () => {
    const [a] = (await shared(2, 'sealed')) as [FakeNode];
    await a.run.set('token', 'hunter2', 'value');
    a.slot?.leave();
    await slot.grant(a, { previous: { node: 1, functionId: 16 } });
    expect(a.run.begun.at(-1)).toMatchObject({ isOwn: true });
    expect(a.run.texts).toEqual({ token: 'hunter2' });
  });
});

describe('re-derive', () => {
  test('the next holder is told the name, and the value has not left its function', async () => {
    const [a, b] = (await shared(2, 're-derive')) as [FakeNode, FakeNode];
    await Promise.all([a.run.set('token', 'hunter2', 'value'), a.run.set('plain', '1')]);
    await slot.grant(b);
    expect(b.run.texts).toEqual({ token: '', plain: '1' });
    expect([...b.run.secrets]).toEqual([['token', 'name']]);
    expect(openings(b)).toEqual([]);
  });

  test('a key that was plain before is not left behind', async () => {
    const [a, b] = (await shared(2, 're-derive')) as [FakeNode, FakeNode];
    await a.run.set('token', 'plain once');
    await a.run.set('token', 'hunter2', 'value');
    await slot.grant(b);
    expect(b.run.texts).toEqual({ token: '' });
  });
});

describe('excluded', () => {
  test('nobody but its function has a secret, and what stood under its key before goes', async () => {
    const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
    await a.run.set('token', 'plain once');
    await a.run.set('token', 'hunter2', 'value');
    await a.run.set('plain', '1');
    await slot.grant(b);
    expect(b.run.texts).toEqual({ plain: '1' });
  });
});

describe('a pool that goes from one to the other', () => {
  test.each([
    ['excluded', undefined, { plain: '1' }, []],
    ['re-derive', 're-derive' as const, { plain: '1', token: '' }, [['token', 'name']]],
  ])('%s: sealed secrets do not go on', async (_, next, texts, secrets) => {
    const [a, b] = (await shared(2, 'sealed')) as [FakeNode, FakeNode];
    await Promise.all([a.run.set('plain', '1'), a.run.set('token', 'hunter2', 'value')]);
    const { sharing, ...definition } = slot.definition;
    if (sharing?.method !== 'replicate') throw new Error('not to standbys');
    const { securityState: _former, ...plain } = sharing;
    b.slot?.define({ ...definition, sharing: next ? { ...plain, securityState: next } : plain }, slot.peers);
    await slot.grant(b);
    expect(b.run.texts).toEqual(texts);
    expect([...b.run.secrets]).toEqual(secrets);
    expect(openings(b)).toEqual([]);
  });
});

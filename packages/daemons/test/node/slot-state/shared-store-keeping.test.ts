// SPDX-License-Identifier: Apache-2.0
import { openSharedStateStore } from '@vnfpool/store/shared-state';
import type { StoreSharing } from '@vnfpool/wire/mobility';
import { expect, onTestFinished, test, vi } from 'vitest';
import { noServer, RedisServer } from '../../../../store/test/objects/redis-server.ts';
import { EtcdServer, noEtcd } from '../../../../store/test/shared-state/etcd-server.ts';
import { CheckpointNode, covered, hastyClock, SLOT } from './checkpoint-scene.ts';

const at = (store: string, more: Partial<StoreSharing> = {}): StoreSharing => ({
  method: 'shared',
  store,
  writes: { type: 'through' },
  windowOctets: 524_288,
  overload: 'block',
  ...more,
});

async function server(...settings: string[]): Promise<RedisServer> {
  const started = new RedisServer();
  onTestFinished(() => started.close());
  await started.start(...settings);
  return started;
}

test.skipIf(noServer !== '')(
  `a planned hand-over loses nothing, also what the store was behind ${noServer}`,
  async () => {
    const { url } = await server();
    const sharing = at(url, { writes: { type: 'behind', lag: { ms: 60_000 } } });
    const [one, two] = [new CheckpointNode(1, sharing), new CheckpointNode(2, sharing)];
    expect(await one.take(1, null)).toBe('taken');
    await one.source.set({ a: '1', b: '2' });
    const taking = two.take(2, 1, { isReleased: true });
    one.slot.leave();
    expect(await taking).toBe('taken');
    expect(two.source.text).toEqual({ a: '1', b: '2' });
    expect(two.told()).toMatchObject({ isLossy: false, keys: 2 });
  },
);

test.skipIf(noServer !== '')(
  `after a crash anybody goes on with all that was confirmed; one who was paused changes no key ${noServer}`,
  async () => {
    const { url } = await server();
    const [one, two, three] = [1, 2, 3].map((node) => new CheckpointNode(node, at(url))) as [
      CheckpointNode,
      CheckpointNode,
      CheckpointNode,
    ];
    await one.take(1, null);
    await one.source.set({ a: '1' });
    expect(await two.take(5, 1)).toBe('taken');
    expect(two.source.text).toEqual({ a: '1' });
    await two.source.set({ b: '2' });
    const store = openSharedStateStore(url);
    onTestFinished(() => store.close());
    const before = await store.look(SLOT);
    await expect(one.source.set({ a: 'stale' })).rejects.toMatchObject({ code: 'closed' });
    await expect(one.source.set({ b: 'stale' })).rejects.toMatchObject({ code: 'closed' });
    expect(one.told()?.checkpoint).toMatchObject({ isCurrent: false });
    expect(one.told()?.checkpoint?.fault).toContain('epoch 5 of the slot was claimed');
    expect(await store.look(SLOT)).toEqual(before);
    // Nor may it begin again.
    expect(await one.take(4, 2)).toContain('epoch 5 of the slot was claimed');
    expect(await three.take(6, 2)).toBe('taken');
    expect(three.source.text).toEqual({ a: '1', b: '2' });
    expect(three.told()).toMatchObject({ isLossy: false });
  },
);

test.skipIf(noServer !== '')(
  `a holder that changed nothing is not taken for one that wrote nothing ${noServer}`,
  async () => {
    const { url } = await server();
    const nodes = [1, 2, 3].map((node) => new CheckpointNode(node, at(url)));
    let former: number | null = null;
    for (const [index, node] of nodes.entries()) {
      expect(await node.take(index + 1, former)).toBe('taken');
      expect(node.told()).toMatchObject({ isLossy: false });
      former = index + 1;
    }
  },
);

test.skipIf(noServer !== '')(
  `state of a holder that never reached the store is missing, and that is told ${noServer}`,
  async () => {
    const { url } = await server();
    const sharing = at(url, { writes: { type: 'behind', lag: { ms: 1_000 } } });
    const one = new CheckpointNode(1, sharing);
    await one.take(1, null);
    await one.source.set({ a: '1' });
    await covered(one);
    const three = new CheckpointNode(3, sharing);
    // Node 2 held it in between.
    expect(await three.take(7, 2)).toBe('taken');
    expect(three.source.text).toEqual({ a: '1' });
    expect(three.told()).toMatchObject({ isLossy: true });
  },
);

test.skipIf(noServer !== '')(
  `through: a holder that never reached the store has answered nothing, and nothing is missing ${noServer}`,
  async () => {
    const { url } = await server();
    const one = new CheckpointNode(1, at(url));
    await one.take(1, null);
    await one.source.set({ a: '1' });
    const three = new CheckpointNode(3, at(url));
    expect(await three.take(7, 2)).toBe('taken');
    expect(three.source.text).toEqual({ a: '1' });
    expect(three.told()).toMatchObject({ isLossy: false });
  },
);

test('a store that cannot be read: another may try, or by the last resort it begins without', async () => {
  const nowhere = 'redis+unix:///nowhere/s';
  const strict = new CheckpointNode(2, at(nowhere), hastyClock());
  expect(await strict.take(2, 1)).toContain('ENOENT');
  const last = new CheckpointNode(3, at(nowhere, { withoutAfterMs: 5_000 }), hastyClock());
  expect(await last.take(3, 1)).toBe('taken');
  expect(last.told()).toMatchObject({ isLossy: true, checkpoint: { isCurrent: false } });
});

test.skipIf(noServer !== '')(
  `the same node takes it again with what it had in memory, and writes only what is new ${noServer}`,
  async () => {
    const { url } = await server();
    const one = new CheckpointNode(1, at(url));
    await one.take(1, null);
    await one.source.set({ a: '1' });
    one.slot.leave();
    expect(await one.take(4, 1)).toBe('taken');
    await one.source.set({ b: '2' });
    const store = openSharedStateStore(url);
    onTestFinished(() => store.close());
    expect((await store.look(SLOT)).mark).toContain('epoch=4 node=1');
    expect((await store.look(SLOT)).mark).toContain('generation=1 ');
    const two = new CheckpointNode(2, at(url));
    await two.take(5, 1);
    expect(two.source.text).toEqual({ a: '1', b: '2' });
    expect(two.told()).toMatchObject({ isLossy: false });
  },
);

test.skipIf(noServer !== '')(
  `an agent that takes over from another one goes on under another epoch, with what the function has ${noServer}`,
  async () => {
    const { url } = await server();
    const former = new CheckpointNode(1, at(url));
    await former.take(4, null);
    await former.source.set({ a: '1' });
    const next = new CheckpointNode(1, at(url));
    next.source.state = new Map(former.source.state);
    expect(await next.take(4, 2, { isResumed: true, isReleased: true })).toBe('taken');
    expect(next.told()).toMatchObject({ isLossy: false });
    await next.source.set({ b: '2' });
    const two = new CheckpointNode(2, at(url));
    expect(await two.take(7, 1)).toBe('taken');
    expect(two.source.text).toEqual({ a: '1', b: '2' });
    expect(two.told()).toMatchObject({ isLossy: false });
  },
);

test.skipIf(noServer !== '')(`a Valkey that lost its data gets all of it again ${noServer}`, async () => {
  const store = await server();
  const one = new CheckpointNode(1, at(store.url));
  await one.take(1, null);
  await one.source.set({ a: '1' });
  await store.stop();
  const waiting = one.source.set({ b: '2' });
  await vi.waitUntil(() => one.told()?.checkpoint?.fault, { timeout: 20_000, interval: 5 });
  await store.start();
  await waiting;
  await covered(one);
  const two = new CheckpointNode(2, at(store.url));
  expect(await two.take(2, 1)).toBe('taken');
  expect(two.source.text).toEqual({ a: '1', b: '2' });
  expect(two.told()).toMatchObject({ isLossy: false });
});

test.skipIf(noServer !== '')(
  `a store that throws keys away is found out: what it has is not what was written ${noServer}`,
  async () => {
    const store = await server();
    const one = new CheckpointNode(1, at(store.url));
    await one.take(1, null);
    await one.source.set({ a: '1' });
    await store.command(0, 'DEL', `vnfpool:{${SLOT}}:1`);
    const two = new CheckpointNode(2, at(store.url));
    expect(await two.take(2, 1)).toBe('taken');
    expect(two.told()).toMatchObject({ isLossy: true });
  },
);

test.skipIf(noEtcd !== '')(
  `etcd: state of more than one transaction, and a stale holder ${noEtcd}`,
  async () => {
    const store = new EtcdServer();
    onTestFinished(() => store.close());
    await store.start();
    const one = new CheckpointNode(1, at(store.url));
    await one.take(1, null);
    const many = Object.fromEntries(Array.from({ length: 400 }, (_, key) => [`k${key}`, String(key)]));
    await one.source.set(many);
    const two = new CheckpointNode(2, at(store.url));
    expect(await two.take(2, 1)).toBe('taken');
    expect(two.source.text).toEqual(many);
    await expect(one.source.set({ k1: 'stale' })).rejects.toMatchObject({ code: 'closed' });
    const three = new CheckpointNode(3, at(store.url));
    expect(await three.take(3, 2)).toBe('taken');
    expect(three.source.text).toEqual(many);
  },
  30_000,
);

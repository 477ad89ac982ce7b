// SPDX-License-Identifier: Apache-2.0
import { StillClock } from '@vnfpool/testkit/clocks';
import type { SlotState, StandbySharing } from '@vnfpool/wire/mobility';
import type { ReplicaMessage } from '@vnfpool/wire/replication';
import { afterEach, describe, expect, test } from 'vitest';
import { RawHolder } from './raw-holder.ts';
import { FakeFunction, type FakeNode, FakeSlot } from './shared-slots.ts';

let slot: FakeSlot;
afterEach(() => slot.close());

async function begin(...options: Parameters<typeof FakeSlot.start>): Promise<FakeNode[]> {
  slot = await FakeSlot.start(...options);
  return [...slot.nodes];
}

/** The first node holds the slot, and the others have its state. */
async function shared(...options: Parameters<typeof FakeSlot.start>): Promise<FakeNode[]> {
  const nodes = await begin(...options);
  const [holder, ...standbys] = nodes;
  expect(await slot.grant(holder as FakeNode)).toMatchObject({ isTaken: true });
  for (const each of standbys) await slot.followed(each);
  return nodes;
}

const ownsOf = (node: FakeNode): number[] =>
  node.inputs.flatMap((input) => (input.type === 'owns-state' ? [input.epoch] : []));

describe('whoever takes the slot', () => {
  test('goes on with what was settled', async () => {
    const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
    await Promise.all([a.run.set('x', '1'), a.run.set('y', '2')]);
    await a.run.set('x', '3');
    expect(await slot.grant(b)).toMatchObject({ isTaken: true });
    expect(b.run.texts).toEqual({ x: '3', y: '2' });
    expect(b.run.begun).toEqual([{ isOwn: false, epoch: String(slot.epoch) }]);
  });

  test('is the first, and needs nothing; its function owns the state before that is said', async () => {
    const [a] = (await begin(2)) as [FakeNode];
    await slot.grant(a);
    expect(ownsOf(a)[0]).toBe(1);
  });

  test('is told of as the owner of each further epoch', async () => {
    const [a] = (await shared(2)) as [FakeNode];
    slot.epoch += 1;
    a.slot?.listed({ type: 'listed', slot: slot.definition.id, epoch: slot.epoch, listed: [], serial: 0 });
    expect(ownsOf(a).at(-1)).toBe(slot.epoch);
  });

  test('without a copy does not, where the state is not its own: the slot is given up', async () => {
    const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
    await a.run.set('x', '1');
    await b.slot?.close();
    slot.reopen(b);
    const { isTaken, reason } = await slot.grant(b, { epoch: slot.epoch + 1 });
    expect([isTaken, reason]).toEqual([false, 'there is no copy of its state']);
    expect(b.run.begun).toEqual([]);
  });

  test('without a copy does by the last resort, with nothing', async () => {
    const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
    await a.run.set('x', '1');
    await a.slot?.close();
    await b.slot?.close();
    slot.reopen(b);
    expect(await slot.grant(b, { isLossy: true })).toMatchObject({ isTaken: true });
    expect(b.run.texts).toEqual({});
    b.slot?.report();
    expect(b.inputs.at(-1)).toMatchObject({ type: 'sharing', report: { isLossy: true } });
  });

  test('tells what its source says of itself: what is wrong with it, and that it could not take all', async () => {
    const [a] = (await shared(2)) as [FakeNode];
    const reported = (): unknown => {
      a.slot?.report();
      return a.inputs.findLast(({ type }) => type === 'sharing');
    };
    expect(reported()).not.toHaveProperty('report.fault');
    a.run.fault = () => 'the kernel does not tell it';
    expect(reported()).toMatchObject({ report: { fault: 'the kernel does not tell it', isLossy: false } });
    a.run.fault = () => null;
    a.run.hasLost = () => true;
    expect(reported()).toMatchObject({ report: { isLossy: true } });
    expect(reported()).not.toHaveProperty('report.fault');
  });

  test('after its agent has ended goes on with what its function has itself', async () => {
    const [a] = (await shared(2)) as [FakeNode];
    await a.run.set('x', '1');
    await a.slot?.close();
    slot.reopen(a);
    expect(await slot.grant(a)).toMatchObject({ isTaken: true });
    expect(a.run.begun.at(-1)).toMatchObject({ isOwn: true });
    expect(a.run.texts).toEqual({ x: '1' });
  });

  test('again, with a function that began anew, gives it what the agent kept', async () => {
    const [a] = (await shared(2)) as [FakeNode];
    await a.run.set('x', '1');
    a.slot?.leave();
    a.run = new FakeFunction();
    expect(await slot.grant(a)).toMatchObject({ isTaken: true });
    expect(a.run.begun).toMatchObject([{ isOwn: false }]);
    expect(a.run.texts).toEqual({ x: '1' });
  });

  test('with a function that refuses gives it up, and keeps the copy', async () => {
    const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
    await a.run.set('x', '1');
    b.run.refusal = new Error('no room');
    expect(await slot.grant(b)).toMatchObject({ isTaken: false, reason: 'no room' });
    b.run.refusal = null;
    expect(await slot.grant(b)).toMatchObject({ isTaken: true });
    expect(b.run.texts).toEqual({ x: '1' });
  });

  test('and loses it before it has the state says nothing more', async () => {
    const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
    await a.run.set('x', '1');
    const taken = slot.grant(b);
    b.slot?.leave();
    a.slot?.leave();
    // The next one, for whom it makes no difference.
    expect(await slot.grant(a)).toMatchObject({ isTaken: true });
    expect(a.run.texts).toEqual({ x: '1' });
    void taken;
    expect(b.answers).toEqual([]);
  });
});

describe('a holder that lets go', () => {
  test('sends its last updates, which its successor waits for', async () => {
    const [a, b] = (await shared(2, { lossUpdates: 1_000, overload: 'degrade' })) as [FakeNode, FakeNode];
    const last = Array.from({ length: 200 }, (_, n) => a.run.set(`key-${n}`, String(n)));
    const taken = slot.grant(b, { isReleased: true });
    a.slot?.leave();
    await Promise.all([taken, ...last]);
    expect(Object.keys(b.run.texts)).toHaveLength(200);
    await slot.followed(a);
    expect(a.hasCopy).toBe(true);
  });

  test('is a standby of the next', async () => {
    const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
    a.slot?.leave();
    await slot.grant(b);
    await slot.followed(a);
    await b.run.set('x', '1');
    b.slot?.leave();
    await slot.grant(a);
    expect(a.run.texts).toEqual({ x: '1' });
  });
});

describe('a successor of one that lets go', () => {
  const isLossy = (node: FakeNode): unknown => {
    node.slot?.report();
    const told = node.inputs.findLast((input) => input.type === 'sharing');
    return told?.report?.isLossy;
  };

  /** A standby whose time is the test's, and the holder before it; the council has let go of the slot, and grants it to the standby. */
  const released = async (): Promise<{
    readonly node: FakeNode;
    readonly holder: RawHolder;
    readonly clock: StillClock;
    readonly taken: Promise<{ readonly isTaken: boolean }>;
  }> => {
    const [a, node] = (await begin(2)) as [FakeNode, FakeNode];
    const clock = new StillClock();
    await node.slot?.close();
    node.clock = clock;
    slot.reopen(node);
    slot.epoch = 1;
    slot.holder = a;
    const holder = await RawHolder.open(node, 1);
    await holder.fill({ x: '1' });
    const taken = slot.grant(node, { isReleased: true });
    return { node, holder, clock, taken };
  };

  /** Time passes until the slot is taken. @param during what the holder does in each step; resolves with how long it was */
  const passed = async (
    { node, clock }: { readonly node: FakeNode; readonly clock: StillClock },
    during: () => Promise<void> = () => Promise.resolve(),
  ): Promise<number> => {
    const beganMs = clock.nowMs();
    while (node.run.begun.length === 0) {
      await during();
      // Whatever was to follow has.
      await new Promise((resolve) => setImmediate(resolve));
      if (node.run.begun.length === 0) clock.pass(50);
    }
    return clock.nowMs() - beganMs;
  };

  test('waits for a function that takes its time over its last changes', async () => {
    const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
    a.run.lastWord = async () => {
      await new Promise((resolve) => setTimeout(resolve, 800));
      await a.run.set('last', '1');
    };
    const taken = slot.grant(b, { isReleased: true });
    a.slot?.leave();
    expect(await taken).toMatchObject({ isTaken: true });
    expect(b.run.texts).toEqual({ last: '1' });
    expect(isLossy(b)).toBe(false);
  });

  test('waits as long as something comes, and begins with the last word', async () => {
    const scene = await released();
    const { node, holder, taken } = scene;
    let steps = 0;
    const tookMs = await passed(scene, async () => {
      steps += 1;
      if (steps < 100) await holder.tell();
      if (steps !== 100) return;
      await holder.tell({ y: '2' });
      holder.end();
    });
    expect(await taken).toMatchObject({ isTaken: true });
    expect(tookMs).toBeGreaterThanOrEqual(4_900);
    expect(node.run.texts).toEqual({ x: '1', y: '2' });
    expect(isLossy(node)).toBe(false);
  });

  test.each([
    ['is silent', () => undefined],
    ['has lost its connection', (holder: RawHolder) => holder.close()],
  ])('goes on soon when it %s, and says that something may be missing', async (_how, happens) => {
    const scene = await released();
    happens(scene.holder);
    const tookMs = await passed(scene);
    expect(await scene.taken).toMatchObject({ isTaken: true });
    expect(tookMs).toBeLessThanOrEqual(500);
    expect(scene.node.run.texts).toEqual({ x: '1' });
    expect(isLossy(scene.node)).toBe(true);
    expect(scene.node.log).toContainEqual(
      expect.objectContaining({ msg: 'the last word of the holder before did not come' }),
    );
  });

  test('does not wait for more than any holder takes', async () => {
    const scene = await released();
    const tookMs = await passed(scene, () => scene.holder.tell());
    expect(await scene.taken).toMatchObject({ isTaken: true });
    expect(tookMs).toBeGreaterThanOrEqual(7_000);
    expect(tookMs).toBeLessThanOrEqual(8_000);
    expect(isLossy(scene.node)).toBe(true);
  });
});

describe('a standby', () => {
  test('that goes leaves the list, and what is told goes on', async () => {
    const [a, b, c] = (await shared(3)) as [FakeNode, FakeNode, FakeNode];
    await c.close();
    await a.until(() => !slot.listed.includes(c.id));
    await a.run.set('x', '1');
    await slot.grant(b);
    expect(b.run.texts).toEqual({ x: '1' });
  });

  test('whose holder is gone says how far its copy came', async () => {
    const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
    for (const value of ['1', '2', '3']) await a.run.set('x', value);
    const { epoch } = slot;
    b.inputs.length = 0;
    await a.close();
    const told = await b.until(() => b.inputs.find((input) => input.type === 'copy'));
    expect(told).toMatchObject({ isWhole: true, position: { epoch, sequence: 3 } });
  });

  test('that comes back is listed again', async () => {
    const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
    await b.slot?.close();
    await a.until(() => !slot.listed.includes(b.id));
    await a.run.set('x', '1');
    slot.reopen(b);
    await slot.followed(b);
    await slot.grant(b);
    expect(b.run.texts).toEqual({ x: '1' });
  });

  test.each<[string, Partial<StandbySharing>]>([
    ['what may not be lost', {}],
    ['what is to be acknowledged', { lossUpdates: 1_000_000, lossMs: 60_000, overload: 'degrade' }],
  ])('that is to acknowledge, and is off the list, holds up %s', async (_, sharing) => {
    const [a, b] = (await shared(2, { acknowledgedBy: 1, ...sharing })) as [FakeNode, FakeNode];
    await b.slot?.close();
    let isSettled = false;
    const settled = a.run.set('x', '1').then(() => {
      isSettled = true;
    });
    await a.until(() => !slot.listed.includes(b.id));
    expect(isSettled).toBe(false);
    slot.reopen(b);
    await slot.followed(b);
    await settled;
  });
});

/** The agent of the first node ends, and another one goes on: its function serves, and the slot is held under the same epoch. */
async function resumed(a: FakeNode): Promise<void> {
  await a.slot?.close();
  slot.reopen(a);
  a.slot?.take({
    type: 'take-state',
    slot: slot.definition.id,
    epoch: slot.epoch,
    functionId: a.id * 16,
    listed: slot.listed.filter((node) => node !== a.id).map((node) => ({ node, functionId: node * 16 })),
    previous: null,
    isReleased: false,
    isLossy: false,
    isResumed: true,
  });
}

describe('an agent that goes on for another', () => {
  test('begins under another epoch, alone in the list until others have what its function tells', async () => {
    const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
    await a.run.set('x', '1');
    const { epoch } = slot;
    await resumed(a);
    await a.until(() => a.answers.length > 1);
    expect(a.run.begun.at(-1)).toEqual({ isOwn: true, epoch: String(epoch + 1) });
    await slot.followed(b);
    await a.run.set('y', '2');
    await slot.grant(b);
    expect(b.run.texts).toEqual({ x: '1', y: '2' });
  });

  test('asks its function again, which serves, and does not give the slot up', async () => {
    const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
    await a.run.set('x', '1');
    a.run.refusal = new Error('not connected');
    await resumed(a);
    await a.until(() => a.run.begun.length > 1);
    a.run.refusal = null;
    await a.until(() => a.answers.length > 1);
    expect(a.answers.every(({ isTaken }) => isTaken)).toBe(true);
    await slot.followed(b);
    await slot.grant(b);
    expect(b.run.texts).toEqual({ x: '1' });
  });
});

describe('a function that alone has the state', () => {
  test('is not emptied by what its agent does not have, after a try that failed', async () => {
    const [a] = (await shared(2)) as [FakeNode];
    await a.run.set('x', '1');
    await a.slot?.close();
    slot.reopen(a);
    a.run.refusal = new Error('not connected');
    const taken = slot.grant(a);
    await a.until(() => a.run.begun.length > 1);
    expect(a.hasCopy).toBe(false);
    a.run.refusal = null;
    expect(await taken).toMatchObject({ isTaken: true });
    expect(a.run.begun.every(({ isOwn }) => isOwn)).toBe(true);
    expect(a.run.texts).toEqual({ x: '1' });
  });

  test('keeps others out of the list, whose copies are replaced only by all of it', async () => {
    const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
    await a.run.set('x', '1');
    await a.slot?.close();
    slot.reopen(a);
    await slot.grant(a);
    expect(slot.listed).toEqual([a.id]);
    await slot.followed(b);
    await slot.grant(b);
    expect(b.run.texts).toEqual({ x: '1' });
  });
});

test('a node that has another candidate now is listed by that one', async () => {
  const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
  const candidates = slot.definition.candidates.map((each) =>
    each.node === b.id ? { ...each, functionId: 99 } : each,
  );
  a.posts.length = 0;
  a.slot?.define({ ...slot.definition, candidates }, slot.peers);
  expect(a.posts.findLast((post) => post.type === 'list')).toMatchObject({
    candidates: [{ node: b.id, functionId: 99 }],
  });
});

describe('a stream to a standby', () => {
  const told = (node: number, epoch: number): SlotState => ({
    id: slot.definition.id,
    state: 'held',
    epoch: String(epoch),
    holder: { node, functionId: node * 16 },
    candidates: slot.definition.candidates,
    reason: '',
  });
  /** Another node opens one; what it is told. */
  const opened = async (to: FakeNode, by: number, epoch: number): Promise<ReplicaMessage | undefined> => {
    const former = to.peerOf;
    to.peerOf = () => by;
    const holder = await RawHolder.open(to, epoch);
    const refused = await holder.next('refuse', 'at');
    to.peerOf = former;
    holder.close();
    return refused;
  };

  test.each([
    ['a node that is no candidate', 9, 2 ** 40 + 8, 'protocol'],
    ['a node that is no candidate, with the highest epoch', 9, 2 ** 50, 'protocol'],
    ['a candidate, with an epoch that cannot have been granted', 2, 2 ** 50, 'protocol'],
    ['a candidate, with a round too far from any that was seen', 2, 2 ** 40 + 2 ** 25, 'protocol'],
  ])('of %s is refused, and the holder goes on', async (_who, by, epoch, reason) => {
    const [a, b, c] = (await shared(3)) as [FakeNode, FakeNode, FakeNode];
    await a.run.set('x', '1');
    expect(await opened(c, by, epoch)).toMatchObject({ reason });
    await a.run.set('x', '2');
    expect(slot.listed).toEqual([a.id, b.id, c.id]);
    expect(await slot.grant(c)).toMatchObject({ isTaken: true });
    expect(c.run.texts).toEqual({ x: '2' });
  });

  test('of a new holder is taken before this node has heard of its epoch', async () => {
    const [a, b, c] = (await shared(3)) as [FakeNode, FakeNode, FakeNode];
    c.slot?.observed(told(a.id, slot.epoch));
    expect(await opened(c, b.id, slot.epoch + 1)).toMatchObject({ type: 'at' });
  });

  test('of a holder that this node knows to be over is refused, though no later one has come yet', async () => {
    const [a, b, c] = (await shared(3)) as [FakeNode, FakeNode, FakeNode];
    const { epoch } = slot;
    await a.slot?.close();
    await c.slot?.close();
    slot.reopen(c);
    c.slot?.observed(told(b.id, epoch + 2));
    expect(await opened(c, a.id, epoch)).toMatchObject({ reason: 'old-epoch', epoch: epoch + 2 });
    // That of its grant is lower than that of the list that stands.
    expect(await opened(c, b.id, epoch + 1)).toMatchObject({ type: 'at' });
  });

  test('that is there ends when its holder has had the time for its last word, unless it holds the slot again', async () => {
    const [a, node] = (await begin(3)) as [FakeNode, FakeNode];
    const clock = new StillClock();
    await node.slot?.close();
    node.clock = clock;
    slot.reopen(node);
    node.peerOf = () => a.id;
    const holder = await RawHolder.open(node, 1);
    await holder.fill({ x: '1' });
    node.slot?.observed(told(a.id, 4));
    // A hand-over that fails, then one that does not.
    node.slot?.observed(told(3, 5));
    clock.pass(1_000);
    node.slot?.observed(told(a.id, 6));
    clock.pass(10_000);
    await holder.tell({ x: '2' });
    node.slot?.observed(told(3, 7));
    clock.pass(7_000);
    await holder.tell({ x: '3' });
    clock.pass(500);
    expect(await holder.next('refuse')).toMatchObject({ reason: 'old-epoch', epoch: 7 });
  });
});

describe('a standby whose function keeps the copy ready', () => {
  const readyOf = ({ run }: FakeNode): string => JSON.stringify([...(run.ready?.keys() ?? ['nothing'])]);
  /** Each try gives the holder a reason to say something, and the standby one to be looked at. */
  const untilReady = async (holder: FakeNode, node: FakeNode, keys: string): Promise<void> => {
    for (let tries = 0; readyOf(node) !== keys; tries++) {
      if (tries === 1000) throw new Error(`it has ${readyOf(node)}, not ${keys}`);
      await holder.run.set('again', String(tries));
      node.slot?.report();
    }
  };

  test('gives it all, then what changes; to another function all again; nothing when the slot is taken', async () => {
    const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
    await a.run.set('x', '1');
    await untilReady(a, b, '["x","again"]');
    const former = b.run;
    b.run = new FakeFunction();
    await untilReady(a, b, '["x","again"]');
    a.slot?.leave();
    expect(await slot.grant(b)).toMatchObject({ isTaken: true });
    await slot.followed(a);
    await b.run.set('y', '2');
    await untilReady(b, a, '["x","again","y"]');
    expect([former.ready?.size, b.run.ready?.size]).toEqual([2, 2]);
  });

  test('is told when the node is to have no copy any more', async () => {
    const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
    await untilReady(a, b, '["again"]');
    await b.slot?.close();
    expect(b.run.ready).toBeNull();
  });
});

// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { announcementFrame } from '../../src/addresses/arp.ts';
import {
  Assembler,
  attachedPrograms,
  attachProgram,
  BpfMap,
  detachProgram,
  type LinkProgram,
  loadProgram,
  openById,
  readInfo,
} from '../../src/bpf/index.ts';
import { GUARDED_KEY_BYTES } from '../../src/fence/bpf-program.ts';
import { createFence } from '../../src/fence/index.ts';
import { libc } from '../../src/libc/index.ts';
import { findLink, NETLINK_ROUTE, NetlinkSocket } from '../../src/netlink/index.ts';
import {
  clocks,
  createOf,
  FenceRig,
  type LabFence,
  LONG_MS,
  VIP4,
  WEB,
  whyNoPrograms,
} from '../support/fence-rig.ts';
import { labMissing, until } from '../support/lab.ts';

const missing = labMissing || whyNoPrograms();
const EVERYTHING = ['in4', 'out4', 'in6', 'out6'];

describe.skipIf(missing !== '')(`programs on links ${missing}`, () => {
  let rig: FenceRig;
  let fence: LabFence;
  let told: string[];
  let index: number;
  const openFor = (leftMs: number): void => fence.openUntil(new Map([['web', clocks.boottimeMs() + leftMs]]));
  /** The numbers of the programs on eth0, both ways. */
  const programs = (): number[][] =>
    rig.on('a', () => [attachedPrograms(index, 'in'), attachedPrograms(index, 'out')]);
  const withProgram = <Result>(id: number, work: (fd: number) => Result): Result => {
    const fd = openById('program', id);
    if (fd === undefined) throw new Error('no program');
    try {
      return work(fd);
    } finally {
      libc().close(fd);
    }
  };
  /** A map of the program on eth0, as somebody else gets hold of it. */
  const mapOf = (keyBytes: number): BpfMap => {
    const [id = 0] = programs()[0] ?? [];
    const shape = { kind: 'hash', name: 'x', keyBytes, valueBytes: keyBytes === 4 ? 8 : 4, entriesMax: 100 };
    for (const mapId of withProgram(id, (fd) => readInfo(fd).mapIds)) {
      const fd = openById('map', mapId);
      const map = new BpfMap(fd ?? -1, { ...shape, kind: 'hash' });
      try {
        // Only one has keys of these many bytes: a shorter read of the other would not be found.
        if ((map.get(new Uint8Array(keyBytes)) !== undefined) === (keyBytes === 4)) return rig.keep(map);
      } catch {}
    }
    throw new Error('no such map');
  };

  beforeEach(() => {
    told = [];
    rig = new FenceRig();
    index = rig.on('a', () => {
      const route = new NetlinkSocket(NETLINK_ROUTE);
      const found = findLink(route, 'eth0').index;
      route.close();
      return found;
    });
    fence = rig.on('a', () => createOf('programs', { changed: (what) => told.push(what) }));
    fence.guard([WEB]);
  });

  afterEach(() => {
    fence.dispose();
    expect(programs()).toEqual([[], []]);
    rig.close();
  });

  test('stand on the link for each direction, and stay when their process ends, to be replaced', async () => {
    const first = programs();
    expect(first.map(({ length }) => length)).toEqual([1, 1]);
    openFor(LONG_MS);
    await rig.acquaint();
    fence.close('web');
    const former = fence;
    former.abandon();
    expect(programs()).toEqual(first);
    expect(await rig.passing()).toEqual([]);
    fence = rig.on('a', () => createOf('programs'));
    fence.guard([WEB]);
    expect(programs().map(({ length }) => length)).toEqual([1, 1]);
    expect(programs()).not.toEqual(first);
    expect(await rig.passing()).toEqual([]);
  });

  test('leave a link that is guarded no more, also one of an ended agent', () => {
    rig.run('a', 'ip', 'link', 'add', 'vip0', 'link', 'eth0', 'type', 'macvlan');
    rig.run('a', 'ip', 'link', 'set', 'vip0', 'up');
    const mac = { slot: 'mac', guarded: [{ what: 'link' as const, link: 'vip0' }] };
    const frame = new Uint8Array(60).fill(0xff, 0, 6);
    const passes = (): boolean => rig.tap('a', 3, 'vip0').send(frame);
    fence.guard([WEB, mac]);
    expect(passes()).toBe(false);
    fence.guard([WEB]);
    expect(passes()).toBe(true);
    fence.guard([WEB, mac]);
    fence.abandon();
    fence = rig.on('a', () => createOf('programs'));
    expect(passes()).toBe(false);
    fence.guard([WEB]);
    expect(passes()).toBe(true);
  });

  test('what they guard stays closed at a new start, also when somebody took the tables away meanwhile', async () => {
    openFor(LONG_MS);
    await rig.acquaint();
    fence.abandon();
    rig.run('a', 'nft', 'flush', 'ruleset');
    const next = rig.on('a', () => createFence({ interfaces: ['eth0'], clocks, owner: 'off' }));
    expect(await rig.passing()).toEqual([]);
    expect(next.guarded).toEqual(expect.arrayContaining([...WEB.guarded]));
    next.guard([]);
    expect(await rig.passing()).toEqual(EVERYTHING);
    next.dispose();
    fence = rig.on('a', () => createOf('programs'));
  });

  test('what a former process still writes opens nothing', async () => {
    openFor(LONG_MS);
    await rig.acquaint();
    const former = fence;
    fence = rig.on('a', () => createOf('programs'));
    fence.guard([WEB]);
    former.openUntil(new Map([['web', clocks.boottimeMs() + LONG_MS]]));
    expect(await rig.passing()).toEqual([]);
    former.abandon();
  });

  test('frames with a VLAN tag within are looked into', async () => {
    openFor(LONG_MS);
    const tap = rig.tap('a', 3);
    const seen = rig.tap('b', 3);
    const plain = announcementFrame(VIP4, tap.hardwareAddress);
    const tagged = new Uint8Array(64);
    tagged.set(plain.subarray(0, 12));
    tagged.set([0x81, 0x00, 0x00, 0x07], 12);
    tagged.set(plain.subarray(12, 60), 16);
    const count = (): number =>
      // The kernel takes the tag out on its way in.
      seen.poll().filter((each) => Buffer.compare(each.subarray(12, 42), plain.subarray(12, 42)) === 0)
        .length;
    tap.send(tagged);
    await until('the tagged announcement', () => count() === 1);
    fence.close('web');
    tap.send(tagged);
    tap.send(announcementFrame('10.9.0.1', tap.hardwareAddress));
    await until('the marker', () => seen.poll().some((each) => each[31] === 1 && each[41] === 1));
    expect(count()).toBe(1);
  });

  test('taken off by somebody: noticed, put back closed, and told', async () => {
    openFor(LONG_MS);
    await rig.acquaint();
    for (const [at, direction] of (['in', 'out'] as const).entries()) {
      const [id = 0] = programs()[at] ?? [];
      rig.on('a', () => withProgram(id, (fd) => detachProgram(index, direction, fd)));
    }
    fence.check();
    expect(told).toEqual(['the program on eth0 (in) is gone', 'the program on eth0 (out) is gone']);
    expect(await rig.passing()).toEqual([]);
    openFor(LONG_MS);
    expect(await rig.passing()).toEqual(EVERYTHING);
    fence.check();
    expect(told).toHaveLength(2);
  });

  describe('behind a program that somebody puts ahead of them, and that lets everything pass at once', () => {
    const TCX_PASS = 0;
    let stranger: LinkProgram;
    const leave = (): void => {
      for (const direction of ['in', 'out'] as const)
        rig.on('a', () => detachProgram(index, direction, stranger.fd));
    };
    const goAhead = (): void => {
      leave();
      for (const direction of ['in', 'out'] as const)
        rig.on('a', () => attachProgram(index, direction, stranger));
    };
    beforeEach(() => {
      stranger = loadProgram('stranger', new Assembler().set(0, TCX_PASS).exit().assemble());
    });
    afterEach(() => {
      leave();
      libc().close(stranger.fd);
    });

    test('they go ahead again, closed, and it is told', async () => {
      const own = programs();
      openFor(LONG_MS);
      await rig.acquaint();
      fence.close('web');
      goAhead();
      expect(await rig.passing()).toEqual(EVERYTHING);
      fence.check();
      expect(told).toEqual([
        'somebody’s program is ahead of ours on eth0 (in)',
        'somebody’s program is ahead of ours on eth0 (out)',
      ]);
      expect(programs()).toEqual(own.map((ids) => [...ids, stranger.id]));
      expect(await rig.passing()).toEqual([]);
      openFor(LONG_MS);
      expect(await rig.passing()).toEqual(EVERYTHING);
      fence.check();
      expect(told).toHaveLength(2);
    });

    test('they give in to one that insists, say so once, and stay open', () => {
      for (let times = 0; times < 3; times++) {
        goAhead();
        fence.check();
      }
      expect(told).toHaveLength(6);
      told = [];
      goAhead();
      openFor(LONG_MS);
      for (let times = 0; times < 3; times++) fence.check();
      expect(told).toEqual(
        ['in', 'out'].map((way) =>
          expect.stringMatching(`ahead of ours on eth0 \\(${way}\\) again and again`),
        ),
      );
      expect(programs().map(([first]) => first)).toEqual([stranger.id, stranger.id]);
      expect(fence.isOpen('web')).toBe(true);
    });
  });

  test('a deadline moved by somebody is noticed', async () => {
    openFor(LONG_MS);
    await rig.acquaint();
    fence.close('web');
    const deadlines = mapOf(4);
    const far = new Uint8Array(8).fill(0x7f);
    deadlines.set(new Uint8Array([1, 0, 0, 0]), far);
    expect(await rig.passing()).toEqual(EVERYTHING);
    fence.check();
    expect(told).toEqual(['the deadline of slot web is another']);
    expect(await rig.passing()).toEqual([]);
  });

  test('an address taken out by somebody is noticed', async () => {
    openFor(LONG_MS);
    await rig.acquaint();
    const guarded = mapOf(GUARDED_KEY_BYTES);
    fence.close('web');
    for (const key of guarded.keys()) guarded.delete(key);
    expect(await rig.passing()).toEqual(EVERYTHING);
    fence.check();
    expect(told).toEqual(['an entry of the map of what is guarded is another']);
    expect(await rig.passing()).toEqual([]);
  });

  test('a clock that is not the kernel’s is refused, and nftables stands alone with the reason', () => {
    for (const byMs of [3_600_000, -3_600_000]) {
      const other = rig.on('a', () =>
        createFence({
          interfaces: ['eth0'],
          clocks: { wallMs: () => clocks.wallMs(), boottimeMs: () => clocks.boottimeMs() + byMs },
        }),
      );
      expect(other.kind).toBe('nft');
      expect(other.guarantee).toContain('another CLOCK_BOOTTIME');
      other.dispose();
    }
    expect(programs().map(({ length }) => length)).toEqual([1, 1]);
  });
});

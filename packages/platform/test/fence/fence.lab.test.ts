// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LinkWatch } from '../../src/fence/link-watch.ts';
import type { Clocks, GuardedSlot } from '../../src/interfaces.ts';
import { createNamespace, inNamespace, openOwnNamespace } from '../../src/namespaces/index.ts';
import { createVeth, findLink, NETLINK_ROUTE, NetlinkSocket, setLinkUp } from '../../src/netlink/index.ts';
import {
  A4,
  address,
  B4,
  clocks,
  createOf,
  FenceRig,
  type Form,
  type LabFence,
  LONG_MS,
  PORT,
  VIP4,
  VIP6,
  WEB,
  whyNoPrograms,
} from '../support/fence-rig.ts';
import { labMissing, openUdp, until } from '../support/lab.ts';

const noPrograms = labMissing === '' ? whyNoPrograms() : labMissing;
const forms: { form: Form; missing: string }[] = [
  { form: 'nft', missing: labMissing },
  { form: 'bpf', missing: noPrograms },
  { form: 'programs', missing: noPrograms },
];
const EVERYTHING = ['in4', 'out4', 'in6', 'out6'];

for (const { form, missing } of forms) {
  describe.skipIf(missing !== '')(`the fence by ${form} ${missing}`, () => {
    let rig: FenceRig;
    let fence: LabFence;
    const told: string[] = [];
    const end = (leftMs: number): number => clocks.boottimeMs() + leftMs;
    const openFor = (leftMs: number, ...slots: string[]): void =>
      fence.openUntil(new Map((slots.length === 0 ? ['web'] : slots).map((slot) => [slot, end(leftMs)])));

    beforeEach(() => {
      rig = new FenceRig();
      fence = rig.on('a', () => createOf(form, { changed: (what) => told.push(what) }));
      fence.guard([WEB]);
    });

    afterEach(() => {
      fence.dispose();
      rig.close();
      expect(told.splice(0)).toEqual([]);
    });

    test('goes on open where its agent hands on to the next, as it is or written anew; what is not named is closed', async () => {
      const other: GuardedSlot = { slot: 'other', guarded: [address('10.9.0.101')] };
      fence.guard([WEB, other]);
      openFor(LONG_MS, 'web', 'other');
      const untilMs = end(LONG_MS);
      const record = fence.handOn();
      for (const each of [record, record && { ...record, rules: 'of another version' }]) {
        fence.abandon();
        const handedOn = { slots: [WEB], also: [], ends: new Map([['web', untilMs]]), record: each };
        fence = rig.on('a', () => createOf(form, { handedOn, changed: (what) => told.push(what) }));
        expect(fence.isOpen('web')).toBe(true);
        expect(await rig.passing()).toEqual(EVERYTHING);
        if (form !== 'programs') expect(fence.guarded).toContainEqual(address('10.9.0.101'));
        fence.guard([WEB, other]);
        expect([fence.isOpen('web'), fence.isOpen('other')]).toEqual([true, false]);
        openFor(LONG_MS, 'web');
        expect(await rig.passing()).toEqual(EVERYTHING);
        fence.close('web');
        expect(await rig.passing()).toEqual([]);
        openFor(LONG_MS, 'web');
      }
      fence.check();
    });

    test('what ran out, or is to run out, of a slot that was closed is in nobody’s way, here and at the next agent', async () => {
      const other: GuardedSlot = { slot: 'other', guarded: [address('10.9.0.101')] };
      fence.guard([WEB, other]);
      openFor(LONG_MS, 'web');
      openFor(200, 'other');
      fence.close('other');
      fence.check();
      const untilMs = end(LONG_MS);
      const handedOn = {
        slots: [WEB, other],
        also: [],
        ends: new Map([['web', untilMs]]),
        record: fence.handOn(),
      };
      fence.abandon();
      fence = rig.on('a', () => createOf(form, { handedOn, changed: (what) => told.push(what) }));
      fence.check();
      fence.guard([WEB, other]);
      openFor(400, 'other');
      fence.close('other');
      openFor(200, 'other');
      expect([fence.isOpen('web'), fence.isOpen('other')]).toEqual([true, true]);
      expect(await rig.passing()).toEqual(EVERYTHING);
      fence.close('other');
      const overMs = end(250);
      await until('what was left to run out', () => clocks.boottimeMs() > overMs);
      openFor(LONG_MS, 'web', 'other');
      fence.check();
      expect([fence.isOpen('web'), fence.isOpen('other')]).toEqual([true, true]);
    });

    test('that was handed on ends with its lease by itself', async () => {
      openFor(LONG_MS);
      const record = fence.handOn();
      fence.abandon();
      const untilMs = end(300);
      const handedOn = { slots: [WEB], also: [], ends: new Map([['web', untilMs]]), record: undefined };
      fence = rig.on('a', () => createOf(form, { handedOn, changed: (what) => told.push(what) }));
      expect(await rig.passing()).toEqual(EVERYTHING);
      await until('the lease to end', () => clocks.boottimeMs() > untilMs + 5);
      expect(await rig.passing()).toEqual([]);
      expect(record === undefined).toBe(form === 'programs');
    });

    test('is closed from the start, both ways, for both families', async () => {
      expect(fence.isOpen('web')).toBe(false);
      expect(await rig.passing()).toEqual([]);
      expect(await rig.answers()).toEqual([]);
      expect(await rig.hears()).toEqual([]);
      expect(await rig.announces()).toEqual([]);
    });

    // The programs do not see what goes past queues; nftables does.
    test.skipIf(form === 'programs')('stops announcements that are sent past queues', async () => {
      expect(await rig.announces(true)).toEqual([]);
      openFor(LONG_MS);
      expect(await rig.announces(true)).toEqual(['arp', 'na']);
    });

    test('opens and closes', async () => {
      openFor(LONG_MS);
      await rig.acquaint();
      expect(fence.isOpen('web')).toBe(true);
      expect(await rig.passing()).toEqual(EVERYTHING);
      expect(await rig.answers()).toEqual(['arp', 'na']);
      expect(await rig.hears()).toEqual(['arp', 'ns']);
      expect(await rig.announces()).toEqual(['arp', 'na']);
      fence.close('web');
      expect(fence.isOpen('web')).toBe(false);
      expect(await rig.passing()).toEqual([]);
      expect(await rig.answers()).toEqual([]);
      expect(await rig.announces()).toEqual([]);
      openFor(LONG_MS);
      expect(await rig.passing()).toEqual(EVERYTHING);
    });

    test('closes by the kernel alone when nobody renews', async () => {
      openFor(LONG_MS);
      await rig.acquaint();
      const endMs = end(80);
      fence.openUntil(new Map([['web', endMs]]));
      await until('the end', () => clocks.boottimeMs() > endMs);
      expect(await rig.passing()).toEqual([]);
      expect(await rig.answers()).toEqual([]);
      expect(fence.isOpen('web')).toBe(false);
      openFor(LONG_MS);
      expect(await rig.passing()).toEqual(EVERYTHING);
    });

    test('extending leaves no gap', async () => {
      openFor(LONG_MS);
      await rig.acquaint();
      const before = rig.virtual4.poll().length;
      for (let turn = 0; turn < 100; turn++) {
        openFor(LONG_MS);
        rig.peer4.send(`turn ${turn}`, VIP4, PORT);
      }
      await until('every probe', () => rig.virtual4.poll().length === before + 100);
    });

    const withClocks = (others: Clocks): void => {
      fence.dispose();
      fence = rig.on('a', () => createOf(form, { clocks: others }));
      fence.guard([WEB]);
    };

    test('a write that was computed in time and arrives late is closed', async () => {
      let endMs = Infinity;
      withClocks({
        wallMs: () => clocks.wallMs(),
        boottimeMs: () => {
          const reading = clocks.boottimeMs();
          while (endMs !== Infinity && clocks.boottimeMs() <= endMs);
          return reading;
        },
      });
      openFor(LONG_MS);
      await rig.acquaint();
      fence.close('web');
      endMs = end(50);
      const ends = new Map([['web', endMs]]);
      // The programs' form reads no clock: the pause comes before the call.
      while (form === 'programs' && clocks.boottimeMs() <= endMs);
      fence.openUntil(ends);
      expect(clocks.boottimeMs()).toBeGreaterThan(endMs);
      expect(await rig.passing()).toEqual([]);
      expect(fence.isOpen('web')).toBe(false);
    });

    test('an end that has come, or is none, closes', async () => {
      openFor(LONG_MS);
      await rig.acquaint();
      for (const leftMs of [0, -5, Number.NaN]) {
        openFor(leftMs);
        expect(await rig.passing()).toEqual([]);
        openFor(LONG_MS);
        expect(await rig.passing()).toEqual(EVERYTHING);
      }
    });

    test('slots open and close each for itself', async () => {
      const four = { slot: 'four', guarded: [address(VIP4)] };
      const six = { slot: 'six', guarded: [address(VIP6)] };
      fence.guard([four, six]);
      openFor(LONG_MS, 'four', 'six');
      await rig.acquaint();
      fence.close('six');
      expect(await rig.passing()).toEqual(['in4', 'out4']);
      fence.openUntil(
        new Map([
          ['four', 0],
          ['six', end(LONG_MS)],
        ]),
      );
      expect(await rig.passing()).toEqual(['in6', 'out6']);
      expect([fence.isOpen('four'), fence.isOpen('six')]).toEqual([false, true]);
      expect(() => openFor(LONG_MS, 'five')).toThrow(/not under the fence/);
    });

    test('what comes under an open slot is open, what leaves is let through; naming it again keeps its state', async () => {
      fence.guard([{ slot: 'web', guarded: [address(VIP4)] }]);
      openFor(LONG_MS);
      await rig.acquaint();
      fence.guard([WEB]);
      expect(await rig.passing()).toEqual(EVERYTHING);
      fence.guard([{ slot: 'other', guarded: [address(VIP6)] }]);
      expect(await rig.passing()).toEqual(['in4', 'out4']);
      expect(fence.guarded).toEqual([address(VIP6)]);
      fence.guard([WEB]);
      expect(await rig.passing()).toEqual([]);
      fence.guard([]);
      expect(await rig.passing()).toEqual(EVERYTHING);
    });

    test('a host behind its closed fence reaches the address where it is held, and follows it when it moves', async () => {
      const closed = rig.on('b', () => createOf(form));
      rig.keep({ close: () => closed.dispose() });
      closed.guard([WEB]);
      openFor(LONG_MS);
      await rig.acquaint();
      expect(await rig.passing()).toEqual(EVERYTHING);
      // The successor announces; what closes first at the old holder.
      fence.close('web');
      const next = rig.on('c', () => createOf(form));
      rig.keep({ close: () => next.dispose() });
      next.guard([WEB]);
      rig.raise('c', VIP4, 32);
      const successor = rig.keep(openUdp(rig.network.host('c'), VIP4, PORT));
      next.openUntil(new Map([['web', end(LONG_MS)]]));
      const own = rig.tap('c', 0x0806);
      const { announcementFrame } = await import('../../src/addresses/arp.ts');
      own.send(announcementFrame(VIP4, own.hardwareAddress));
      // Without the announcement the peer's entry would name the old holder for many seconds.
      await until(
        'the neighbour entry to follow',
        () => {
          rig.peer4.send('after', VIP4, PORT);
          return successor.poll().includes('after');
        },
        1000,
      );
    });

    test('a link of a slot lets no frame pass, either way, unless open', async () => {
      rig.run('a', 'ip', 'link', 'add', 'vip0', 'link', 'eth0', 'type', 'macvlan', 'mode', 'bridge');
      rig.run('a', 'ip', 'link', 'set', 'vip0', 'address', '02:00:00:00:09:c8');
      fence.guard([WEB, { slot: 'mac', guarded: [{ what: 'link', link: 'vip0' }] }]);
      rig.run('a', 'ip', 'link', 'set', 'vip0', 'up');
      rig.raise('a', '10.9.0.200', 24, 'vip0');
      const inside = rig.keep(openUdp(rig.network.host('a'), '10.9.0.200', PORT));
      const tap = rig.tap('a', 3, 'vip0');
      const seen = rig.tap('b', 3);
      const frame = new Uint8Array(60);
      frame.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...tap.hardwareAddress, 0x88, 0xb5]);
      const has = (): boolean => seen.poll().some((each) => each[12] === 0x88 && each[13] === 0xb5);
      const arrives = async (): Promise<boolean> => {
        const before = inside.poll().length;
        rig.run('b', 'ip', 'neigh', 'replace', '10.9.0.200', 'lladdr', '02:00:00:00:09:c8', 'dev', 'eth0');
        rig.peer4.send('to the link', '10.9.0.200', PORT);
        await rig.arrives(4);
        return inside.poll().length > before;
      };
      tap.send(frame);
      expect(await arrives()).toBe(false);
      expect(has()).toBe(false);
      openFor(LONG_MS, 'mac');
      tap.send(frame);
      expect(await arrives()).toBe(true);
      await until('the frame', has);
      fence.close('mac');
      expect(await arrives()).toBe(false);
      // Neither an agent's end nor the next one's start opens it.
      fence.abandon();
      fence = rig.on('a', () => createOf(form));
      expect(tap.send(frame) && (await arrives())).toBe(false);
      expect(await arrives()).toBe(false);
    });

    test('a link that goes while it is put under the fence is left out, and guarded when it is there again', async () => {
      const make = (): string =>
        rig.run('a', 'ip', 'link', 'add', 'eth9', 'type', 'veth', 'peer', 'name', 'peer9');
      make();
      const { watch: look } = LinkWatch.prototype as {
        watch: (this: LinkWatch, names: readonly string[]) => boolean;
      };
      // Behind the last look at links before the kernel is asked to guard them.
      let looksLeft = form === 'bpf' ? 2 : 1;
      const watching = vi.spyOn(LinkWatch.prototype, 'watch').mockImplementation(function (
        this: LinkWatch,
        names,
      ) {
        const isOther = look.call(this, names);
        if (--looksLeft === 0) rig.run('a', 'ip', 'link', 'del', 'eth9');
        return isOther;
      });
      try {
        fence.guard([WEB, { slot: 'mac', guarded: [{ what: 'link', link: 'eth9' }] }]);
      } finally {
        watching.mockRestore();
      }
      openFor(LONG_MS);
      await rig.acquaint();
      fence.check();
      told.splice(0);
      make();
      fence.check();
      expect(told.splice(0).join()).toContain('link eth9 is a new one');
      for (const link of ['eth9', 'peer9']) rig.run('a', 'ip', 'link', 'set', link, 'up');
      const [tap, seen] = [rig.tap('a', 3, 'eth9'), rig.tap('a', 3, 'peer9')];
      const frame = new Uint8Array(60);
      frame.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...tap.hardwareAddress, 0x88, 0xb5]);
      const has = (): boolean => seen.poll().some((each) => each[12] === 0x88 && each[13] === 0xb5);
      tap.send(frame);
      expect(has()).toBe(false);
      openFor(LONG_MS, 'mac');
      tap.send(frame);
      await until('the frame', has);
    });

    test('a gateway forwards into and out of its link only when open, and speaks for itself all the time', async () => {
      const far = rig.keep(createNamespace());
      rig.on('a', () => {
        const route = new NetlinkSocket(NETLINK_ROUTE);
        createVeth(route, { name: 'up0' }, { name: 'eth0', namespaceFd: far.fd });
        setLinkUp(route, findLink(route, 'up0').index, true);
        route.close();
      });
      rig.raise('a', '10.8.0.1', 24, 'up0');
      const farHost = { ...rig.network.host('b'), namespace: { ...openOwnNamespace(), fd: far.fd } };
      inNamespace(far.fd, () => {
        const route = new NetlinkSocket(NETLINK_ROUTE);
        setLinkUp(route, findLink(route, 'eth0').index, true);
        route.close();
      });
      const { spawnSync } = await import('node:child_process');
      const ip = (...words: string[]): unknown => inNamespace(far.fd, () => spawnSync('ip', words));
      ip('addr', 'add', '10.8.0.2/24', 'dev', 'eth0');
      ip('route', 'add', '10.9.0.0/24', 'via', '10.8.0.1');
      rig.run('a', 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
      rig.run('b', 'ip', 'route', 'add', '10.8.0.0/24', 'via', A4);
      const outside = rig.keep(openUdp(farHost, '10.8.0.2', PORT));
      const gateway = rig.keep(openUdp(rig.network.host('a'), '10.8.0.1', PORT));
      let turn = 0;
      const crosses = async (): Promise<string[]> => {
        const text = `across ${++turn}`;
        rig.peer4.send(text, '10.8.0.2', PORT);
        outside.send(text, B4, PORT);
        // Its own words, both ways, mark the end.
        const marker = `marker ${turn}`;
        await until('the gateway to be heard', () => {
          gateway.send(marker, '10.8.0.2', PORT);
          return outside.poll().includes(marker);
        });
        await until('the gateway to hear', () => {
          outside.send(marker, '10.8.0.1', PORT);
          return gateway.poll().includes(marker);
        });
        await rig.arrives(4);
        const own = `own ${turn}`;
        await until('the host to be heard', () => {
          rig.own4.send(own, B4, PORT);
          return rig.peer4.poll().includes(own);
        });
        return [
          ...(outside.poll().includes(text) ? ['into'] : []),
          ...(rig.peer4.poll().includes(text) ? ['out of'] : []),
        ];
      };
      await until('the way through', () => {
        rig.peer4.send('first', '10.8.0.2', PORT);
        outside.send('first', B4, PORT);
        return outside.poll().includes('first') && rig.peer4.poll().includes('first');
      });
      fence.guard([WEB, { slot: 'gate', guarded: [{ what: 'forwarding', link: 'up0' }] }]);
      expect(await crosses()).toEqual([]);
      openFor(LONG_MS, 'gate');
      expect(await crosses()).toEqual(['into', 'out of']);
      fence.close('gate');
      expect(await crosses()).toEqual([]);
    });

    test('a thousand slots are renewed, closed and run out together', async () => {
      const many = Array.from({ length: 1000 }, (_, at) => ({
        slot: `slot ${at}`,
        guarded: [address(`10.10.${at >> 8}.${at & 255}`), address(`2001:db8:a::${at.toString(16)}`)],
      }));
      fence.guard([WEB, ...many]);
      const all = (leftMs: number): void => openFor(leftMs, 'web', ...many.map(({ slot }) => slot));
      all(LONG_MS);
      await rig.acquaint();
      for (let turn = 0; turn < 3; turn++) all(LONG_MS);
      expect(['slot 0', 'slot 999', 'web'].map((slot) => fence.isOpen(slot))).toEqual([true, true, true]);
      fence.close('slot 999');
      expect(['slot 0', 'slot 999'].map((slot) => fence.isOpen(slot))).toEqual([true, false]);
      expect(await rig.passing()).toEqual(EVERYTHING);
      const endMs = end(100);
      fence.openUntil(new Map(['web', ...many.map(({ slot }) => slot)].map((slot) => [slot, endMs])));
      await until('the end', () => clocks.boottimeMs() > endMs);
      expect(await rig.passing()).toEqual([]);
      all(LONG_MS);
      expect(await rig.passing()).toEqual(EVERYTHING);
      fence.check();
    });

    test('a successor of an agent that ended finds what is guarded, closed, and opens it', async () => {
      openFor(LONG_MS);
      await rig.acquaint();
      fence.abandon();
      // Nobody closed it: its lease runs.
      expect(await rig.passing()).toEqual(EVERYTHING);
      fence = rig.on('a', () => createOf(form));
      if (form !== 'programs') {
        expect(await rig.passing()).toEqual([]);
        expect(fence.guarded).toEqual(expect.arrayContaining(WEB.guarded as unknown[]));
      }
      fence.guard([WEB]);
      expect(await rig.passing()).toEqual([]);
      openFor(LONG_MS);
      expect(await rig.passing()).toEqual(EVERYTHING);
    });
  });
}

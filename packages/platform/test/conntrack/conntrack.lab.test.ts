// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  Conntrack,
  type ConntrackEntry,
  type ConntrackEvent,
  type ConntrackEvents,
  type ConntrackFilter,
  type ConntrackListener,
  canaryEntry,
  canaryOf,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_DST_NAT,
  IPS_FIXED_TIMEOUT,
  IPS_SEEN_REPLY,
  IPS_SRC_NAT,
  mergeEntry,
  PLAIN_FLOW_WORDS,
  readConntrackSetting,
  subscribeConntrack,
  writeConntrackSetting,
} from '../../src/conntrack/index.ts';
import { createNamespace, inNamespace, type NetworkNamespace } from '../../src/namespaces/index.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '../../src/netlink/index.ts';
import { labMissing, until } from '../support/lab.ts';
import { address, masqueraded, plainUdp, various } from './entries.ts';

const missing = labMissing || whyNoConntrack();

function whyNoConntrack(): string {
  const namespace = createNamespace();
  try {
    return inNamespace(namespace.fd, () => {
      const table = new Conntrack();
      try {
        table.count();
        return '';
      } finally {
        table.close();
      }
    });
  } catch (error) {
    return `this kernel has no ctnetlink: ${String(error)}`;
  } finally {
    namespace.close();
  }
}

describe.skipIf(missing !== '')(`connection tracking ${missing}`, () => {
  const closers: (() => void)[] = [];
  let namespace: NetworkNamespace;
  let table: Conntrack;

  const open = (): Conntrack => {
    const opened = inNamespace(namespace.fd, () => new Conntrack());
    closers.push(() => opened.close());
    return opened;
  };
  beforeEach(() => {
    namespace = createNamespace();
    closers.push(() => namespace.close());
    table = open();
  });
  afterEach(() => {
    for (const close of closers.splice(0).reverse()) close();
  });

  const listed = (filter?: ConntrackFilter): ConntrackEntry[] => [...table.dump(filter)].flat();

  test('a new namespace has none', () => {
    expect([listed(), table.count(), table.find(masqueraded(1))]).toEqual([[], 0, undefined]);
  });

  test.each(various)('%s comes back as it was put in', (_, entry) => {
    expect(table.insert([entry])).toEqual([]);
    const [found, ...others] = listed();
    expect(others).toEqual([]);
    const { status, timeoutSeconds, tcp, ...rest } = found as ConntrackEntry;
    const { status: wantedStatus, timeoutSeconds: wantedSeconds, tcp: wantedTcp, ...wanted } = entry;
    expect(rest).toEqual(wanted);
    expect(status & (IPS_SEEN_REPLY | IPS_ASSURED)).toBe(wantedStatus);
    expect(status & IPS_CONFIRMED).toBe(IPS_CONFIRMED);
    expect(timeoutSeconds).toBeLessThanOrEqual(wantedSeconds);
    expect(timeoutSeconds).toBeGreaterThan(wantedSeconds - 120);
    const LIBERAL = 8;
    expect(tcp).toEqual(
      wantedTcp && {
        ...wantedTcp,
        originalFlags: wantedTcp.originalFlags | LIBERAL,
        replyFlags: wantedTcp.replyFlags | LIBERAL,
      },
    );
    expect(table.find(entry)).toEqual({ ...found, timeoutSeconds: expect.any(Number) as number });
  });

  test('what is translated is said to be', () => {
    const bits = various.map(([name, entry]) => {
      table.insert([entry]);
      return [name, (table.find(entry)?.status ?? 0) & (IPS_SRC_NAT | IPS_DST_NAT)];
    });
    expect(Object.fromEntries(bits)).toMatchObject({
      'TCP behind a masquerade': IPS_SRC_NAT,
      'UDP without an answer': 0,
      'a port forwarded to a server inside': IPS_DST_NAT,
      'IPv6 behind a masquerade': IPS_SRC_NAT,
      'both ends translated': IPS_SRC_NAT | IPS_DST_NAT,
      'a ping whose identifier is translated': IPS_SRC_NAT,
      OSPF: 0,
    });
  });

  test('strict tracking is left to who asks for it', () => {
    table.insert([masqueraded(1)], { isLiberal: false });
    expect(table.find(masqueraded(1))?.tcp?.originalFlags).toBe(3);
  });

  test('a copy may live longer than its original, if that has no fixed end', () => {
    const short = { ...plainUdp(1), timeoutSeconds: 5 };
    const fixed = { ...plainUdp(2), timeoutSeconds: 5, status: IPS_FIXED_TIMEOUT };
    const over = { ...plainUdp(3), timeoutSeconds: 0 };
    table.insert([short, fixed, plainUdp(4), over], { timeoutSecondsMin: 300 });
    const left = (entry: ConntrackEntry): number => table.find(entry)?.timeoutSeconds ?? -1;
    expect([left(short) > 100, left(fixed) <= 5, left(plainUdp(4)) > 400, left(over) > 100]).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });

  test('each refusal has the place of its entry, the others go in', () => {
    const list = Array.from({ length: 350 }, (_, n) => plainUdp(n));
    const [first, wrong] = [plainUdp(120), { ...plainUdp(999), master: masqueraded(7).original }];
    table.insert([first]);
    const failures = table.insert([...list, wrong, plainUdp(0)]);
    expect(failures.map(({ index, error }) => [index, error.code])).toEqual([
      [120, 'EEXIST'],
      [350, 'ENOENT'],
      [351, 'EEXIST'],
    ]);
    expect(table.count()).toBe(350);
    expect(() => table.insert([{ ...first, reply: { ...first.reply, source: new Uint8Array(5) } }])).toThrow(
      /addresses of 5/,
    );
    expect(() => table.remove([{ ...first, original: { ...first.original, source: address() } }])).toThrow();
    expect(table.count()).toBe(350);
  });

  test('plain flows go in as numbers, the same as their entries', () => {
    const other = address(198, 51, 100, 1);
    const { tcp } = masqueraded(1);
    const inside = 0x0a000002;
    const server = 0xc0000250;
    const words = (port: number, replyPort: number): number[] =>
      [6, inside, server, (port << 16) | 80, server, 0xc6336401, (80 << 16) | replyPort, 6, 5000].map(
        (number) => number | 0,
      );
    const TCP = (3 << 24) | (7 << 16) | (9 << 8) | 0x33;
    const numbers = new Int32Array([
      ...words(40_000, 41_000),
      TCP,
      ...[17, inside, server, (5 << 16) | 53, server, inside, (53 << 16) | 5, 2, 600, -1].map(
        (each) => each | 0,
      ),
      ...words(40_000, 42_000),
      TCP,
      ...words(40_001, 41_001),
      TCP,
    ]);
    expect(numbers.length).toBe(4 * PLAIN_FLOW_WORDS);
    const failures = table.insertPlain(numbers, 4, { timeoutSecondsMin: 900 });
    // The third is the first again.
    expect(failures.map(({ index, error }) => [index, error.code])).toEqual([[2, 'EEXIST']]);
    expect(table.insertPlain(numbers, 0)).toEqual([]);
    expect(table.count()).toBe(3);
    const [first] = listed().toSorted((a, b) => a.original.protocol - b.original.protocol);
    expect(first).toMatchObject({
      reply: { destination: other },
      mark: 0,
      tcp: { ...tcp, originalFlags: (tcp?.originalFlags ?? 0) | 8, replyFlags: (tcp?.replyFlags ?? 0) | 8 },
    });
    expect((first?.status ?? 0) & IPS_SRC_NAT).toBe(IPS_SRC_NAT);
    expect(first?.timeoutSeconds).toBeGreaterThan(4000);
    expect(listed({ protocols: [17] })[0]?.timeoutSeconds).toBeGreaterThan(800);
  });

  test('hundreds of refusals at once are all heard', () => {
    const list = Array.from({ length: 1000 }, (_, n) => plainUdp(n));
    expect(table.insert(list)).toEqual([]);
    const again = table.insert(list);
    expect(again.map(({ index }) => index)).toEqual(list.map((_, index) => index));
  });

  test('an entry is replaced, with its translation', () => {
    const before = masqueraded(40_000);
    const after = { ...before, reply: masqueraded(45_000).reply, mark: 7 };
    table.insert([before, plainUdp(1)]);
    expect(table.insert([after, plainUdp(2)], { ifExists: 'replace' })).toEqual([]);
    expect(table.find(before)).toMatchObject({ reply: after.reply, mark: 7 });
    expect(table.count()).toBe(3);
  });

  test('who has the reply of another flow goes', () => {
    const mine = masqueraded(40_000);
    const other = { ...masqueraded(41_000), reply: mine.reply };
    table.insert([other]);
    expect(table.insert([mine]).map(({ error }) => error.code)).toEqual(['EEXIST']);
    expect(table.insert([mine], { ifExists: 'replace' })).toEqual([]);
    expect(listed().map(({ original }) => original)).toEqual([mine.original]);
  });

  test('a flow finds its master in the same list, wherever it stands', () => {
    const control = masqueraded(40_000);
    const data = { ...masqueraded(40_001), master: control.original };
    expect(table.insert([data, control])).toEqual([]);
    expect(table.find(data)?.master).toEqual(control.original);
  });

  test('removing tells what was not there', () => {
    table.insert([plainUdp(1), plainUdp(2), { ...plainUdp(3), zone: 5 }]);
    const failures = table.remove([plainUdp(1), plainUdp(3), { ...plainUdp(3), zone: 5 }]);
    expect(failures.map(({ index, error }) => [index, error.code])).toEqual([[1, 'ENOENT']]);
    expect(listed().map(({ original }) => original)).toEqual([plainUdp(2).original]);
  });

  describe('a listing', () => {
    beforeEach(() => {
      table.insert(various.map(([, entry]) => entry));
    });
    const names = (filter: ConntrackFilter): string[] =>
      listed(filter)
        .map(
          (entry) =>
            various.find(([, each]) => each.mark === entry.mark && sameTuple(each, entry))?.[0] ?? '?',
        )
        .sort();
    const sameTuple = (a: ConntrackEntry, b: ConntrackEntry): boolean =>
      JSON.stringify([a.original, a.zone]) === JSON.stringify([b.original, b.zone]);

    test.each<[string, ConntrackFilter, string[]]>([
      ['family 6', { family: 6 }, ['IPv6 behind a masquerade', 'an IPv6 ping']],
      ['zone 7', { zones: [7] }, ['an SCTP association in a zone']],
      ['zones 7 and 9', { zones: [7, 9] }, ['a zone of one direction', 'an SCTP association in a zone']],
      ['a zone of one direction', { zones: [9] }, ['a zone of one direction']],
      ['a mark of nobody', { mark: { value: 43 } }, []],
      ['protocol 1', { protocols: [1] }, ['a ping whose identifier is translated']],
      [
        'a network of 15 bits',
        { addresses: [{ network: address(203, 0, 0, 0), prefix: 15 }] },
        ['a port forwarded to a server inside'],
      ],
      ['a network of nobody', { addresses: [{ network: address(203, 2, 0, 0), prefix: 15 }] }, []],
      [
        'an address that the translation put in',
        { addresses: [{ network: address(10, 0, 0, 1), prefix: 32 }], protocols: [6] },
        ['both ends translated'],
      ],
    ])('by %s', (_, filter, wanted) => {
      expect(names(filter)).toEqual(wanted);
    });
    test('by some bits of the mark', () => {
      const marked = various.filter(([, { mark }]) => (mark & 0x0f) === 0x0a).map(([name]) => name);
      expect(names({ mark: { value: 0xfa, mask: 0x0f } })).toEqual(marked.sort());
    });
    test('by no filter', () => {
      expect(names({})).toEqual(various.map(([name]) => name).sort());
    });
    test('not by a network that is none', () => {
      const wrong = { addresses: [{ network: address(10, 0, 0, 0), prefix: 33 }] };
      expect(() => listed(wrong)).toThrow(/prefix of 33/);
    });
  });

  test('of a long table stops where it is asked to, and nothing else is asked meanwhile', () => {
    const list = Array.from({ length: 3000 }, (_, n) => plainUdp(n));
    table.insert(list);
    const seen = new Set<string>();
    let pieces = 0;
    for (const piece of table.dump()) {
      pieces++;
      for (const { original } of piece) seen.add(original.source.join('.'));
      expect(() => table.count()).toThrow(/listing/);
    }
    expect([seen.size, pieces > 5]).toEqual([3000, true]);
    for (const piece of table.dump()) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    expect(table.count()).toBe(3000);
    const unread = table.dump();
    unread.next();
    table.close();
    expect(() => unread.return(undefined)).not.toThrow();
  });

  test('another namespace sees nothing of it', () => {
    table.insert([plainUdp(1)]);
    const other = createNamespace();
    closers.push(() => other.close());
    const empty = inNamespace(other.fd, () => new Conntrack());
    closers.push(() => empty.close());
    expect([empty.count(), table.count()]).toEqual([0, 1]);
  });

  test('a listing that is refused says why, and the socket goes on', () => {
    const socket = inNamespace(namespace.fd, () => new NetlinkSocket(NETLINK_NETFILTER));
    const NO_SUCH_MESSAGE = 0x1ff;
    expect(() => [...socket.dumpPieces('nothing', NO_SUCH_MESSAGE, [new Uint8Array(4)])]).toThrow(/EINVAL/);
    expect(() => socket.request('count', 0x105, 0, [new Uint8Array(4)])).not.toThrow();
    socket.close();
  });

  describe('events', () => {
    const heard: (ConntrackEvent | 'overrun')[] = [];
    beforeEach(() => {
      heard.length = 0;
    });
    const listener: ConntrackListener = {
      events: (events) => heard.push(...events),
      overrun: () => heard.push('overrun'),
      failed: (error) => {
        throw error;
      },
    };
    const subscribe = (options?: Parameters<typeof subscribeConntrack>[1]): ConntrackEvents => {
      const events = inNamespace(namespace.fd, () => subscribeConntrack(listener, options));
      closers.push(() => events.close());
      return events;
    };
    const kinds = (): string[] => heard.map((event) => (event === 'overrun' ? event : event.type));

    test('tell what comes, changes and goes, from the event loop', async () => {
      subscribe();
      table.insert([masqueraded(40_000), plainUdp(1)]);
      table.remove([masqueraded(40_000)]);
      await until('three events', () => heard.length >= 3);
      expect(kinds()).toEqual(['new', 'new', 'destroy']);
      const [first] = heard;
      expect(first === 'overrun' ? null : first?.entry).toMatchObject({
        original: masqueraded(40_000).original,
        reply: masqueraded(40_000).reply,
        mark: 42,
      });
    });

    test('of what others do only: of that alone the kernel keeps something', () => {
      const events = subscribe({ exceptPort: table.port, receiveBufferBytes: 64 * 1024 });
      const other = open();
      expect(other.port).not.toBe(table.port);
      const many = Array.from({ length: 2000 }, (_, number) => plainUdp(number));
      expect(table.insert(many)).toEqual([]);
      table.renew(many.slice(0, 10), 900);
      other.insert([masqueraded(40_000)]);
      other.renew([plainUdp(1)], 700);
      table.remove([masqueraded(40_000)]);
      other.remove([plainUdp(2)]);
      events.flush();
      expect(kinds()).toEqual(['new', 'update', 'destroy']);
      expect(heard.at(-1)).toMatchObject({ entry: { original: plainUdp(2).original } });
    });

    test('of some entries only', () => {
      const events = subscribe({ filter: { protocols: [6] } });
      table.insert([masqueraded(40_000), plainUdp(1)]);
      events.flush();
      expect(kinds()).toEqual(['new']);
    });

    test('of entries older than the subscription where the namespace equips all for it', () => {
      inNamespace(namespace.fd, () => writeConntrackSetting('nf_conntrack_events', 1));
      expect(inNamespace(namespace.fd, () => readConntrackSetting('nf_conntrack_events'))).toBe(1);
      table.insert([plainUdp(1)]);
      const events = subscribe();
      expect(events.includesOlder).toBe(true);
      table.remove([plainUdp(1)]);
      events.flush();
      expect(kinds()).toEqual(['destroy']);
    });

    test('not of those where it does not, which is said', () => {
      inNamespace(namespace.fd, () => writeConntrackSetting('nf_conntrack_events', 2));
      table.insert([plainUdp(1)]);
      const events = subscribe();
      expect(events.includesOlder).toBe(false);
      table.remove([plainUdp(1)]);
      table.insert([plainUdp(2)]);
      events.flush();
      expect(kinds()).toEqual(['new']);
    });

    test('that were lost are said to be, and those that follow come', () => {
      const events = subscribe({ receiveBufferBytes: 64 * 1024 });
      table.insert(Array.from({ length: 2000 }, (_, n) => plainUdp(n)));
      events.flush();
      // Behind all that waited: the kernel drops until that is read.
      expect(kinds().indexOf('overrun')).toBe(heard.length - 1);
      expect(heard.length).toBeLessThan(2000);
      heard.length = 0;
      table.insert([plainUdp(2000)]);
      events.flush();
      expect(kinds()).toEqual(['new']);
      // What was missed is found by listing.
      expect(listed()).toHaveLength(2001);
    });

    test('end with the subscription', () => {
      const events = subscribe();
      events.close();
      events.close();
      table.insert([plainUdp(1)]);
      events.flush();
      expect(heard).toEqual([]);
    });
  });

  test('a canary is told of as such, and neither listed nor told otherwise', () => {
    const canary = { singer: '00ff10203040506f', number: 2 ** 47 + 5 };
    const heard: unknown[] = [];
    const listener: ConntrackListener = {
      events: (all) => heard.push(...all.map(({ type, entry }) => [type, entry.original.protocol])),
      canaries: (all) => heard.push(...all),
      overrun: () => heard.push('overrun'),
      failed: (error) => heard.push(error),
    };
    const events = inNamespace(namespace.fd, () => subscribeConntrack(listener));
    closers.push(() => events.close());
    const entry = canaryEntry(canary);
    expect(table.insert([entry, plainUdp(1)])).toEqual([]);
    expect(table.count()).toBe(2);
    expect(listed().map(({ original }) => original.protocol)).toEqual([17]);
    const found = table.find(entry);
    expect([found && canaryOf(found), found && found.timeoutSeconds <= 5]).toEqual([canary, true]);
    expect(table.remove([entry])).toEqual([]);
    events.flush();
    expect(heard).toEqual([['new', 17], canary]);
    // Only both addresses and the protocol make one.
    const { original } = entry;
    for (const more of [
      { protocol: 17 },
      { source: new Uint8Array(16) },
      { destination: new Uint8Array(16) },
    ])
      expect(canaryOf({ original: { ...original, ...more } })).toBeNull();
  });

  test('time is given to entries that are there, and nothing else of them changes', () => {
    const [short, zoned] = [
      { ...masqueraded(1), timeoutSeconds: 30 },
      { ...masqueraded(2), zone: 7, timeoutSeconds: 30 },
    ];
    expect(table.insert([short, zoned])).toEqual([]);
    expect(
      table.renew([short, masqueraded(3), zoned], 600).map(({ index, error }) => [index, error.code]),
    ).toEqual([[1, 'ENOENT']]);
    for (const each of [short, zoned]) {
      const found = table.find(each);
      expect(found?.timeoutSeconds).toBeGreaterThan(590);
      expect([found?.mark, found?.tcp?.state, found?.reply]).toEqual([each.mark, 3, each.reply]);
    }
  });
});

test('an update that says part of an entry leaves the rest', () => {
  const known = { ...masqueraded(1), helper: 'ftp' };
  const said = { ...known, status: 14, mark: 0, tcp: null, helper: null };
  expect(mergeEntry(known, said)).toEqual({ ...known, status: 14, mark: 0 });
});

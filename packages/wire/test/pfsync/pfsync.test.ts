// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import {
  decodePfsync,
  encodePfsync,
  PFSYNC_ACTIONS,
  PFSYNC_ITEM_BYTES,
  type PfsyncSection,
  type PfsyncState,
} from '@vnfpool/wire/pfsync';
import { describe, expect, test } from 'vitest';
import { CHECKSUM, octetsOf, TRANSLATED, translated, VECTORS } from './vectors.ts';

describe.each(VECTORS)('$name', ({ hex, message }) => {
  test('decodes', () => {
    expect(decodePfsync(octetsOf(hex))).toEqual(message);
  });
  test('encodes', () => {
    expect(toHex(encodePfsync(message))).toBe(toHex(octetsOf(hex)));
  });
  test('every cut is noticed', () => {
    const bytes = octetsOf(hex);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodePfsync(bytes.subarray(0, length)), `${length} octets`).toThrow(WireError);
    }
  });
  test('every cut within a section is noticed, whatever the header says', () => {
    const bytes = octetsOf(hex);
    const sizes = new Set<number>();
    for (let length = 20; length < bytes.length; length++) {
      const cut = bytes.slice(0, length);
      cut.set([length >> 8, length & 0xff], 2);
      try {
        sizes.add(decodePfsync(cut).sections.length);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }
    // What is left is whole sections: as many as there are places to cut between them.
    expect(sizes.size).toBe(message.sections.length);
  });
});

test('every action has a vector', () => {
  const seen = new Set(VECTORS.flatMap(({ message }) => message.sections.map(actionOf)));
  for (const [name, action] of Object.entries(PFSYNC_ACTIONS)) expect(seen, name).toContain(action);
});

function actionOf(section: PfsyncSection): number {
  if (section.type === 'opaque') return section.action;
  return encodePfsync({ rulesChecksum: fromHex(CHECKSUM), sections: [section] })[20] ?? -1;
}

test('lengths of the items', () => {
  expect(PFSYNC_ITEM_BYTES).toEqual({
    clear: 20,
    insert: 264,
    'insert-ack': 12,
    update: 264,
    'update-compressed': 84,
    'update-request': 12,
    delete: 264,
    'delete-compressed': 12,
    'bulk-status': 12,
    tdb: 52,
    'tdb-old': 48,
  });
});

/** With these sections and a right length. */
function datagram(sections: string): Uint8Array {
  const bytes = octetsOf(`06 00 0000 ${CHECKSUM} ${sections}`);
  bytes.set([bytes.length >> 8, bytes.length & 0xff], 2);
  return bytes;
}

/** A state with other octets from `at` on. */
function stateWith(at: number, hex: string): Uint8Array {
  const bytes = datagram(`0d 42 0001 ${TRANSLATED}`);
  bytes.set(fromHex(hex), 24 + at);
  return bytes;
}

const SOCKET4 = '10 02 0000 c6336401 0000000000000000 000000000000000000000000';
const TDB_REST = '0000000000000001 0000000000000002 32 01 0000';

test.each<[string, Uint8Array, string, number]>([
  ['nothing at all', new Uint8Array(), 'short', 0],
  ['version 5', octetsOf(`05 00 0014 ${CHECKSUM}`), 'unknown', 0],
  ['an octet behind the version', octetsOf(`06 01 0014 ${CHECKSUM}`), 'value', 1],
  ['a length that is too short', octetsOf(`06 00 0013 ${CHECKSUM}`), 'length', 2],
  ['a length that is too long', octetsOf(`06 00 0018 ${CHECKSUM}`), 'length', 2],
  ['a length below the header', octetsOf('06 00 0004'), 'length', 2],
  ['65,516 octets', new Uint8Array(65_516), 'limit', 0],
  ['a subheader of three octets', datagram('02 03 00'), 'short', 22],
  ['items beyond the end', datagram('02 03 0002 0000000000000002 00000002'), 'length', 20],
  ['65,535 items beyond the end', datagram('0d ff ffff'), 'length', 20],
  ['unknown items beyond the end', datagram('20 01 0002 00000000'), 'length', 20],
  ['items without a length, as of FreeBSD', datagram('02 00 0001 0000000000000002 00000002'), 'length', 21],
  ['unknown items without a length', datagram('20 00 0001'), 'length', 21],
  ['an interface without an end', datagram(`00 05 0001 ${'61'.repeat(16)} 00000001`), 'value', 24],
  [
    'an interface with octets behind its end',
    datagram(`00 05 0001 6100 ${'61'.repeat(14)} 00000001`),
    'value',
    25,
  ],
  ['an interface with a space', datagram(`00 05 0001 6120 ${'00'.repeat(14)} 00000001`), 'value', 24],
  ['an interface that is no ASCII', datagram(`00 05 0001 c3a4 ${'00'.repeat(14)} 00000001`), 'value', 24],
  ['status 0 of a bulk update', datagram('0a 03 0001 00000001 00000005 00 000000'), 'unknown', 32],
  ['status 3 of a bulk update', datagram('0a 03 0001 00000001 00000005 03 000000'), 'unknown', 32],
  ['octets behind the status', datagram('0a 03 0001 00000001 00000005 01 000001'), 'value', 35],
  ['an update with octets at its end', datagram(`04 15 0001 ${'00'.repeat(83)}01`), 'value', 107],
  [
    'an update with octets behind a peer',
    datagram(`04 15 0001 ${'00'.repeat(39)}01${'00'.repeat(44)}`),
    'value',
    63,
  ],
  [
    'an association of family 10',
    datagram(`0f 0d 0001 00001001 1c 0a ${'00'.repeat(26)} ${TDB_REST}`),
    'value',
    28,
  ],
  [
    'an IPv4 address that says 28 octets',
    datagram(`0f 0d 0001 00001001 1c ${SOCKET4.slice(3)} ${TDB_REST}`),
    'value',
    28,
  ],
  [
    'an IPv6 address that says 16 octets',
    datagram(`0f 0d 0001 00001001 10 18 ${'00'.repeat(26)} ${TDB_REST}`),
    'value',
    28,
  ],
  [
    'octets behind an IPv4 address',
    datagram(`0f 0d 0001 00001001 ${SOCKET4.slice(0, -1)}1 ${TDB_REST}`),
    'value',
    55,
  ],
  ['a state without an end of its interface', stateWith(8, '61'.repeat(16)), 'value', 32],
  ['octets behind the IPv4 address of a key', stateWith(24 + 31, '01'), 'value', 24 + 55],
  ['a key of family 10', stateWith(24 + 38, '0a'), 'unknown', 24 + 62],
  ['an octet behind the family of a key', stateWith(64 + 39, '01'), 'value', 24 + 103],
  ['octets behind the source', stateWith(104 + 26, '01'), 'value', 24 + 130],
  ['octets behind the destination', stateWith(136 + 31, '01'), 'value', 24 + 167],
  ['a state of family 30', stateWith(250, '1e'), 'unknown', 24 + 250],
  [
    'a fault in the second section',
    datagram('02 03 0000 0a 03 0001 00000001 00000005 09 000000'),
    'unknown',
    36,
  ],
])('%s is refused', (_, bytes, code, offset) => {
  let got: unknown;
  try {
    decodePfsync(bytes);
  } catch (error) {
    got = error;
  }
  expect(got).toBeInstanceOf(WireError);
  expect(got).toMatchObject({ code, offset });
});

const insert = (wrong: Partial<PfsyncState>): PfsyncSection => ({
  type: 'insert',
  items: [{ ...translated, ...wrong }],
});
const association = {
  spi: 1,
  destination: fromHex('c6336401'),
  port: 0,
  flowInformation: 0,
  scope: null,
  replayCounter: 1n,
  bytes: 1n,
  protocol: 50,
  updates: 0,
  routingDomain: 0,
};
const opaque = { type: 'opaque', action: 32, itemBytes: 4, count: 1, octets: new Uint8Array(4) } as const;

test.each<[string, PfsyncSection, string]>([
  ['a long name of an interface', insert({ interfaceName: 'sixteen_octets.0' }), 'value'],
  ['a name with a NUL', insert({ interfaceName: 'em\0' }), 'value'],
  ['a name that is no ASCII', insert({ interfaceName: 'ä0' }), 'value'],
  ['an IPv6 address of an IPv4 key', insert({ wire: { ...translated.wire, family: 'ipv6' } }), 'length'],
  ['an IPv4 address of an open key', insert({ wire: { ...translated.wire, family: null } }), 'length'],
  ['a route of 4 octets', insert({ routeAddress: new Uint8Array(4) }), 'length'],
  ['the rule that says none', insert({ rule: 0xffffffff }), 'value'],
  ['an id of 65 bits', insert({ id: 2n ** 64n }), 'value'],
  ['a port of 17 bits', insert({ wire: { ...translated.wire, ports: [65_536, 1] } }), 'value'],
  ['half a second', insert({ expireSeconds: 0.5 }), 'value'],
  [
    'flags of 9 bits in an update',
    { type: 'update-compressed', items: [{ ...translated, stateFlags: 256 }] },
    'value',
  ],
  [
    'an address of 5 octets',
    { type: 'tdb', items: [{ ...association, destination: new Uint8Array(5) }] },
    'length',
  ],
  [
    'an IPv4 address with a scope',
    { type: 'tdb', items: [{ ...association, scope: new Uint8Array(4) }] },
    'value',
  ],
  [
    'an IPv4 address with flow information',
    { type: 'tdb', items: [{ ...association, flowInformation: 1 }] },
    'value',
  ],
  [
    'an IPv6 address without a scope',
    { type: 'tdb', items: [{ ...association, destination: new Uint8Array(16) }] },
    'missing',
  ],
  [
    'a scope of 5 octets',
    { type: 'tdb', items: [{ ...association, destination: new Uint8Array(16), scope: new Uint8Array(5) }] },
    'length',
  ],
  [
    'an old counter of 33 bits',
    { type: 'tdb-old', items: [{ ...association, replayCounter: 2n ** 32n }] },
    'value',
  ],
  ['opaque items of 6 octets', { ...opaque, itemBytes: 6, octets: new Uint8Array(6) }, 'value'],
  ['opaque items of 1,024 octets', { ...opaque, itemBytes: 1024, octets: new Uint8Array(1024) }, 'value'],
  ['opaque items of -4 octets', { ...opaque, itemBytes: -4 }, 'value'],
  ['opaque items with octets too few', { ...opaque, octets: new Uint8Array(3) }, 'length'],
  ['opaque items without a length', { ...opaque, itemBytes: 0, octets: new Uint8Array() }, 'length'],
  [
    'opaque items that are known',
    { ...opaque, action: 2, itemBytes: 12, octets: new Uint8Array(12) },
    'value',
  ],
  ['an action of 9 bits', { ...opaque, action: 256 }, 'value'],
  ['65,536 items', { ...opaque, itemBytes: 0, count: 65_536, action: 12, octets: new Uint8Array() }, 'value'],
  [
    '249 states, which no packet holds',
    { type: 'insert', items: Array.from({ length: 249 }, () => translated) },
    'limit',
  ],
])('%s: not encoded', (_, section, code) => {
  let got: unknown;
  try {
    encodePfsync({ rulesChecksum: fromHex(CHECKSUM), sections: [section] });
  } catch (error) {
    got = error;
  }
  expect(got).toBeInstanceOf(WireError);
  expect((got as WireError).code).toBe(code);
});

test('a checksum of 15 octets is not encoded', () => {
  expect(() => encodePfsync({ rulesChecksum: new Uint8Array(15), sections: [] })).toThrow(WireError);
});

test('248 states, all that a packet holds, go through', () => {
  const message = {
    rulesChecksum: fromHex(CHECKSUM),
    sections: [{ type: 'update' as const, items: Array.from({ length: 248 }, () => translated) }],
  };
  expect(decodePfsync(encodePfsync(message))).toEqual(message);
});

test('the octets of a message may stand within others', () => {
  const { hex, message } = VECTORS[2] ?? expect.fail();
  const bytes = octetsOf(hex);
  const packet = new Uint8Array(bytes.length + 40);
  packet.set(bytes, 20);
  expect(decodePfsync(packet.subarray(20, 20 + bytes.length))).toEqual(message);
});

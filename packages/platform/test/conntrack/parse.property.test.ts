// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseEntry } from '../../src/conntrack/parse.ts';
import { writeEntry } from '../../src/conntrack/request.ts';
import { NLMSG_HEADER_BYTES } from '../../src/netlink/message.ts';
import { MessageWriter } from '../../src/netlink/message-writer.ts';
import { various } from './entries.ts';

const bodies = various.map(([, entry]) => {
  const writer = new MessageWriter();
  const start = writer.beginMessage(0x100, 0, 1, 0);
  writeEntry(writer, entry, { isLiberal: true, timeoutSecondsMin: 1 });
  writer.endMessage(start);
  return writer.datagram.slice(NLMSG_HEADER_BYTES);
});

test('any octets are an entry or none, but never an exception', () => {
  const changed = fc
    .tuple(
      fc.constantFrom(...bodies),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
      fc.nat(400),
    )
    .map(([body, changes, end]) => {
      const bytes = body.slice();
      for (const [place, value] of changes) bytes[place % bytes.length] = value;
      return bytes.slice(0, end);
    });
  let entries = 0;
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), changed), (bytes) => {
      const entry = parseEntry(bytes);
      if (entry === undefined) return;
      entries++;
      expect([4, 16]).toContain(entry.original.source.length);
    }),
    { numRuns: 2000 },
  );
  expect(entries).toBeGreaterThan(100);
});

test('requests read back as the untranslated entry', () => {
  for (const [place, [name, entry]] of various.entries()) {
    const found = parseEntry(bodies[place] as Uint8Array);
    expect(found?.original, name).toEqual(entry.original);
    expect([found?.zone, found?.zoneDirection, found?.mark], name).toEqual([
      entry.zone,
      entry.zoneDirection,
      entry.mark,
    ]);
    expect(found?.reply.source, name).toEqual(entry.original.destination);
    expect(found?.reply.destination, name).toEqual(entry.original.source);
  }
});

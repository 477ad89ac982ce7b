// SPDX-License-Identifier: Apache-2.0
import type {
  PfsyncFamily,
  PfsyncItemOf,
  PfsyncItemType,
  PfsyncKey,
  PfsyncMessage,
  PfsyncSection,
  PfsyncState,
  PfsyncTdb,
} from '@vnfpool/wire/pfsync';
import { PFSYNC_ITEM_BYTES } from '@vnfpool/wire/pfsync';
import fc from 'fast-check';

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const i32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const octets = (count: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: count, maxLength: count });

const interfaceName = fc.stringMatching(/^[!-~]{0,15}$/);
const family = fc.constantFrom<PfsyncFamily>('ipv4', 'ipv6', null);
const rule = fc.option(fc.integer({ min: 0, max: 0xfffffffe }));
const stateId = fc.record({ id: u64, creatorId: u32 });

const peer = fc.record({
  scrub: fc.record({ flags: u16, ttl: u8, flag: u8, timestampModulator: u32 }),
  sequenceLow: u32,
  sequenceHigh: u32,
  sequenceDifference: u32,
  windowMax: u16,
  segmentBytesMax: u16,
  state: u8,
  windowScale: u8,
});

const key: fc.Arbitrary<PfsyncKey> = family.chain((of) => {
  const address = octets(of === 'ipv4' ? 4 : 16);
  return fc.record({
    family: fc.constant(of),
    addresses: fc.tuple(address, address),
    ports: fc.tuple(u16, u16),
    routingDomain: u16,
  });
});

const state: fc.Arbitrary<PfsyncState> = fc.record({
  id: u64,
  creatorId: u32,
  interfaceName,
  wire: key,
  stack: key,
  source: peer,
  destination: peer,
  routeAddress: octets(16),
  rule,
  anchor: rule,
  natRule: rule,
  ageSeconds: u32,
  expireSeconds: u32,
  forwardPackets: u64,
  reversePackets: u64,
  forwardBytes: u64,
  reverseBytes: u64,
  routingTables: fc.tuple(i32, i32),
  segmentBytesMax: u16,
  family,
  protocol: u8,
  direction: u8,
  log: u8,
  route: u8,
  timeout: u8,
  syncFlags: u8,
  updates: u8,
  ttlMin: u8,
  tos: u8,
  stateFlags: u16,
  priorities: fc.tuple(u8, u8),
});

function tdb(replayCounter: fc.Arbitrary<bigint>): fc.Arbitrary<PfsyncTdb> {
  const destination = fc.oneof(
    octets(4).map((address) => ({ destination: address, flowInformation: 0, scope: null })),
    fc.record({ destination: octets(16), flowInformation: u32, scope: octets(4) }),
  );
  const rest = {
    spi: u32,
    port: u16,
    replayCounter,
    bytes: u64,
    protocol: u8,
    updates: u8,
    routingDomain: u16,
  };
  return fc.tuple(destination, fc.record(rest)).map(([address, others]) => ({ ...address, ...others }));
}

const ITEMS: { readonly [Type in PfsyncItemType]: fc.Arbitrary<PfsyncItemOf[Type]> } = {
  clear: fc.record({ interfaceName, creatorId: u32 }),
  insert: state,
  'insert-ack': stateId,
  update: state,
  'update-compressed': fc.record({
    id: u64,
    creatorId: u32,
    source: peer,
    destination: peer,
    expireSeconds: u32,
    timeout: u8,
    stateFlags: u8,
  }),
  'update-request': stateId,
  delete: state,
  'delete-compressed': stateId,
  'bulk-status': fc.record({
    creatorId: u32,
    endSeconds: u32,
    status: fc.constantFrom('start' as const, 'end' as const),
  }),
  tdb: tdb(u64),
  'tdb-old': tdb(u32.map(BigInt)),
};

const KNOWN_WORDS = new Set(Object.values(PFSYNC_ITEM_BYTES).map((bytes) => bytes / 4));

const opaque = fc
  .record({ action: u8, words: fc.integer({ min: 1, max: 255 }), count: fc.nat(3) })
  // Lengths that no action has here, so that none of them is a known one.
  .filter(({ words }) => !KNOWN_WORDS.has(words))
  .chain(({ action, words, count }) =>
    octets(words * 4 * count).map((all) => ({
      type: 'opaque' as const,
      action,
      itemBytes: words * 4,
      count,
      octets: all,
    })),
  );

export const section: fc.Arbitrary<PfsyncSection> = fc.oneof(
  opaque,
  ...(Object.keys(ITEMS) as PfsyncItemType[]).map((type) =>
    fc
      .array<PfsyncItemOf[PfsyncItemType]>(ITEMS[type], { maxLength: 3 })
      .map((items) => ({ type, items }) as PfsyncSection),
  ),
);

export const message: fc.Arbitrary<PfsyncMessage> = fc.record({
  rulesChecksum: octets(16),
  sections: fc.array(section, { maxLength: 5 }),
});

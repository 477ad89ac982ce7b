// SPDX-License-Identifier: Apache-2.0
import { formatIp, parseIp } from '../parameters/ip-text.ts';
import type {
  PfsyncBulkStatus,
  PfsyncClear,
  PfsyncFamily,
  PfsyncItemOf,
  PfsyncItemType,
  PfsyncKey,
  PfsyncMessage,
  PfsyncOpaqueSection,
  PfsyncPeer,
  PfsyncPeerUpdate,
  PfsyncScrub,
  PfsyncSection,
  PfsyncState,
  PfsyncStateId,
  PfsyncTdb,
} from '../pfsync/index.ts';
import { type Field, FieldError, list, nullable, object, tagged } from './field.ts';
import { address, i32, octets, oneOf, text, u8, u16, u32, u64 } from './value-fields.ts';

/** 4 or 16 octets as an IPv4 or IPv6 address. */
const addressOctets: Field<Uint8Array> = {
  toJson: (value) => formatIp(value),
  fromJson: (value, path) => parseIp(address.fromJson(value, path)),
};

function pair<T>(item: Field<T>): Field<readonly [T, T]> {
  return {
    toJson: ([first, second]) => [item.toJson(first), item.toJson(second)],
    fromJson: (value, path) => {
      const [first, second, ...others] = list(item).fromJson(value, path);
      if (first === undefined || second === undefined || others.length > 0)
        throw new FieldError(path, 'must be a list of two');
      return [first, second];
    },
  };
}

const family: Field<PfsyncFamily> = nullable(oneOf('ipv4', 'ipv6'));

const peer = object<PfsyncPeer>({
  scrub: object<PfsyncScrub>({ flags: u16, ttl: u8, flag: u8, timestampModulator: u32 }),
  sequenceLow: u32,
  sequenceHigh: u32,
  sequenceDifference: u32,
  windowMax: u16,
  segmentBytesMax: u16,
  state: u8,
  windowScale: u8,
});

const key = object<PfsyncKey>({
  family,
  addresses: pair(addressOctets),
  ports: pair(u16),
  routingDomain: u16,
});

const stateId = object<PfsyncStateId>({ id: u64, creatorId: u32 });

const state = object<PfsyncState>({
  id: u64,
  creatorId: u32,
  interfaceName: text,
  family,
  protocol: u8,
  direction: u8,
  wire: key,
  stack: key,
  source: peer,
  destination: peer,
  ageSeconds: u32,
  expireSeconds: u32,
  forwardPackets: u64,
  reversePackets: u64,
  forwardBytes: u64,
  reverseBytes: u64,
  rule: nullable(u32),
  anchor: nullable(u32),
  natRule: nullable(u32),
  route: u8,
  routeAddress: octets,
  routingTables: pair(i32),
  segmentBytesMax: u16,
  ttlMin: u8,
  tos: u8,
  priorities: pair(u8),
  log: u8,
  timeout: u8,
  syncFlags: u8,
  updates: u8,
  stateFlags: u16,
});

const tdb = object<PfsyncTdb>({
  spi: u32,
  destination: addressOctets,
  port: u16,
  flowInformation: u32,
  scope: nullable(octets),
  replayCounter: u64,
  bytes: u64,
  protocol: u8,
  updates: u8,
  routingDomain: u16,
});

const items: { readonly [Type in PfsyncItemType]: Field<PfsyncItemOf[Type]> } = {
  clear: object<PfsyncClear>({ interfaceName: text, creatorId: u32 }),
  insert: state,
  'insert-ack': stateId,
  update: state,
  'update-compressed': object<PfsyncPeerUpdate>({
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
  'bulk-status': object<PfsyncBulkStatus>({
    creatorId: u32,
    endSeconds: u32,
    status: oneOf('start', 'end'),
  }),
  tdb,
  'tdb-old': tdb,
};

type SectionOf<Type extends PfsyncItemType> = Extract<PfsyncSection, { readonly type: Type }>;

function section<Type extends PfsyncItemType>(type: Type): Field<SectionOf<Type>> {
  const fields = { type: oneOf(type), items: list(items[type]) };
  return object(fields) as unknown as Field<SectionOf<Type>>;
}

export const pfsyncFields: Field<PfsyncMessage> = object<PfsyncMessage>({
  rulesChecksum: octets,
  sections: list(
    tagged<PfsyncSection>({
      clear: section('clear'),
      insert: section('insert'),
      'insert-ack': section('insert-ack'),
      update: section('update'),
      'update-compressed': section('update-compressed'),
      'update-request': section('update-request'),
      delete: section('delete'),
      'delete-compressed': section('delete-compressed'),
      'bulk-status': section('bulk-status'),
      tdb: section('tdb'),
      'tdb-old': section('tdb-old'),
      opaque: object<PfsyncOpaqueSection>({
        type: oneOf('opaque'),
        action: u8,
        itemBytes: u16,
        count: u16,
        octets,
      }),
    }),
  ),
});

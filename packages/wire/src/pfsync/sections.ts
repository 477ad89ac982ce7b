// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, WireError } from '../bytes/index.ts';
import {
  BULK_STATUS_BYTES,
  CLEAR_BYTES,
  OLD_TDB_BYTES,
  PEER_UPDATE_BYTES,
  readBulkStatus,
  readClear,
  readOldTdb,
  readPeerUpdate,
  readStateId,
  readTdb,
  STATE_ID_BYTES,
  TDB_BYTES,
  writeBulkStatus,
  writeClear,
  writeOldTdb,
  writePeerUpdate,
  writeStateId,
  writeTdb,
} from './item-codec.ts';
import type { PfsyncItemOf, PfsyncItemType, PfsyncOpaqueSection, PfsyncSection } from './messages.ts';
import { readState, STATE_BYTES, writeState } from './state-codec.ts';

/** What a section's items ask for. 1, 3 and 11 are of old releases, 8 and 9 were never used, 12 ended a datagram once. */
export const PFSYNC_ACTIONS = {
  CLR: 0,
  OLD_INS: 1,
  INS_ACK: 2,
  OLD_UPD: 3,
  UPD_C: 4,
  UPD_REQ: 5,
  DEL: 6,
  DEL_C: 7,
  INS_F: 8,
  DEL_F: 9,
  BUS: 10,
  OLD_TDB: 11,
  EOF: 12,
  INS: 13,
  UPD: 14,
  TDB: 15,
} as const;

/** An item's length counts these. */
const WORD_BYTES = 4;
const WORDS_MAX = 0xff;

interface Layout<Item> {
  readonly action: number;
  readonly itemBytes: number;
  readonly read: (reader: ByteReader) => Item;
  readonly write: (writer: ByteWriter, item: Item) => void;
}

const state = { itemBytes: STATE_BYTES, read: readState, write: writeState };
const stateId = { itemBytes: STATE_ID_BYTES, read: readStateId, write: writeStateId };

const LAYOUTS: { readonly [Type in PfsyncItemType]: Layout<PfsyncItemOf[Type]> } = {
  clear: { action: PFSYNC_ACTIONS.CLR, itemBytes: CLEAR_BYTES, read: readClear, write: writeClear },
  insert: { action: PFSYNC_ACTIONS.INS, ...state },
  'insert-ack': { action: PFSYNC_ACTIONS.INS_ACK, ...stateId },
  update: { action: PFSYNC_ACTIONS.UPD, ...state },
  'update-compressed': {
    action: PFSYNC_ACTIONS.UPD_C,
    itemBytes: PEER_UPDATE_BYTES,
    read: readPeerUpdate,
    write: writePeerUpdate,
  },
  'update-request': { action: PFSYNC_ACTIONS.UPD_REQ, ...stateId },
  delete: { action: PFSYNC_ACTIONS.DEL, ...state },
  'delete-compressed': { action: PFSYNC_ACTIONS.DEL_C, ...stateId },
  'bulk-status': {
    action: PFSYNC_ACTIONS.BUS,
    itemBytes: BULK_STATUS_BYTES,
    read: readBulkStatus,
    write: writeBulkStatus,
  },
  tdb: { action: PFSYNC_ACTIONS.TDB, itemBytes: TDB_BYTES, read: readTdb, write: writeTdb },
  'tdb-old': {
    action: PFSYNC_ACTIONS.OLD_TDB,
    itemBytes: OLD_TDB_BYTES,
    read: readOldTdb,
    write: writeOldTdb,
  },
};

const TYPES = Object.keys(LAYOUTS) as readonly PfsyncItemType[];
const TYPE_OF_ACTION: ReadonlyMap<number, PfsyncItemType> = new Map(
  TYPES.map((type) => [LAYOUTS[type].action, type] as const),
);

/** Octets of an item of each type. */
export const PFSYNC_ITEM_BYTES: Readonly<Record<PfsyncItemType, number>> = Object.fromEntries(
  TYPES.map((type) => [type, LAYOUTS[type].itemBytes] as const),
) as Record<PfsyncItemType, number>;

/** The type of items of this action and length; undefined: not known here. */
function typeOf(action: number, itemBytes: number): PfsyncItemType | undefined {
  const type = TYPE_OF_ACTION.get(action);
  return type !== undefined && LAYOUTS[type].itemBytes === itemBytes ? type : undefined;
}

/** Action 8, words of an item 8, count 16, items. Octets of an opaque section share memory with the input. */
export function readSection(reader: ByteReader): PfsyncSection {
  const { offset } = reader;
  const action = reader.u8();
  const itemBytes = reader.u8() * WORD_BYTES;
  const count = reader.u16();
  expectLength(offset, action, itemBytes, count);
  if (itemBytes * count > reader.remaining) {
    const about = `${count} items of ${itemBytes} octets, ${reader.remaining} are left`;
    throw new WireError('length', offset, about);
  }
  const items = reader.sub(itemBytes * count);
  const type = typeOf(action, itemBytes);
  if (type === undefined) return { type: 'opaque', action, itemBytes, count, octets: items.rest() };
  const { read } = LAYOUTS[type];
  return { type, items: Array.from({ length: count }, () => read(items)) } as PfsyncSection;
}

/** Items without a length cannot be passed over. FreeBSD writes so; what ended a datagram once has no items. */
function expectLength(offset: number, action: number, itemBytes: number, count: number): void {
  if (itemBytes === 0 && count > 0 && action !== PFSYNC_ACTIONS.EOF)
    throw new WireError('length', offset + 1, `${count} items of action ${action} without a length`);
}

export function writeSection(writer: ByteWriter, section: PfsyncSection): void {
  if (section.type === 'opaque') writeOpaque(writer, section);
  else writeItems(writer, section);
}

function writeItems<Type extends PfsyncItemType>(
  writer: ByteWriter,
  { type, items }: { readonly type: Type; readonly items: readonly PfsyncItemOf[Type][] },
): void {
  const { action, itemBytes, write } = LAYOUTS[type];
  writer
    .u8(action)
    .u8(itemBytes / WORD_BYTES)
    .u16(items.length);
  for (const item of items) write(writer, item);
}

function writeOpaque(writer: ByteWriter, section: PfsyncOpaqueSection): void {
  const { action, itemBytes, count, octets } = section;
  const { length: offset } = writer;
  const words = itemBytes / WORD_BYTES;
  if (!Number.isInteger(words) || words < 0 || words > WORDS_MAX)
    throw new WireError('value', offset, `opaque items of ${itemBytes} octets`);
  if (octets.length !== itemBytes * count) {
    const about = `${octets.length} octets of ${count} opaque items of ${itemBytes}`;
    throw new WireError('length', offset, about);
  }
  expectLength(offset, action, itemBytes, count);
  const type = typeOf(action, itemBytes);
  if (type !== undefined) throw new WireError('value', offset, `opaque items that are of type ${type}`);
  writer.u8(action).u8(words).u16(count).bytes(octets);
}

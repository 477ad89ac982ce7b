// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, WireError } from '../bytes/index.ts';
import { RENEWALS_MAX, type RenewedMany, type RenewMany } from './messages.ts';
import { readHex64, readRound, writeHex64, writeRound } from './value-codec.ts';

/*
 * Renewals of many slots in one message. With a thousand slots these are nearly all that is spoken.
 *
 * renew-many:   serial (32), number of slots (8), then for each its id (64) and round (40)
 * renewed-many: serial (32), asker's incarnation (64), number of slots (8), then a bit for each, the first one highest
 */

export function writeRenewals(writer: ByteWriter, { serial, renewals }: RenewMany): void {
  writer.u32(serial);
  writeCount(writer, renewals.length);
  for (const { slot, round } of renewals) {
    writeHex64(writer, slot);
    writeRound(writer, round);
  }
}

/** Octets of the whole message, its type and length included. */
export function renewalsLength({ renewals }: RenewMany): number {
  return 8 + 13 * renewals.length;
}

export function readRenewals(reader: ByteReader): RenewMany {
  const serial = reader.u32();
  const count = readCount(reader);
  const renewals = Array.from({ length: count }, () => ({
    slot: readHex64(reader),
    round: readRound(reader),
  }));
  return { type: 'renew-many', serial, renewals };
}

export function writeRenewed(writer: ByteWriter, { serial, incarnation, renewed }: RenewedMany): void {
  writer.u32(serial).u64(incarnation);
  writeCount(writer, renewed.length);
  for (let at = 0; at < renewed.length; at += 8) {
    let octet = 0;
    for (let bit = 0; bit < 8; bit++) if (renewed[at + bit] === true) octet |= 0x80 >> bit;
    writer.u8(octet);
  }
}

export function readRenewed(reader: ByteReader): RenewedMany {
  const serial = reader.u32();
  const incarnation = reader.u64();
  const count = readCount(reader);
  const renewed: boolean[] = [];
  while (renewed.length < count) {
    const { offset } = reader;
    const octet = reader.u8();
    for (let bit = 0; bit < 8; bit++) {
      const isSet = (octet & (0x80 >> bit)) !== 0;
      if (renewed.length < count) renewed.push(isSet);
      else if (isSet) throw new WireError('value', offset, 'a bit behind the last slot');
    }
  }
  return { type: 'renewed-many', serial, incarnation, renewed };
}

function writeCount(writer: ByteWriter, count: number): void {
  if (count < 1 || count > RENEWALS_MAX) throw new WireError('limit', writer.length, `${count} renewals`);
  writer.u8(count);
}

function readCount(reader: ByteReader): number {
  const { offset } = reader;
  const count = reader.u8();
  if (count < 1 || count > RENEWALS_MAX) throw new WireError('limit', offset, `${count} renewals`);
  return count;
}

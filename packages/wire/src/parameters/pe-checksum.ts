// SPDX-License-Identifier: Apache-2.0
import type { ByteWriter } from '../bytes/index.ts';
import { decodeTlv, PARAMETER, type Tlv, writeTlv } from './tlv.ts';

/** 16-bit sum over all elements of one registrar. @see RFC 5354 §3.15 */
export function readPeChecksum(tlv: Tlv): number {
  return decodeTlv(tlv, (value) => value.u16());
}

export function writePeChecksum(writer: ByteWriter, checksum: number): void {
  writeTlv(writer, PARAMETER.peChecksum, () => writer.u16(checksum));
}

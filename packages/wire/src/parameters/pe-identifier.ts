// SPDX-License-Identifier: Apache-2.0
import type { ByteWriter } from '../bytes/index.ts';
import { decodeTlv, PARAMETER, type Tlv, writeTlv } from './tlv.ts';

/** @see RFC 5354 §3.14 */
export function readPeIdentifier(tlv: Tlv): number {
  return decodeTlv(tlv, (value) => value.u32());
}

export function writePeIdentifier(writer: ByteWriter, id: number): void {
  writeTlv(writer, PARAMETER.peIdentifier, () => writer.u32(id));
}

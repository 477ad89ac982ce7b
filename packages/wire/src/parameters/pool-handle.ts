// SPDX-License-Identifier: Apache-2.0
import type { ByteWriter } from '../bytes/index.ts';
import { beginTlv, decodeTlv, endTlv, PARAMETER, type Tlv } from './tlv.ts';

/** Reads a Pool Handle: arbitrary octets, neither text nor terminated. Shares memory. @see RFC 5354 §3.9 */
export function readPoolHandle(tlv: Tlv): Uint8Array {
  return decodeTlv(tlv, (value) => value.rest());
}

export function writePoolHandle(writer: ByteWriter, handle: Uint8Array): void {
  const start = beginTlv(writer, PARAMETER.poolHandle);
  writer.bytes(handle);
  endTlv(writer, start);
}

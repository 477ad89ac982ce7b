// SPDX-License-Identifier: Apache-2.0
import type { ByteWriter } from '../bytes/index.ts';
import { decodeTlv, PARAMETER, type Tlv, writeTlv } from './tlv.ts';

/** Reads a Cookie: opaque to everyone but its pool. Shares memory. @see RFC 5354 §3.13 */
export function readCookie(tlv: Tlv): Uint8Array {
  return decodeTlv(tlv, (value) => value.rest());
}

export function writeCookie(writer: ByteWriter, cookie: Uint8Array): void {
  writeTlv(writer, PARAMETER.cookie, () => writer.bytes(cookie));
}

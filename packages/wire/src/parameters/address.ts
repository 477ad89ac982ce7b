// SPDX-License-Identifier: Apache-2.0
import type { ByteWriter } from '../bytes/index.ts';
import { formatIp, type IpText, ipv4Number, parseIp } from './ip-text.ts';
import { beginTlv, decodeTlv, endTlv, invalid, PARAMETER, type Tlv } from './tlv.ts';

/** Reads an IPv4 or IPv6 Address parameter. @see RFC 5354 §3.1, §3.2 */
export function readAddress(tlv: Tlv): IpText {
  return decodeTlv(tlv, (value) => {
    const size = tlv.type === PARAMETER.ipv4Address ? 4 : 16;
    if (value.remaining !== size)
      throw invalid('length', tlv.offset, `address of ${value.remaining} octets`, tlv.whole);
    return formatIp(value.bytes(size));
  });
}

/** Writes an IPv4 or IPv6 Address parameter, as the text says. */
export function writeAddress(writer: ByteWriter, address: IpText): void {
  const ipv4 = ipv4Number(address);
  const octets = ipv4 === undefined ? parseIp(address) : undefined;
  const start = beginTlv(writer, octets === undefined ? PARAMETER.ipv4Address : PARAMETER.ipv6Address);
  if (ipv4 !== undefined) writer.u32(ipv4);
  else if (octets !== undefined) writer.bytes(octets);
  endTlv(writer, start);
}

export function isAddress(tlv: Tlv): boolean {
  return tlv.type === PARAMETER.ipv4Address || tlv.type === PARAMETER.ipv6Address;
}

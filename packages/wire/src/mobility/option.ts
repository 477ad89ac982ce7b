// SPDX-License-Identifier: Apache-2.0
import { type ByteWriter, WireError } from '../bytes/index.ts';

/** OP-Types: the first octet of an option. */
export const OpType = {
  ipv4Address: 1,
  ipv6Address: 2,
  port: 3,
  nodeId: 4,
  functionId: 5,
  nodeInformation: 6,
  functionInformation: 7,
  sessionInformation: 8,
  vendor: 9,
} as const;

/** Sub-OP-Types of vendor-specific information. */
export const VendorSubType = { text: 1, extension: 255 } as const;

/** Type, Sub-Type and Length of an option; no padding follows its value. */
export const OPTION_HEADER_BYTES = 4;

/** Writes an option around what `value` writes. */
export function writeOption(
  writer: ByteWriter,
  opType: number,
  subType: number,
  value?: (writer: ByteWriter) => void,
): void {
  writer.u8(opType).u8(subType);
  const lengthAt = writer.length;
  writer.u16(0);
  value?.(writer);
  const length = writer.length - lengthAt - 2;
  if (length > 0xffff) throw new WireError('limit', lengthAt, `option of ${length} octets`);
  writer.patchU16(lengthAt, length);
}

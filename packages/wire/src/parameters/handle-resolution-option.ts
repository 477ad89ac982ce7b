// SPDX-License-Identifier: Apache-2.0
import type { ByteWriter } from '../bytes/index.ts';
import { decodeTlv, PARAMETER, type Tlv, writeTlv } from './tlv.ts';

/** How many elements are wanted: 0 is the registrar's own limit, 0xffffffff as many as possible. @see draft-dreibholz-rserpool-asap-hropt */
export function readHandleResolutionOption(tlv: Tlv): number {
  return decodeTlv(tlv, (value) => value.u32());
}

export function writeHandleResolutionOption(writer: ByteWriter, items: number): void {
  writeTlv(writer, PARAMETER.handleResolutionOption, () => writer.u32(items));
}

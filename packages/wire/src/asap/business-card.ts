// SPDX-License-Identifier: Apache-2.0

import type { MessageCodec } from '../message/message-codec.ts';
import { type PoolElement, readPoolElement, writePoolElement } from '../parameters/pool-element.ts';
import { writePoolHandle } from '../parameters/pool-handle.ts';
import { invalid, PARAMETER } from '../parameters/tlv.ts';

/** ASAP_BUSINESS_CARD, between the ends of a session: my pool, and who should stand in for me. @see RFC 5352 §2.2.13 */
export interface BusinessCard {
  readonly type: 'business-card';
  readonly poolHandle: Uint8Array;
  /** At least one, in the recommended order. */
  readonly elements: readonly PoolElement[];
}

export const businessCard: MessageCodec<BusinessCard> = {
  code: 0x0d,
  write(writer, { poolHandle, elements }) {
    writePoolHandle(writer, poolHandle);
    for (const element of elements) writePoolElement(writer, element);
  },
  read(body) {
    const poolHandle = body.poolHandle();
    const tlvs = body.tlvs.filter((tlv) => tlv.type === PARAMETER.poolElement);
    if (tlvs.length === 0)
      throw invalid('missing', 0, 'business card without pool element', new Uint8Array(0));
    return {
      type: 'business-card',
      poolHandle,
      elements: tlvs.map((tlv) => readPoolElement(tlv, body.unrecognized)),
    };
  },
};

// SPDX-License-Identifier: Apache-2.0

import type { MessageCodec } from '../message/message-codec.ts';
import { type PoolElement, readPoolElement, writePoolElement } from '../parameters/pool-element.ts';
import { writePoolHandle } from '../parameters/pool-handle.ts';
import { PARAMETER } from '../parameters/tlv.ts';

/** ASAP_REGISTRATION, pool element → registrar: put me into this pool. @see RFC 5352 §2.2.1 */
export interface Registration {
  readonly type: 'registration';
  readonly poolHandle: Uint8Array;
  readonly element: PoolElement;
}

export const registration: MessageCodec<Registration> = {
  code: 0x01,
  write(writer, { poolHandle, element }) {
    writePoolHandle(writer, poolHandle);
    writePoolElement(writer, element);
  },
  read(body) {
    const poolHandle = body.poolHandle();
    const element = readPoolElement(body.mandatory(PARAMETER.poolElement), body.unrecognized);
    return { type: 'registration', poolHandle, element };
  },
};

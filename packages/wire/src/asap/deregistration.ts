// SPDX-License-Identifier: Apache-2.0

import type { MessageCodec } from '../message/message-codec.ts';
import { writePeIdentifier } from '../parameters/pe-identifier.ts';
import { writePoolHandle } from '../parameters/pool-handle.ts';

/** ASAP_DEREGISTRATION, pool element → registrar: take me out of this pool. @see RFC 5352 §2.2.2 */
export interface Deregistration {
  readonly type: 'deregistration';
  readonly poolHandle: Uint8Array;
  readonly elementId: number;
}

export const deregistration: MessageCodec<Deregistration> = {
  code: 0x02,
  write(writer, { poolHandle, elementId }) {
    writePoolHandle(writer, poolHandle);
    writePeIdentifier(writer, elementId);
  },
  read(body) {
    return { type: 'deregistration', poolHandle: body.poolHandle(), elementId: body.elementId() };
  },
};

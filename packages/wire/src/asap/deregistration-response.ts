// SPDX-License-Identifier: Apache-2.0

import type { MessageCodec } from '../message/message-codec.ts';
import { writeOperationError } from '../parameters/operation-error.ts';
import { writePeIdentifier } from '../parameters/pe-identifier.ts';
import { writePoolHandle } from '../parameters/pool-handle.ts';
import type { ErrorCause } from '../parameters/tlv.ts';

/**
 * ASAP_DEREGISTRATION_RESPONSE, registrar → pool element: the answer, or unasked when the registration life
 * ran out. There is no flag: it is a rejection exactly when there are causes.
 * @see RFC 5352 §2.2.4
 */
export interface DeregistrationResponse {
  readonly type: 'deregistration-response';
  readonly poolHandle: Uint8Array;
  readonly elementId: number;
  readonly causes: readonly ErrorCause[];
}

export const deregistrationResponse: MessageCodec<DeregistrationResponse> = {
  code: 0x04,
  write(writer, { poolHandle, elementId, causes }) {
    writePoolHandle(writer, poolHandle);
    writePeIdentifier(writer, elementId);
    if (causes.length > 0) writeOperationError(writer, causes);
  },
  read(body) {
    return {
      type: 'deregistration-response',
      poolHandle: body.poolHandle(),
      elementId: body.elementId(),
      causes: body.causes(),
    };
  },
};

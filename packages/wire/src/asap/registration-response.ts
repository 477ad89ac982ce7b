// SPDX-License-Identifier: Apache-2.0

import type { MessageCodec } from '../message/message-codec.ts';
import { writeOperationError } from '../parameters/operation-error.ts';
import { writePeIdentifier } from '../parameters/pe-identifier.ts';
import { writePoolHandle } from '../parameters/pool-handle.ts';
import type { ErrorCause } from '../parameters/tlv.ts';

/** ASAP_REGISTRATION_RESPONSE, registrar → pool element. @see RFC 5352 §2.2.3 */
export interface RegistrationResponse {
  readonly type: 'registration-response';
  readonly rejected: boolean;
  readonly poolHandle: Uint8Array;
  readonly elementId: number;
  /** Why it was rejected; of an accepted one: warnings, values were changed. */
  readonly causes: readonly ErrorCause[];
}

const REJECTED = 0x01;

export const registrationResponse: MessageCodec<RegistrationResponse> = {
  code: 0x03,
  flags: ({ rejected }) => (rejected ? REJECTED : 0),
  write(writer, { poolHandle, elementId, causes }) {
    writePoolHandle(writer, poolHandle);
    writePeIdentifier(writer, elementId);
    if (causes.length > 0) writeOperationError(writer, causes);
  },
  read(body) {
    return {
      type: 'registration-response',
      rejected: (body.flags & REJECTED) !== 0,
      poolHandle: body.poolHandle(),
      elementId: body.elementId(),
      causes: body.causes(),
    };
  },
};

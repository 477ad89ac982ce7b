// SPDX-License-Identifier: Apache-2.0
import type { MessageCodec } from '../message/message-codec.ts';
import { readOperationError, writeOperationError } from '../parameters/operation-error.ts';
import { type ErrorCause, PARAMETER } from '../parameters/tlv.ts';
import { type EnrpHeader, readHeader, writeHeader } from './header.ts';

/** ENRP_ERROR, registrar → registrar: what was wrong with a message. Never answered by another one. @see RFC 5353 §2.10 */
export interface EnrpError extends EnrpHeader {
  readonly type: 'error';
  /** At least one. */
  readonly causes: readonly ErrorCause[];
}

export const error: MessageCodec<EnrpError> = {
  code: 0x0a,
  write(writer, message) {
    writeHeader(writer, message);
    writeOperationError(writer, message.causes);
  },
  read(body) {
    const header = readHeader(body);
    return {
      type: 'error',
      ...header,
      causes: readOperationError(body.mandatory(PARAMETER.operationError)),
    };
  },
};

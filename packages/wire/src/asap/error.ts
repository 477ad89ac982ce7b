// SPDX-License-Identifier: Apache-2.0

import type { MessageCodec } from '../message/message-codec.ts';
import { readOperationError, writeOperationError } from '../parameters/operation-error.ts';
import { type ErrorCause, PARAMETER } from '../parameters/tlv.ts';

/** ASAP_ERROR, from anyone: what was wrong with a message. Never answered by another one. @see RFC 5352 §2.2.14 */
export interface AsapError {
  readonly type: 'error';
  /** At least one. */
  readonly causes: readonly ErrorCause[];
}

export const error: MessageCodec<AsapError> = {
  code: 0x0e,
  write(writer, { causes }) {
    writeOperationError(writer, causes);
  },
  read: (body) => ({ type: 'error', causes: readOperationError(body.mandatory(PARAMETER.operationError)) }),
};

// SPDX-License-Identifier: Apache-2.0

import type { MessageCodec } from '../message/message-codec.ts';
import { writeOperationError } from '../parameters/operation-error.ts';
import { type Policy, readPolicy, writePolicy } from '../parameters/policy.ts';
import { type PoolElement, readPoolElement, writePoolElement } from '../parameters/pool-element.ts';
import { writePoolHandle } from '../parameters/pool-handle.ts';
import { type ErrorCause, invalid, PARAMETER } from '../parameters/tlv.ts';

/**
 * ASAP_HANDLE_RESOLUTION_RESPONSE, registrar → pool user or element. Positive: elements and no causes;
 * negative: causes, neither policy nor elements.
 * @see RFC 5352 §2.2.6
 */
export interface HandleResolutionResponse {
  readonly type: 'handle-resolution-response';
  /** A: changes will be told. Means something only as the answer to S. */
  readonly updatesAccepted: boolean;
  readonly poolHandle: Uint8Array;
  /** The pool's policy: its type counts, its values mean nothing. Absent: round robin. */
  readonly policy?: Policy;
  /** In the registrar's order. */
  readonly elements: readonly PoolElement[];
  readonly causes: readonly ErrorCause[];
}

const UPDATES_ACCEPTED = 0x01;

export const handleResolutionResponse: MessageCodec<HandleResolutionResponse> = {
  code: 0x06,
  flags: ({ updatesAccepted }) => (updatesAccepted ? UPDATES_ACCEPTED : 0),
  write(writer, { poolHandle, policy, elements, causes }) {
    writePoolHandle(writer, poolHandle);
    if (policy !== undefined) writePolicy(writer, policy);
    for (const element of elements) writePoolElement(writer, element);
    if (causes.length > 0) writeOperationError(writer, causes);
  },
  read(body) {
    const poolHandle = body.poolHandle();
    const causes = body.causes();
    const elements = body.tlvs
      .filter((tlv) => tlv.type === PARAMETER.poolElement)
      .map((tlv) => readPoolElement(tlv, body.unrecognized));
    const policy = body.optional(PARAMETER.policy);
    if (causes.length === 0 && elements.length === 0) {
      throw invalid('missing', 0, 'neither pool elements nor an error', new Uint8Array(0));
    }
    const updatesAccepted = (body.flags & UPDATES_ACCEPTED) !== 0;
    const message = {
      type: 'handle-resolution-response',
      updatesAccepted,
      poolHandle,
      elements,
      causes,
    } as const;
    return policy === undefined ? message : { ...message, policy: readPolicy(policy) };
  },
};

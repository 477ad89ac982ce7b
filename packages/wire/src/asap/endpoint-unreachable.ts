// SPDX-License-Identifier: Apache-2.0

import type { MessageCodec } from '../message/message-codec.ts';
import { writePeIdentifier } from '../parameters/pe-identifier.ts';
import { writePoolHandle } from '../parameters/pool-handle.ts';

/** ASAP_ENDPOINT_UNREACHABLE, pool user or element → registrar: I could not reach this one. @see RFC 5352 §2.2.9 */
export interface EndpointUnreachable {
  readonly type: 'endpoint-unreachable';
  readonly poolHandle: Uint8Array;
  readonly elementId: number;
}

export const endpointUnreachable: MessageCodec<EndpointUnreachable> = {
  code: 0x09,
  write(writer, { poolHandle, elementId }) {
    writePoolHandle(writer, poolHandle);
    writePeIdentifier(writer, elementId);
  },
  read(body) {
    return { type: 'endpoint-unreachable', poolHandle: body.poolHandle(), elementId: body.elementId() };
  },
};

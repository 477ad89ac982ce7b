// SPDX-License-Identifier: Apache-2.0

import type { MessageCodec } from '../message/message-codec.ts';
import { writePeIdentifier } from '../parameters/pe-identifier.ts';
import { writePoolHandle } from '../parameters/pool-handle.ts';

/** ASAP_ENDPOINT_KEEP_ALIVE_ACK, pool element → registrar: I am here. @see RFC 5352 §2.2.8 */
export interface EndpointKeepAliveAck {
  readonly type: 'endpoint-keep-alive-ack';
  readonly poolHandle: Uint8Array;
  readonly elementId: number;
}

export const endpointKeepAliveAck: MessageCodec<EndpointKeepAliveAck> = {
  code: 0x08,
  write(writer, { poolHandle, elementId }) {
    writePoolHandle(writer, poolHandle);
    writePeIdentifier(writer, elementId);
  },
  read(body) {
    return { type: 'endpoint-keep-alive-ack', poolHandle: body.poolHandle(), elementId: body.elementId() };
  },
};

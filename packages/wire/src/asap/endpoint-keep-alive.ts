// SPDX-License-Identifier: Apache-2.0

import type { MessageCodec } from '../message/message-codec.ts';
import { readPeIdentifier, writePeIdentifier } from '../parameters/pe-identifier.ts';
import { writePoolHandle } from '../parameters/pool-handle.ts';
import { PARAMETER } from '../parameters/tlv.ts';

/** ASAP_ENDPOINT_KEEP_ALIVE, registrar → pool element: are you there? @see RFC 5352 §2.2.7 */
export interface EndpointKeepAlive {
  readonly type: 'endpoint-keep-alive';
  /** H: I am your home registrar now. */
  readonly becomeHome: boolean;
  readonly registrarId: number;
  readonly poolHandle: Uint8Array;
  /** An extension of rsplib; without it every element of the pool at that endpoint is meant. */
  readonly elementId?: number;
}

const BECOME_HOME = 0x01;

export const endpointKeepAlive: MessageCodec<EndpointKeepAlive> = {
  code: 0x07,
  flags: ({ becomeHome }) => (becomeHome ? BECOME_HOME : 0),
  write(writer, { registrarId, poolHandle, elementId }) {
    writer.u32(registrarId);
    writePoolHandle(writer, poolHandle);
    if (elementId !== undefined) writePeIdentifier(writer, elementId);
  },
  read(body) {
    const registrarId = body.u32();
    const poolHandle = body.poolHandle();
    const element = body.optional(PARAMETER.peIdentifier);
    const becomeHome = (body.flags & BECOME_HOME) !== 0;
    const message = { type: 'endpoint-keep-alive', becomeHome, registrarId, poolHandle } as const;
    return element === undefined ? message : { ...message, elementId: readPeIdentifier(element) };
  },
};

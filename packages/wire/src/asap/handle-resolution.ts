// SPDX-License-Identifier: Apache-2.0

import type { MessageCodec } from '../message/message-codec.ts';
import {
  readHandleResolutionOption,
  writeHandleResolutionOption,
} from '../parameters/handle-resolution-option.ts';
import { writePoolHandle } from '../parameters/pool-handle.ts';
import { PARAMETER } from '../parameters/tlv.ts';

/** ASAP_HANDLE_RESOLUTION, pool user or element → registrar: who is in this pool? @see RFC 5352 §2.2.5 */
export interface HandleResolution {
  readonly type: 'handle-resolution';
  /** S: go on telling me of changes. */
  readonly sendUpdates: boolean;
  readonly poolHandle: Uint8Array;
  /** How many elements are wanted at most; absent or 0: as the registrar likes; 0xffffffff: all it will give. */
  readonly items?: number;
}

const SEND_UPDATES = 0x01;

export const handleResolution: MessageCodec<HandleResolution> = {
  code: 0x05,
  flags: ({ sendUpdates }) => (sendUpdates ? SEND_UPDATES : 0),
  write(writer, { poolHandle, items }) {
    writePoolHandle(writer, poolHandle);
    if (items !== undefined) writeHandleResolutionOption(writer, items);
  },
  read(body) {
    const poolHandle = body.poolHandle();
    const option = body.optional(PARAMETER.handleResolutionOption);
    const sendUpdates = (body.flags & SEND_UPDATES) !== 0;
    const message = { type: 'handle-resolution', sendUpdates, poolHandle } as const;
    return option === undefined ? message : { ...message, items: readHandleResolutionOption(option) };
  },
};

// SPDX-License-Identifier: Apache-2.0
import type { MessageCodec } from '../message/message-codec.ts';
import { type PoolElement, readPoolElement, writePoolElement } from '../parameters/pool-element.ts';
import { writePoolHandle } from '../parameters/pool-handle.ts';
import { invalid, PARAMETER } from '../parameters/tlv.ts';
import { type EnrpHeader, readHeader, writeHeader } from './header.ts';

/** ENRP_HANDLE_UPDATE, home registrar → registrars: an element came, changed or went. @see RFC 5353 §2.4 */
export interface HandleUpdate extends EnrpHeader {
  readonly type: 'handle-update';
  /** T: the receiver should take this element over. @see draft-dreibholz-rserpool-enrp-takeover */
  readonly takeoverSuggested: boolean;
  /** `add` also replaces. */
  readonly action: 'add' | 'delete';
  readonly poolHandle: Uint8Array;
  /** Complete, with `delete` too. */
  readonly element: PoolElement;
}

const TAKEOVER_SUGGESTED = 0x01;
const ACTIONS = ['add', 'delete'] as const;

export const handleUpdate: MessageCodec<HandleUpdate> = {
  code: 0x04,
  flags: ({ takeoverSuggested }) => (takeoverSuggested ? TAKEOVER_SUGGESTED : 0),
  write(writer, message) {
    writeHeader(writer, message);
    writer.u16(ACTIONS.indexOf(message.action)).u16(0);
    writePoolHandle(writer, message.poolHandle);
    writePoolElement(writer, message.element);
  },
  read(body) {
    const header = readHeader(body);
    const code = body.u16();
    body.u16();
    const action = ACTIONS[code];
    if (action === undefined)
      throw invalid('value', ACTION_OFFSET, `update action ${code}`, new Uint8Array(0));
    return {
      type: 'handle-update',
      ...header,
      takeoverSuggested: (body.flags & TAKEOVER_SUGGESTED) !== 0,
      action,
      poolHandle: body.poolHandle(),
      element: readPoolElement(body.mandatory(PARAMETER.poolElement), body.unrecognized),
    };
  },
};

/** Octets from the start of the message to the Update Action. */
const ACTION_OFFSET = 12;

// SPDX-License-Identifier: Apache-2.0

import type { MessageCodec } from '../message/message-codec.ts';
import { readCookie, writeCookie } from '../parameters/cookie.ts';
import { PARAMETER } from '../parameters/tlv.ts';

/** ASAP_COOKIE, pool element → pool user: keep this for whoever takes over from me. @see RFC 5352 §2.2.11 */
export interface Cookie {
  readonly type: 'cookie';
  readonly cookie: Uint8Array;
}

/** ASAP_COOKIE_ECHO, pool user → the element that takes over. @see RFC 5352 §2.2.12 */
export interface CookieEcho {
  readonly type: 'cookie-echo';
  readonly cookie: Uint8Array;
}

export const cookie: MessageCodec<Cookie> = {
  code: 0x0b,
  write(writer, message) {
    writeCookie(writer, message.cookie);
  },
  read: (body) => ({ type: 'cookie', cookie: readCookie(body.mandatory(PARAMETER.cookie)) }),
};

export const cookieEcho: MessageCodec<CookieEcho> = {
  code: 0x0c,
  write(writer, message) {
    writeCookie(writer, message.cookie);
  },
  read: (body) => ({ type: 'cookie-echo', cookie: readCookie(body.mandatory(PARAMETER.cookie)) }),
};

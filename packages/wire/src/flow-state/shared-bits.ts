// SPDX-License-Identifier: Apache-2.0

/** First octet of the body of a shared flow: what of the reply is not the original's inverse. */
export const HAS_REPLY_SOURCE = 0x01;
export const HAS_REPLY_DESTINATION = 0x02;
export const HAS_REPLY_LAYER4 = 0x04;
/** What of the status counts; the kernel makes the rest itself. */
export const SEEN_REPLY = 0x08;
export const ASSURED = 0x10;
export const FIXED_TIMEOUT = 0x20;
/** What follows. */
export const HAS_TCP = 0x40;
export const HAS_FIELDS = 0x80;

/** Bits of the status, as Linux numbers them. */
export const LINUX_SEEN_REPLY = 0x2;
export const LINUX_ASSURED = 0x4;
export const LINUX_FIXED_TIMEOUT = 0x400;

/** Of a TCP window. */
export const SCALE_MAX = 14;

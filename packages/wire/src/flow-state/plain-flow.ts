// SPDX-License-Identifier: Apache-2.0
import {
  ASSURED,
  FIXED_TIMEOUT,
  HAS_FIELDS,
  HAS_REPLY_DESTINATION,
  HAS_REPLY_LAYER4,
  HAS_REPLY_SOURCE,
  HAS_TCP,
  LINUX_ASSURED,
  LINUX_FIXED_TIMEOUT,
  LINUX_SEEN_REPLY,
  SCALE_MAX,
  SEEN_REPLY,
} from './shared-bits.ts';

/*
 * What most shared flows are: IPv4 with ports, in no zone, with nothing but its translation and its TCP. Such a flow is ten numbers, and
 * a table of a hundred thousand goes from a copy into a kernel without an object for any of them:
 *
 *   protocol, source, destination, ports (source 16, destination 16), the same three of the reply, status as Linux numbers it, timeout in
 *   seconds, TCP: state 8, window scale of the original 8, of the reply 8, flags of the original 4, of the reply 4; -1 without
 *
 * Addresses are numbers, the first octet the highest. All of them are 32 bits, of which a list of signed numbers keeps the bits.
 */
export const PLAIN_FLOW_WORDS = 10;

const PORTS_OVER_IPV4 = 0x02;
const KEY_BYTES = 14;
const NO_TCP = -1;

const TCP_FLAGS = 0x77;
/** Of a timeout whose sum cannot pass 31 bits; nobody keeps a flow for longer. */
const TIMEOUT_BYTES_MAX = 4;

/**
 * Writes a shared flow as its numbers, from `at` on.
 * @returns false, with anything in those places, for whatever is not such a flow or is none at all: `decodeSharedFlow` says which
 */
export function readPlainFlow(key: string, value: Uint8Array, numbers: Int32Array, at: number): boolean {
  if (key.length !== KEY_BYTES || key.charCodeAt(0) !== PORTS_OVER_IPV4) return false;
  const protocol = key.charCodeAt(1);
  const source = keyWord(key, 2);
  const destination = keyWord(key, 6);
  const ports = keyWord(key, 10);
  if (!isOctets(key)) return false;

  let place = 0;
  let timeoutSeconds = 0;
  for (let octet = 0x80; octet >= 0x80; place++) {
    if (place === TIMEOUT_BYTES_MAX) return false;
    octet = value[place] ?? 0;
    if (octet === 0 && place > 0) return false;
    timeoutSeconds |= (octet & 0x7f) << (7 * place);
  }
  if (place >= value.length) return false;
  const what = value[place++] ?? 0;
  if ((what & HAS_FIELDS) !== 0) return false;
  let tcp = NO_TCP;
  if ((what & HAS_TCP) !== 0) {
    const first = value[place] ?? 0;
    const replyScale = value[place + 1] ?? 0;
    const flags = value[place + 2] ?? 0;
    const originalScale = first & 0x0f;
    if (originalScale > SCALE_MAX || replyScale > SCALE_MAX || (flags & ~TCP_FLAGS) !== 0) return false;
    tcp = ((first >> 4) << 24) | (originalScale << 16) | (replyScale << 8) | flags;
    place += 3;
  }
  let replySource = destination;
  let replyDestination = source;
  let replyPorts = (ports << 16) | (ports >>> 16);
  if ((what & HAS_REPLY_SOURCE) !== 0) {
    replySource = word(value, place);
    place += 4;
  }
  if ((what & HAS_REPLY_DESTINATION) !== 0) {
    replyDestination = word(value, place);
    place += 4;
  }
  if ((what & HAS_REPLY_LAYER4) !== 0) {
    replyPorts = word(value, place);
    place += 4;
  }
  if (place !== value.length) return false;

  numbers[at] = protocol;
  numbers[at + 1] = source;
  numbers[at + 2] = destination;
  numbers[at + 3] = ports;
  numbers[at + 4] = replySource;
  numbers[at + 5] = replyDestination;
  numbers[at + 6] = replyPorts;
  numbers[at + 7] =
    ((what & SEEN_REPLY) === 0 ? 0 : LINUX_SEEN_REPLY) |
    ((what & ASSURED) === 0 ? 0 : LINUX_ASSURED) |
    ((what & FIXED_TIMEOUT) === 0 ? 0 : LINUX_FIXED_TIMEOUT);
  numbers[at + 8] = timeoutSeconds;
  numbers[at + 9] = tcp;
  return true;
}

/** Four characters as a number; wrong where one is no octet. */
function keyWord(key: string, at: number): number {
  return (
    (key.charCodeAt(at) << 24) |
    (key.charCodeAt(at + 1) << 16) |
    (key.charCodeAt(at + 2) << 8) |
    key.charCodeAt(at + 3)
  );
}

function isOctets(key: string): boolean {
  let all = 0;
  for (let at = 1; at < KEY_BYTES; at++) all |= key.charCodeAt(at);
  return all <= 0xff;
}

/** Beyond the end zeros: the length is compared behind it. */
function word(octets: Uint8Array, at: number): number {
  return (
    ((octets[at] ?? 0) << 24) |
    ((octets[at + 1] ?? 0) << 16) |
    ((octets[at + 2] ?? 0) << 8) |
    (octets[at + 3] ?? 0)
  );
}

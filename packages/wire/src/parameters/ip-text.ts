// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../bytes/index.ts';

/**
 * An IPv4 or IPv6 address as text, in the one canonical form: dotted decimal, or lower-case groups with the
 * longest run of zeros shortened. Two equal addresses are equal strings.
 * @see RFC 5952 §4
 */
export type IpText = string;

/** Text of 4 or 16 octets. */
export function formatIp(octets: Uint8Array): IpText {
  if (octets.length === 4) return `${octets[0]}.${octets[1]}.${octets[2]}.${octets[3]}`;
  if (octets.length !== 16)
    throw new WireError('length', 0, `an address has 4 or 16 octets, not ${octets.length}`);
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${octets.subarray(12).join('.')}`;
  }
  const { start, length } = longestZeroRun(groups);
  const text = groups.map((group) => group.toString(16));
  if (length < 2) return text.join(':');
  return `${text.slice(0, start).join(':')}::${text.slice(start + length).join(':')}`;
}

/** 4 or 16 octets of any usual text form; anything else throws `WireError` (`value`). No zone identifiers. */
export function parseIp(text: string): Uint8Array {
  const octets = text.includes(':') ? parseIpv6(text) : parseIpv4(text);
  if (octets === undefined) throw new WireError('value', 0, `not an IP address: ${text.slice(0, 64)}`);
  return Uint8Array.from(octets);
}

function parseIpv4(text: string): number[] | undefined {
  const value = ipv4Number(text);
  return value === undefined
    ? undefined
    : [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

/**
 * An IPv4 address as a number; undefined: it is none. By hand, because a message is mostly addresses: splitting and
 * matching was half the time of writing one.
 */
export function ipv4Number(text: string): number | undefined {
  let value = 0;
  let dots = 0;
  let octet = -1;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === DOT) {
      if (octet < 0 || ++dots > 3) return undefined;
      value = value * 0x100 + octet;
      octet = -1;
      continue;
    }
    const digit = character - ZERO;
    // Nothing goes on behind a leading zero.
    if (digit < 0 || digit > 9 || octet === 0) return undefined;
    octet = octet < 0 ? digit : octet * 10 + digit;
    if (octet > 255) return undefined;
  }
  return dots === 3 && octet >= 0 ? value * 0x100 + octet : undefined;
}

const DOT = 0x2e;
const ZERO = 0x30;

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  if (halves.length === 1) return head?.length === 16 ? head : undefined;
  const tail = parseGroups(halves[1] ?? '', true);
  // `::` stands for at least one group.
  if (head === undefined || tail === undefined || head.length + tail.length > 14) return undefined;
  return [...head, ...Array.from<number>({ length: 16 - head.length - tail.length }).fill(0), ...tail];
}

/** Octets of colon-separated groups; only the last part of an address may end in dotted decimal. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const octets: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (last && index === parts.length - 1 && part.includes('.')) {
      const dotted = parseIpv4(part);
      if (dotted === undefined) return undefined;
      octets.push(...dotted);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      const group = Number.parseInt(part, 16);
      octets.push(group >> 8, group & 0xff);
    } else {
      return undefined;
    }
  }
  return octets;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let i = 0; i <= groups.length; i++) {
    if (groups[i] === 0) continue;
    if (i - start > best.length) best = { start, length: i - start };
    start = i + 1;
  }
  return best;
}

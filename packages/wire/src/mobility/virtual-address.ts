// SPDX-License-Identifier: Apache-2.0
import { formatIp, parseIp } from '../parameters/ip-text.ts';
import { fail, type Shape } from './shape.ts';

/**
 * An address of a slot, and where it is raised. As text `10.0.0.1/24` or `2001:db8::1/64`, and where a link is named
 * `10.0.0.1%eth1/24`.
 * @see RFC 4007 §11.7
 */
export interface VirtualAddress {
  /** In canonical form: equal addresses are equal strings. */
  readonly address: string;
  /** Name of a link of the node; null: the node's link for virtual addresses. */
  readonly link: string | null;
  /** Of the network that it belongs to, from 1; it is raised alone, as /32 or /128. */
  readonly prefix: number;
}

const LINK = /^(?!lo$)[A-Za-z0-9_-][A-Za-z0-9_.-]{0,14}$/;

/** Whether a text is a name that a link may have; never the loopback. */
export function isLinkName(text: string): boolean {
  return LINK.test(text);
}

/** Reads the text form; undefined: it is none. */
export function readVirtualAddress(text: string): VirtualAddress | undefined {
  const [place = '', length = '', ...more] = text.split('/');
  const [address = '', link, ...rest] = place.split('%');
  if (more.length > 0 || rest.length > 0 || (link !== undefined && !isLinkName(link))) return undefined;
  const octets = octetsOf(address);
  const prefix = /^[1-9]\d{0,2}$/.test(length) ? Number(length) : 0;
  if (octets === undefined || prefix < 1 || prefix > octets.length * 8) return undefined;
  return { address: formatIp(octets), link: link ?? null, prefix };
}

export function virtualAddressText({ address, link, prefix }: VirtualAddress): string {
  return `${address}${link === null ? '' : `%${link}`}/${prefix}`;
}

/** The address alone: of `10.0.0.1%eth1/24` it is `10.0.0.1`. */
export function plainAddress(text: string): string {
  return /^[^%/]*/.exec(text)?.[0] ?? text;
}

/** A virtual address as a node takes it. */
export const virtualAddress: Shape<string> = (value, path) =>
  typeof value === 'string' && readVirtualAddress(value) !== undefined
    ? value
    : fail(path, 'must be an address with prefix length');

function octetsOf(text: string): Uint8Array | undefined {
  try {
    return parseIp(text);
  } catch {
    return undefined;
  }
}

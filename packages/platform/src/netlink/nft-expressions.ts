// SPDX-License-Identifier: Apache-2.0
import { attribute, be32, nested, text } from './message.ts';

/*
 * Expressions of nftables rules, as the kernel takes them. A rule is a list of them, run from left to right over sixteen
 * registers of 4 bytes; one that does not match ends the rule. Numbers of linux/netfilter/nf_tables.h.
 */

const NFTA_LIST_ELEM = 1;
const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;
const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;
const NFTA_VERDICT_CODE = 1;
export const NFT_REG_VERDICT = 0;
const NFT_REG32_00 = 8;
const NFT_PAYLOAD_NETWORK_HEADER = 1;
const NFT_BYTEORDER_HTON = 1;
const NFT_LOOKUP_F_INV = 1;
const NFT_CMP_EQ = 0;

export const NF_DROP = 0;
export const NF_ACCEPT = 1;

/** What `meta` reads; the length in bytes is in the name where it is not 4. */
export const META = {
  /** Ethertype in network order, 2 bytes. */
  protocol: 1,
  /** Name of the link, 16 bytes. */
  inputLink16: 6,
  outputLink16: 7,
  /** NFPROTO_IPV4 or NFPROTO_IPV6, 1 byte. */
  family: 15,
  /** Protocol of layer 4, 1 byte. */
  layer4: 16,
  /** Wall clock in nanoseconds in the host's order, 8 bytes. */
  time8: 30,
} as const;

/** An expression, ready for a rule. */
export type Expression = Uint8Array;

/** Any expression by its name, with its attributes. */
export function expression(name: string, ...data: readonly Uint8Array[]): Expression {
  return nested(NFTA_LIST_ELEM, text(NFTA_EXPR_NAME, name), nested(NFTA_EXPR_DATA, ...data));
}

/** Attribute that names a register: 16 of 4 octets, from 0 on. */
export const register = (type: number, number: number): Uint8Array => be32(type, NFT_REG32_00 + number);

/** Loads bytes from the beginning of the network header. */
export function loadNetwork(into: number, offset: number, bytes: number): Expression {
  return expression(
    'payload',
    register(1, into),
    be32(2, NFT_PAYLOAD_NETWORK_HEADER),
    be32(3, offset),
    be32(4, bytes),
  );
}

/** Loads what {@link META} names. */
export function loadMeta(into: number, key: number): Expression {
  return expression('meta', register(1, into), be32(2, key));
}

/** Goes on when the register holds these bytes. */
export function isEqual(source: number, bytes: readonly number[]): Expression {
  const value = attribute(NFTA_DATA_VALUE, Uint8Array.from(bytes));
  return expression('cmp', register(1, source), be32(2, NFT_CMP_EQ), nested(3, value));
}

/** Turns the 8 bytes of a register pair into network order. */
export function toNetworkOrder8(at: number): Expression {
  return expression(
    'byteorder',
    register(1, at),
    register(2, at),
    be32(3, NFT_BYTEORDER_HTON),
    be32(4, 8),
    be32(5, 8),
  );
}

/** Does what the map has for the key in `source`; goes on when it has nothing, or the chain jumped to has ended. */
export function doAsMapped(map: string, source: number): Expression {
  return expression('lookup', text(1, map), register(2, source), be32(3, NFT_REG_VERDICT));
}

/** Goes on when the set has the key in `source`. */
export function isIn(set: string, source: number): Expression {
  return expression('lookup', text(1, set), register(2, source));
}

/** Goes on when the set has no element that covers the key in `source`. */
export function isNotIn(set: string, source: number): Expression {
  return expression('lookup', text(1, set), register(2, source), be32(5, NFT_LOOKUP_F_INV));
}

/** Ends the rule and the chain. */
export function decide(verdict: typeof NF_DROP | typeof NF_ACCEPT): Expression {
  const code = nested(NFTA_DATA_VERDICT, be32(NFTA_VERDICT_CODE, verdict));
  return expression('immediate', be32(1, NFT_REG_VERDICT), nested(2, code));
}

// SPDX-License-Identifier: Apache-2.0
import { attribute, be32, be64, nested, text } from '../netlink/message.ts';
import { type Expression, expression, NFT_REG_VERDICT, register } from '../netlink/nft-expressions.ts';

/* More expressions of nftables rules: what the rules that hold first packets need besides those of the fence. */

/** What `ct` reads; numbers of linux/netfilter/nf_tables.h. */
export const CT = {
  status: 2,
  protocolSource: 11,
  protocolDestination: 12,
  zone: 17,
  sourceIpv4: 19,
  destinationIpv4: 20,
  sourceIpv6: 21,
  destinationIpv6: 22,
} as const;

const IP_CT_DIR_ORIGINAL = 0;
const NFT_CMP_EQ = 0;
const NFT_CMP_NEQ = 1;
const NFT_DYNSET_OP_UPDATE = 1;
const NFT_PAYLOAD_TRANSPORT_HEADER = 2;
const NFT_JUMP = 0xfffffffd;
const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;

/** Loads what {@link CT} names, of the flow. */
export function loadFlow(into: number, key: number): Expression {
  return expression('ct', register(1, into), be32(2, key));
}

/** Loads what {@link CT} names, of the direction of the flow's first packet. */
export function loadOriginal(into: number, key: number): Expression {
  return expression('ct', register(1, into), be32(2, key), attribute(3, Uint8Array.of(IP_CT_DIR_ORIGINAL)));
}

/** Loads octets from the beginning of layer 4. Ends the rule for a packet that has not so many. */
export function loadTransport(into: number, octets: number): Expression {
  return expression(
    'payload',
    register(1, into),
    be32(2, NFT_PAYLOAD_TRANSPORT_HEADER),
    be32(3, 0),
    be32(4, octets),
  );
}

/** Goes on when one of these bits of a 32-bit number in the host's order is set, or with `isAny` false when none is. */
export function hasBits(at: number, bits: number, isAny: boolean): Expression[] {
  const value = (number: number): Uint8Array => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, number, true);
    return attribute(NFTA_DATA_VALUE, bytes);
  };
  const scratch = at + 1;
  return [
    expression(
      'bitwise',
      register(1, at),
      register(2, scratch),
      be32(3, 4),
      nested(4, value(bits)),
      nested(5, value(0)),
    ),
    expression('cmp', register(1, scratch), be32(2, isAny ? NFT_CMP_NEQ : NFT_CMP_EQ), nested(3, value(0))),
  ];
}

/** Puts a key with a value into a map, for so long; what is there under the key is replaced. Ends the rule when the map is full. */
export function putInto(map: string, key: number, value: number, timeoutMs: number): Expression {
  return expression(
    'dynset',
    text(1, map),
    be32(3, NFT_DYNSET_OP_UPDATE),
    register(4, key),
    register(5, value),
    be64(6, BigInt(timeoutMs)),
  );
}

/** Goes on in another chain of the table. */
export function jumpTo(chain: string): Expression {
  const code = nested(NFTA_DATA_VERDICT, be32(1, NFT_JUMP), text(2, chain));
  return expression('immediate', be32(1, NFT_REG_VERDICT), nested(2, code));
}

/** Hands the packet to a program. Without one it is dropped. */
export function queueTo(queue: number): Expression {
  const be16 = (type: number, value: number): Uint8Array =>
    attribute(type, Uint8Array.of(value >> 8, value & 0xff));
  return expression('queue', be16(1, queue), be16(2, 1), be16(3, 0));
}

/** The same by the target of xtables, for kernels without the expression: `struct xt_NFQ_info_v3`, padded to 8 octets. */
export function queueByTarget(queue: number): Expression {
  const info = new Uint8Array(8);
  const view = new DataView(info.buffer);
  view.setUint16(0, queue, true);
  view.setUint16(2, 1, true);
  return expression('target', text(1, 'NFQUEUE'), be32(2, 3), attribute(3, info));
}

// SPDX-License-Identifier: Apache-2.0
import { type ByteWriter, WireError } from '../bytes/index.ts';
import { type Policy, readPolicy, writePolicy } from './policy.ts';
import {
  beginTlv,
  decodeTlv,
  endContainer,
  invalid,
  mandatoryTlv,
  PARAMETER,
  readTlvs,
  type Tlv,
  type UnrecognizedParameter,
} from './tlv.ts';
import {
  isTransport,
  readTransport,
  type SctpTransport,
  type TcpTransport,
  type Transport,
  writeTransport,
} from './transport.ts';

/**
 * A member of a pool.
 *
 * ```
 *  PE identifier | home registrar | registration life | user transport | policy | ASAP transport (optional)
 * ```
 * @see RFC 5354 §3.10
 */
export interface PoolElement {
  /** Unique in its pool, not 0. */
  readonly id: number;
  /** Identifier of the registrar that owns it; 0: not determined. */
  readonly homeRegistrar: number;
  /** Signed, -1 is for ever. In seconds by RFC 5354, in milliseconds with rsplib: a setting of the scope. */
  readonly registrationLife: number;
  readonly userTransport: Transport;
  readonly policy: Policy;
  /** Where its ASAP endpoint is reached; set by the home registrar. TCP only in an all-TCP scope. */
  readonly asapTransport?: SctpTransport | TcpTransport;
}

export function readPoolElement(tlv: Tlv, unrecognized: UnrecognizedParameter[]): PoolElement {
  return decodeTlv(tlv, (value) => {
    const id = value.u32();
    const homeRegistrar = value.u32();
    const registrationLife = value.i32();
    const nested = readTlvs(value, unrecognized);
    const policy = readPolicy(mandatoryTlv(nested, PARAMETER.policy, tlv.offset));
    // The two transports have the same parameter types: only their order tells them apart.
    const [user, asap, extra] = nested.filter(isTransport);
    if (user === undefined)
      throw invalid('missing', tlv.offset, 'pool element without user transport', tlv.whole);
    if (extra !== undefined) throw invalid('duplicate', extra.offset, 'third transport', extra.whole);
    const userTransport = readTransport(user, unrecognized);
    const element = { id, homeRegistrar, registrationLife, userTransport, policy };
    if (asap === undefined) return element;
    const asapTransport = readTransport(asap, unrecognized);
    if (asapTransport.type !== 'sctp' && asapTransport.type !== 'tcp') {
      throw new WireError('value', asap.offset, `ASAP transport over ${asapTransport.type}`);
    }
    return { ...element, asapTransport };
  });
}

export function writePoolElement(writer: ByteWriter, element: PoolElement): void {
  const start = beginTlv(writer, PARAMETER.poolElement);
  writer.u32(element.id).u32(element.homeRegistrar).i32(element.registrationLife);
  writeTransport(writer, element.userTransport);
  writePolicy(writer, element.policy);
  if (element.asapTransport !== undefined) writeTransport(writer, element.asapTransport);
  endContainer(writer, start);
}

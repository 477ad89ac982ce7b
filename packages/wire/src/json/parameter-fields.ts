// SPDX-License-Identifier: Apache-2.0
import { type KnownPolicy, type OtherPolicy, POLICY_FORMATS, type Policy } from '../parameters/policy.ts';
import type { PoolElement } from '../parameters/pool-element.ts';
import type { ServerInformation } from '../parameters/server-information.ts';
import type { ErrorCause, UnrecognizedParameter } from '../parameters/tlv.ts';
import type {
  DccpTransport,
  OpaqueTransport,
  SctpTransport,
  TcpTransport,
  Transport,
  UdpTransport,
} from '../parameters/transport.ts';
import { type Field, type Fields, list, object, optional, tagged } from './field.ts';
import { address, flag, i32, octets, oneOf, readable, u16, u32 } from './value-fields.ts';

export const poolHandle: Field<Uint8Array> = readable;

const sctp = object<SctpTransport>({
  type: oneOf('sctp'),
  port: u16,
  use: oneOf('data', 'data-and-control'),
  addresses: list(address),
});
const tcp = object<TcpTransport>({
  type: oneOf('tcp'),
  port: u16,
  address,
  use: optional(oneOf('data-and-control')),
});
const udp = object<UdpTransport>({ type: oneOf('udp', 'udp-lite'), port: u16, address });

const transport: Field<Transport> = tagged<Transport>({
  sctp,
  tcp,
  udp,
  'udp-lite': udp,
  dccp: object<DccpTransport>({ type: oneOf('dccp'), port: u16, serviceCode: u32, address }),
  opaque: object<OpaqueTransport>({ type: oneOf('opaque'), data: octets }),
});

/** Where a registrar, or an element's ASAP endpoint, is reached. */
export const endpoint: Field<SctpTransport | TcpTransport> = tagged<SctpTransport | TcpTransport>({
  sctp,
  tcp,
});

// The table has exactly the fields of each policy; the compiler cannot follow that through its loop.
const knownPolicies = Object.fromEntries(
  Object.entries(POLICY_FORMATS).map(([type, format]) => [
    type,
    object({
      type: oneOf(type),
      ...Object.fromEntries(format.fields.map((field) => [field, u32])),
    } as unknown as Fields<KnownPolicy>),
  ]),
) as unknown as { readonly [K in KnownPolicy['type']]: Field<Extract<KnownPolicy, { readonly type: K }>> };

export const policy: Field<Policy> = tagged<Policy>({
  ...knownPolicies,
  other: object<OtherPolicy>({ type: oneOf('other'), code: u32, data: octets }),
});

export const poolElement: Field<PoolElement> = object<PoolElement>({
  id: u32,
  homeRegistrar: u32,
  registrationLife: i32,
  userTransport: transport,
  policy,
  asapTransport: optional(endpoint),
});

export const serverInformation: Field<ServerInformation> = object<ServerInformation>({
  registrarId: u32,
  transport: endpoint,
});

export const causes: Field<readonly ErrorCause[]> = list(object<ErrorCause>({ code: u16, info: octets }));

/** Parameters of types that we do not know, which may be skipped: whole, without padding. */
export const unrecognized: Field<readonly UnrecognizedParameter[]> = list(
  object<UnrecognizedParameter>({ type: u16, whole: octets, report: flag }),
);

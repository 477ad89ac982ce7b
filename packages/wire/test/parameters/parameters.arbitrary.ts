// SPDX-License-Identifier: Apache-2.0
import {
  formatIp,
  type KnownPolicyType,
  POLICY_FORMATS,
  type Policy,
  type Transport,
} from '@vnfpool/wire/parameters';
import fc from 'fast-check';

export const u16 = fc.integer({ min: 0, max: 0xffff });
export const u32 = fc.integer({ min: 0, max: 0xffffffff });
export const octets = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((bytes) => Uint8Array.from(bytes));
const address = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map(formatIp);

export const sctp = fc.record({
  type: fc.constant('sctp' as const),
  port: u16,
  use: fc.constantFrom('data' as const, 'data-and-control' as const),
  addresses: fc.array(address, { minLength: 1, maxLength: 4 }),
});
export const tcp = fc.record(
  { type: fc.constant('tcp' as const), port: u16, address, use: fc.constant('data-and-control' as const) },
  { requiredKeys: ['type', 'port', 'address'] },
);
const transport: fc.Arbitrary<Transport> = fc.oneof(
  sctp,
  tcp,
  fc.record({ type: fc.constantFrom('udp' as const, 'udp-lite' as const), port: u16, address }),
  fc.record({ type: fc.constant('dccp' as const), port: u16, serviceCode: u32, address }),
  fc.record({ type: fc.constant('opaque' as const), data: octets(9) }),
);

const knownPolicy = fc
  .constantFrom(...(Object.keys(POLICY_FORMATS) as KnownPolicyType[]))
  .chain((type) =>
    fc
      .record(Object.fromEntries(POLICY_FORMATS[type].fields.map((field) => [field, u32])))
      .map((values) => ({ ...values, type }) as unknown as Policy),
  );
const otherPolicy: fc.Arbitrary<Policy> = fc.record({
  type: fc.constant('other' as const),
  code: fc.integer({ min: 0xc0000000, max: 0xffffffff }),
  data: octets(9),
});
export const policy = fc.oneof(knownPolicy, otherPolicy);

export const element = fc.record(
  {
    id: u32,
    homeRegistrar: u32,
    registrationLife: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
    userTransport: transport,
    policy,
    asapTransport: fc.oneof(sctp, tcp),
  },
  { requiredKeys: ['id', 'homeRegistrar', 'registrationLife', 'userTransport', 'policy'] },
);
export const poolHandle = octets(40);
const cause = fc.record({ code: u16, info: octets(9) });
export const causes = fc.array(cause, { maxLength: 3 });
export const someCauses = fc.array(cause, { minLength: 1, maxLength: 3 });

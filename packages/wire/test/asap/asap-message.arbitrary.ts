// SPDX-License-Identifier: Apache-2.0
import type { AsapMessage } from '@vnfpool/wire/asap';
import fc from 'fast-check';
import {
  causes,
  element,
  octets,
  policy,
  poolHandle,
  sctp,
  someCauses,
  tcp,
  u32,
} from '../parameters/parameters.arbitrary.ts';

const type = <T extends string>(name: T) => fc.constant(name);

export const asapMessage: fc.Arbitrary<AsapMessage> = fc.oneof(
  fc.record({ type: type('registration'), poolHandle, element }),
  fc.record({
    type: fc.constantFrom(
      'deregistration' as const,
      'endpoint-keep-alive-ack' as const,
      'endpoint-unreachable' as const,
    ),
    poolHandle,
    elementId: u32,
  }),
  fc.record({
    type: type('registration-response'),
    rejected: fc.boolean(),
    poolHandle,
    elementId: u32,
    causes,
  }),
  fc.record({ type: type('deregistration-response'), poolHandle, elementId: u32, causes }),
  fc.record(
    { type: type('handle-resolution'), sendUpdates: fc.boolean(), poolHandle, items: u32 },
    { requiredKeys: ['type', 'sendUpdates', 'poolHandle'] },
  ),
  fc.record({
    type: type('handle-resolution-response'),
    updatesAccepted: fc.boolean(),
    poolHandle,
    policy,
    elements: fc.array(element, { minLength: 1, maxLength: 3 }),
    causes: fc.constant([]),
  }),
  fc.record({
    type: type('handle-resolution-response'),
    updatesAccepted: fc.boolean(),
    poolHandle,
    elements: fc.constant([]),
    causes: someCauses,
  }),
  fc.record(
    {
      type: type('endpoint-keep-alive'),
      becomeHome: fc.boolean(),
      registrarId: u32,
      poolHandle,
      elementId: u32,
    },
    { requiredKeys: ['type', 'becomeHome', 'registrarId', 'poolHandle'] },
  ),
  fc.record({
    type: type('server-announce'),
    registrarId: u32,
    transports: fc.array(fc.oneof(sctp, tcp), { maxLength: 3 }),
  }),
  fc.record({ type: fc.constantFrom('cookie' as const, 'cookie-echo' as const), cookie: octets(40) }),
  fc.record({
    type: type('business-card'),
    poolHandle,
    elements: fc.array(element, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ type: type('error'), causes: someCauses }),
);

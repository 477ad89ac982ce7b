// SPDX-License-Identifier: Apache-2.0
import type { EnrpMessage } from '@vnfpool/wire/enrp';
import fc from 'fast-check';
import { element, poolHandle, sctp, someCauses, tcp, u16, u32 } from '../parameters/parameters.arbitrary.ts';

const header = { sender: u32, receiver: u32 };
const type = <T extends string>(name: T) => fc.constant(name);
const server = fc.record({ registrarId: u32, transport: fc.oneof(sctp, tcp) });
const pool = fc.record({ poolHandle, elements: fc.array(element, { maxLength: 3 }) });

export const enrpMessage: fc.Arbitrary<EnrpMessage> = fc.oneof(
  fc.record(
    { type: type('presence'), ...header, replyRequired: fc.boolean(), checksum: u16, server },
    { requiredKeys: ['type', 'sender', 'receiver', 'replyRequired'] },
  ),
  fc.record({ type: type('handle-table-request'), ...header, ownOnly: fc.boolean() }),
  fc.record({
    type: type('handle-table-response'),
    ...header,
    rejected: fc.boolean(),
    more: fc.boolean(),
    pools: fc.array(pool, { maxLength: 3 }),
  }),
  fc.record({
    type: type('handle-update'),
    ...header,
    takeoverSuggested: fc.boolean(),
    action: fc.constantFrom('add' as const, 'delete' as const),
    poolHandle,
    element,
  }),
  fc.record({ type: type('list-request'), ...header }),
  fc.record({
    type: type('list-response'),
    ...header,
    rejected: fc.boolean(),
    servers: fc.array(server, { maxLength: 4 }),
  }),
  fc.record({
    type: fc.constantFrom('init-takeover' as const, 'init-takeover-ack' as const, 'takeover-server' as const),
    ...header,
    target: u32,
  }),
  fc.record({ type: type('error'), ...header, causes: someCauses }),
);

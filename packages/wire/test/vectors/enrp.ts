// SPDX-License-Identifier: Apache-2.0

import { encodeUtf8, fromHex } from '@vnfpool/wire/bytes';
import type { EnrpMessage } from '@vnfpool/wire/enrp';
import type { PoolElement } from '@vnfpool/wire/parameters';

/**
 * Messages built by hand from RFC 5353 and RFC 5354, each checked with Wireshark's dissector. Lengths do not
 * count the final padding.
 */
export interface EnrpVector {
  readonly name: string;
  readonly hex: string;
  readonly message: EnrpMessage;
}

const PR1 = 0x0a0b0c0d;
const PR2 = 0x51525354;
const PR3 = 0x7e000001;
const to2 = { sender: PR1, receiver: PR2 };
const web = encodeUtf8('web');
const sctp = (port: number, ...addresses: string[]) => ({
  type: 'sctp' as const,
  port,
  use: 'data' as const,
  addresses,
});
const pr1 = { registrarId: PR1, transport: sctp(9901, '192.0.2.1') };
const echoElement: PoolElement = {
  id: 0x12345678,
  homeRegistrar: PR1,
  registrationLife: 300,
  userTransport: {
    type: 'sctp',
    port: 4711,
    use: 'data-and-control',
    addresses: ['10.0.0.11', '2001:db8::11'],
  },
  policy: { type: 'least-used', load: 0x40000000 },
  asapTransport: sctp(49152, '10.0.0.11', '2001:db8::11'),
};
const webElement: PoolElement = {
  id: 0xaaaa0001,
  homeRegistrar: PR1,
  registrationLife: 300,
  userTransport: { type: 'tcp', port: 80, address: '10.0.0.21' },
  policy: { type: 'weighted-round-robin', weight: 2 },
  asapTransport: sctp(49153, '10.0.0.21'),
};

export const ENRP_VECTORS: readonly EnrpVector[] = [
  {
    name: 'E1 presence, reply required, with checksum and server',
    hex: '0101002c 0a0b0c0d 51525354 000f0006 a5930000 000b0018 0a0b0c0d 00040010 26ad0000 00010008 c0000201',
    message: { type: 'presence', ...to2, replyRequired: true, checksum: 0xa593, server: pr1 },
  },
  {
    name: 'E2 handle table request, own elements only',
    hex: '0201000c 51525354 0a0b0c0d',
    message: { type: 'handle-table-request', sender: PR2, receiver: PR1, ownOnly: true },
  },
  {
    name: 'E3 handle table response, two pools, more to come',
    hex: `030200c0 0a0b0c0d 51525354 0009000c 4563686f 506f6f6c 000a0064 12345678 0a0b0c0d 0000012c 00040024 12670001 00010008 0a00000b
          00020014 20010db8 00000000 00000000 00000011 0008000c 40000001 40000000 00040024 c0000000 00010008 0a00000b 00020014 20010db8
          00000000 00000000 00000011 00090007 77656200 000a003c aaaa0001 0a0b0c0d 0000012c 00050010 00500000 00010008 0a000015 0008000c
          00000002 00000002 00040010 c0010000 00010008 0a000015`,
    message: {
      type: 'handle-table-response',
      ...to2,
      rejected: false,
      more: true,
      pools: [
        { poolHandle: encodeUtf8('EchoPool'), elements: [echoElement] },
        { poolHandle: web, elements: [webElement] },
      ],
    },
  },
  {
    name: 'E4 handle update, add, to all',
    hex: `04000054 0a0b0c0d 00000000 00000000 00090007 77656200 000a003c aaaa0001 0a0b0c0d 0000012c 00050010 00500000 00010008 0a000015
          0008000c 00000002 00000002 00040010 c0010000 00010008 0a000015`,
    message: {
      type: 'handle-update',
      sender: PR1,
      receiver: 0,
      takeoverSuggested: false,
      action: 'add',
      poolHandle: web,
      element: webElement,
    },
  },
  {
    name: 'E4b handle update with a takeover suggested',
    hex: `04010054 0a0b0c0d 51525354 00000000 00090007 77656200 000a003c aaaa0001 0a0b0c0d 0000012c 00050010 00500000 00010008 0a000015
          0008000c 00000002 00000002 00040010 c0010000 00010008 0a000015`,
    message: {
      type: 'handle-update',
      ...to2,
      takeoverSuggested: true,
      action: 'add',
      poolHandle: web,
      element: webElement,
    },
  },
  {
    name: 'E5 list request',
    hex: '0500000c 51525354 0a0b0c0d',
    message: { type: 'list-request', sender: PR2, receiver: PR1 },
  },
  {
    name: 'E6 list response',
    hex: '0600003c 0a0b0c0d 51525354 000b0018 0a0b0c0d 00040010 26ad0000 00010008 c0000201 000b0018 7e000001 00040010 26ad0000 00010008 c0000203',
    message: {
      type: 'list-response',
      ...to2,
      rejected: false,
      servers: [pr1, { registrarId: PR3, transport: { ...pr1.transport, addresses: ['192.0.2.3'] } }],
    },
  },
  {
    name: 'E7 init takeover, to all',
    hex: '07000010 51525354 00000000 0a0b0c0d',
    message: { type: 'init-takeover', sender: PR2, receiver: 0, target: PR1 },
  },
  {
    name: 'E8 init takeover acknowledgement',
    hex: '08000010 7e000001 51525354 0a0b0c0d',
    message: { type: 'init-takeover-ack', sender: PR3, receiver: PR2, target: PR1 },
  },
  {
    name: 'E9 takeover server, to all',
    hex: '09000010 51525354 00000000 0a0b0c0d',
    message: { type: 'takeover-server', sender: PR2, receiver: 0, target: PR1 },
  },
  {
    name: 'E10 error: unrecognized message, carried whole',
    hex: '0a00001c 51525354 0a0b0c0d 000c0010 0002000c 4a000008 cafebabe',
    message: {
      type: 'error',
      sender: PR2,
      receiver: PR1,
      causes: [{ code: 2, info: fromHex('4a000008 cafebabe') }],
    },
  },
];

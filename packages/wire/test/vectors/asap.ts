// SPDX-License-Identifier: Apache-2.0

import type { AsapMessage } from '@vnfpool/wire/asap';
import { encodeUtf8, fromHex } from '@vnfpool/wire/bytes';

/**
 * Messages built by hand from RFC 5352 and RFC 5354, each checked with Wireshark's dissector. Lengths do not
 * count the final padding.
 */
export interface AsapVector {
  readonly name: string;
  readonly hex: string;
  readonly message: AsapMessage;
}

const echoPool = encodeUtf8('EchoPool');
const web = encodeUtf8('web');
const elementId = 0x12345678;
const webElement = (id: number, homeRegistrar: number, last: number, weight: number) => ({
  id,
  homeRegistrar,
  registrationLife: 300,
  userTransport: { type: 'tcp' as const, port: 80, address: `10.0.0.${last}` },
  policy: { type: 'weighted-round-robin' as const, weight },
});

export const ASAP_VECTORS: readonly AsapVector[] = [
  {
    name: 'A1 registration, SCTP with both address families, least used with load 25 %',
    hex: `01000050 0009000c 4563686f 506f6f6c 000a0040 12345678 00000000 0000012c
          00040024 12670001 00010008 0a00000b 00020014 20010db8 00000000 00000000
          00000011 0008000c 40000001 40000000`,
    message: {
      type: 'registration',
      poolHandle: echoPool,
      element: {
        id: elementId,
        homeRegistrar: 0,
        registrationLife: 300,
        userTransport: {
          type: 'sctp',
          port: 4711,
          use: 'data-and-control',
          addresses: ['10.0.0.11', '2001:db8::11'],
        },
        policy: { type: 'least-used', load: 0x40000000 },
      },
    },
  },
  {
    name: 'A2 registration response, accepted',
    hex: '03000018 0009000c 4563686f 506f6f6c 000e0008 12345678',
    message: { type: 'registration-response', rejected: false, poolHandle: echoPool, elementId, causes: [] },
  },
  {
    name: 'A3 registration response, rejected with the policy of the pool',
    hex: '03010028 0009000c 4563686f 506f6f6c 000e0008 12345678 000c0010 0005000c 00080008 00000001',
    message: {
      type: 'registration-response',
      rejected: true,
      poolHandle: echoPool,
      elementId,
      causes: [{ code: 5, info: fromHex('00080008 00000001') }],
    },
  },
  {
    name: 'A4 deregistration',
    hex: '02000018 0009000c 4563686f 506f6f6c 000e0008 12345678',
    message: { type: 'deregistration', poolHandle: echoPool, elementId },
  },
  {
    name: 'A5 handle resolution with S and three items: padding between parameters is counted',
    hex: '05010014 00090007 77656200 803f0008 00000003',
    message: { type: 'handle-resolution', sendUpdates: true, poolHandle: web, items: 3 },
  },
  {
    name: 'A6 minimal handle resolution: final padding is not counted',
    hex: '0500000b 00090007 77656200',
    message: { type: 'handle-resolution', sendUpdates: false, poolHandle: web },
  },
  {
    name: 'A7 positive handle resolution response with A and two elements',
    hex: `06010070 00090007 77656200 0008000c 00000002 00000002 000a002c aaaa0001
          0a0b0c0d 0000012c 00050010 00500000 00010008 0a000015 0008000c 00000002
          00000002 000a002c aaaa0002 51525354 0000012c 00050010 00500000 00010008
          0a000016 0008000c 00000002 00000001`,
    message: {
      type: 'handle-resolution-response',
      updatesAccepted: true,
      poolHandle: web,
      policy: { type: 'weighted-round-robin', weight: 2 },
      elements: [webElement(0xaaaa0001, 0x0a0b0c0d, 21, 2), webElement(0xaaaa0002, 0x51525354, 22, 1)],
      causes: [],
    },
  },
  {
    name: 'A8 negative handle resolution response',
    hex: '06000014 00090007 77656200 000c0008 00090004',
    message: {
      type: 'handle-resolution-response',
      updatesAccepted: false,
      poolHandle: web,
      elements: [],
      causes: [{ code: 9, info: new Uint8Array(0) }],
    },
  },
  {
    name: 'A9 keep-alive with H',
    hex: '07010014 0a0b0c0d 0009000c 4563686f 506f6f6c',
    message: { type: 'endpoint-keep-alive', becomeHome: true, registrarId: 0x0a0b0c0d, poolHandle: echoPool },
  },
  {
    name: 'A10 keep-alive acknowledgement',
    hex: '08000018 0009000c 4563686f 506f6f6c 000e0008 12345678',
    message: { type: 'endpoint-keep-alive-ack', poolHandle: echoPool, elementId },
  },
  {
    name: 'A11 endpoint unreachable',
    hex: '09000018 0009000c 4563686f 506f6f6c 000e0008 12345678',
    message: { type: 'endpoint-unreachable', poolHandle: echoPool, elementId },
  },
  {
    name: 'A12 server announce',
    hex: '0a000018 0a0b0c0d 00040010 0f170000 00010008 c0000201',
    message: {
      type: 'server-announce',
      registrarId: 0x0a0b0c0d,
      transports: [{ type: 'sctp', port: 3863, use: 'data', addresses: ['192.0.2.1'] }],
    },
  },
  {
    name: 'A13 cookie',
    hex: '0b00000d 000d0009 73746174 65000000',
    message: { type: 'cookie', cookie: encodeUtf8('state') },
  },
  {
    name: 'A13 as cookie echo',
    hex: '0c00000d 000d0009 73746174 65000000',
    message: { type: 'cookie-echo', cookie: encodeUtf8('state') },
  },
  {
    name: 'A14 business card',
    hex: `0d000038 00090007 77656200 000a002c aaaa0002 51525354 0000012c 00050010
          00500000 00010008 0a000016 0008000c 00000002 00000001`,
    message: {
      type: 'business-card',
      poolHandle: web,
      elements: [webElement(0xaaaa0002, 0x51525354, 22, 1)],
    },
  },
  {
    name: 'A15 error: unrecognized parameter',
    hex: '0e000014 000c0010 0001000c c0fe0008 deadbeef',
    message: { type: 'error', causes: [{ code: 1, info: fromHex('c0fe0008 deadbeef') }] },
  },
  {
    name: 'A16 keep-alive with H and the PE identifier of rsplib',
    hex: '0701001c 0a0b0c0d 0009000c 4563686f 506f6f6c 000e0008 12345678',
    message: {
      type: 'endpoint-keep-alive',
      becomeHome: true,
      registrarId: 0x0a0b0c0d,
      poolHandle: echoPool,
      elementId,
    },
  },
  {
    name: 'A17 registration for ever, with a private policy',
    hex: `01000044 0009000c 4563686f 506f6f6c 000a0034 12345678 00000000 ffffffff
          00040010 12670000 00010008 0a00000b 00080014 b0002002 40000000 0000a7c6
          00000064`,
    message: {
      type: 'registration',
      poolHandle: echoPool,
      element: {
        id: elementId,
        homeRegistrar: 0,
        registrationLife: -1,
        userTransport: { type: 'sctp', port: 4711, use: 'data', addresses: ['10.0.0.11'] },
        policy: { type: 'least-used-distance', load: 0x40000000, loadDistancePenalty: 42950, distance: 100 },
      },
    },
  },
];

// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from 'node:timers/promises';
import { SctpTransport } from '@vnfpool/transport/sctp';
import { encodeAsap } from '@vnfpool/wire/asap';
import { encodeEnrp } from '@vnfpool/wire/enrp';
import { POLICY_FORMATS } from '@vnfpool/wire/parameters';
import { members } from '../lib/probe.mjs';
import { registrar, registrarReady } from '../lib/rsplib.mjs';
import { ownAddress } from '../lib/world.mjs';

const octets = (text) => new TextEncoder().encode(text);
const sctp = (port, ...addresses) => ({ type: 'sctp', port, use: 'data', addresses });
const poolHandle = octets('EchoPool');
const elementId = 0x12345678;
const server = { registrarId: 0x44444444, transport: sctp(9901, ownAddress, '2001:db8::254') };
const header = { sender: 0x44444444, receiver: 0 };

const transports = [
  sctp(7000, ownAddress, '2001:db8::1'),
  { type: 'sctp', port: 7000, use: 'data-and-control', addresses: [ownAddress] },
  { type: 'tcp', port: 7000, address: '2001:db8::1' },
  { type: 'tcp', port: 7000, address: ownAddress, use: 'data-and-control' },
  { type: 'udp', port: 7000, address: ownAddress },
  { type: 'udp-lite', port: 7000, address: ownAddress },
  { type: 'dccp', port: 7000, serviceCode: 0x31323334, address: ownAddress },
];
/** Private policies are shown raw, or not at all: they are left to the other scenarios. */
const policies = Object.entries(POLICY_FORMATS)
  .filter(([, { code }]) => code < 0xb0000000)
  .map(([type, { fields }]) => ({ type, ...Object.fromEntries(fields.map((field) => [field, 0x01020304])) }));
const elements = policies.map((policy, index) => ({
  id: elementId + index,
  homeRegistrar: 0,
  registrationLife: 30_000,
  userTransport: transports[index % transports.length],
  policy,
}));
const owned = elements.map((element) => ({
  ...element,
  homeRegistrar: 0x44444444,
  asapTransport: sctp(5000, ownAddress),
}));
/** Unspecified, invalid value with the parameter, unknown pool. */
const causes = [
  { code: 0, info: new Uint8Array(0) },
  { code: 3, info: Uint8Array.of(0, 14, 0, 8, 0, 0, 0, 0) },
  { code: 9, info: new Uint8Array(0) },
];

const asap = [
  ...elements.map((element) => ({ type: 'registration', poolHandle, element })),
  { type: 'deregistration', poolHandle, elementId },
  { type: 'registration-response', rejected: false, poolHandle, elementId, causes: [] },
  { type: 'registration-response', rejected: true, poolHandle, elementId, causes },
  { type: 'deregistration-response', poolHandle, elementId, causes: [] },
  { type: 'handle-resolution', sendUpdates: true, poolHandle: octets('odd'), items: 3 },
  { type: 'handle-resolution', sendUpdates: false, poolHandle },
  {
    type: 'handle-resolution-response',
    updatesAccepted: true,
    poolHandle,
    policy: policies[0],
    elements,
    causes: [],
  },
  { type: 'handle-resolution-response', updatesAccepted: false, poolHandle, elements: [], causes },
  { type: 'endpoint-keep-alive', becomeHome: true, registrarId: server.registrarId, poolHandle, elementId },
  { type: 'endpoint-keep-alive-ack', poolHandle, elementId },
  { type: 'endpoint-unreachable', poolHandle, elementId },
  { type: 'server-announce', registrarId: server.registrarId, transports: [sctp(3863, ownAddress)] },
  { type: 'cookie', cookie: octets('a cookie, any') },
  { type: 'cookie-echo', cookie: octets('a cookie, any') },
  { type: 'business-card', poolHandle, elements },
  { type: 'error', causes },
];
const enrp = [
  { type: 'presence', replyRequired: false, checksum: 0x29a5, server },
  { type: 'presence', replyRequired: true, checksum: 0xffff, server },
  { type: 'handle-table-request', ownOnly: true },
  { type: 'handle-table-response', rejected: true, more: false, pools: [] },
  { type: 'handle-table-response', rejected: false, more: true, pools: [{ poolHandle, elements: owned }] },
  { type: 'handle-update', takeoverSuggested: false, action: 'add', poolHandle, element: owned[0] },
  { type: 'handle-update', takeoverSuggested: true, action: 'delete', poolHandle, element: owned[1] },
  { type: 'list-request' },
  {
    type: 'list-response',
    rejected: false,
    servers: [server, { registrarId: 1, transport: sctp(9901, '2001:db8::7') }],
  },
  { type: 'list-response', rejected: true, servers: [] },
  { type: 'init-takeover', target: 0x77777777 },
  { type: 'init-takeover-ack', target: 0x77777777 },
  { type: 'takeover-server', target: 0x77777777 },
  { type: 'error', causes },
].map((message) => ({ ...header, ...message }));

/** What nobody would send to a registrar as well: its dissection counts, and that the registrar lives on. */
export const scenario = {
  title: 'every message of ASAP and ENRP, with every transport and standard policy: dissected, and survived',
  mustDissect: [
    ...Array.from({ length: 14 }, (_, index) => `ASAP 0x${(index + 1).toString(16).padStart(2, '0')}`),
    ...Array.from({ length: 10 }, (_, index) => `ENRP 0x${(index + 1).toString(16).padStart(2, '0')}`),
  ],
  async run(world) {
    const r1 = world.host('r1');
    const running = await registrar(world, r1, { id: 0x11111111 });
    await world.until('its registrar is ready', () => registrarReady(running));
    for (const { protocol, port, messages } of [
      { protocol: 11, port: 3863, messages: asap.map((message) => encodeAsap(message)) },
      { protocol: 12, port: 9901, messages: enrp.map((message) => encodeEnrp(message)) },
    ]) {
      const transport = new SctpTransport({ rule: { frameBytesMax: 65_536 }, protocol });
      let sent = 0;
      while (sent < messages.length) {
        const connection = await transport.connect({ host: r1.address, port, localAddress: ownAddress });
        connection.onFrame(() => {});
        // It aborts when it likes: what comes next goes over another association.
        while (connection.closed === null && sent < messages.length) {
          connection.send(messages[sent]);
          sent += 1;
          await pause(20);
        }
        connection.close();
      }
      world.step(`${sent} messages of protocol ${protocol} were sent`);
    }
    await world.until('its registrar lives and answers', async () => (await members(r1, 'nobody')) !== null);
    world.check('it did not end', running.end() === null);
  },
};

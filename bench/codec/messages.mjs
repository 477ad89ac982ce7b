// SPDX-License-Identifier: Apache-2.0

/* One typical message of each protocol, as our codecs take it. */

const poolHandle = new TextEncoder().encode('web');
const holder = (node, functionId) => ({ node, functionId, functionIncarnation: 0x1234567890abcdefn });

export const asapRegistration = {
  type: 'registration',
  poolHandle,
  element: {
    id: 0x12345678,
    homeRegistrar: 0,
    registrationLife: 300_000,
    userTransport: { type: 'tcp', port: 8080, address: '10.77.0.4' },
    policy: { type: 'least-used', load: 0x40000000 },
  },
};

const element = (id) => ({
  id,
  homeRegistrar: 0x0a0b0c0d,
  registrationLife: 300,
  userTransport: { type: 'tcp', port: 8080, address: `10.77.0.${id}` },
  policy: { type: 'least-used', load: 0x40000000 },
});

export const asapResolutionResponse = {
  type: 'handle-resolution-response',
  updatesAccepted: false,
  poolHandle,
  policy: { type: 'least-used', load: 0 },
  elements: [element(1), element(2), element(3)],
  causes: [],
};

/** As much as a registrar puts into one part of its table. */
export const enrpTableResponse = {
  type: 'handle-table-response',
  sender: 0x0a0b0c0d,
  receiver: 0x0d0c0b0a,
  rejected: false,
  more: true,
  pools: [{ poolHandle, elements: Array.from({ length: 23 }, (_, at) => element(at + 1)) }],
};

export const mobilityRegistration = {
  type: 'registration',
  sequence: 1,
  nodes: [
    {
      id: 10,
      addresses: ['192.0.2.10'],
      information: { capacityGhz: 2.4, memoryBytes: 8589934592n, bootTime: 0xed00378080000000n },
    },
  ],
};

export const leaseHeader = {
  sender: 1,
  receiver: 2,
  incarnation: 7n,
  sequence: 123_456n,
  councilId: 1,
  council: { generation: 1, number: 1, randomId: '00000000000000c0' },
  clockUs: 5_087_873_112_160n,
};

const slot = '00000000000000a1';

export const leaseRenewals = Array.from({ length: 8 }, (_, n) => ({
  type: 'renew',
  slot: (0xa0 + n).toString(16).padStart(16, '0'),
  serial: 1000 + n,
  round: 12,
}));

export const leaseAccept = [
  {
    type: 'accept',
    slot,
    serial: 77,
    round: 13,
    value: {
      holder: holder(2, 22),
      candidates: [holder(2, 22), holder(1, 21), holder(3, 23)].map(({ node, functionId }) => ({
        node,
        functionId,
        functionIncarnation: 0n,
      })),
      lastResort: { rule: 'never' },
      lossMark: false,
      leaseMs: 300,
      randomId: '00000000000000e5',
    },
  },
];

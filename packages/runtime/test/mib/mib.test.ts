// SPDX-License-Identifier: Apache-2.0
import { Registrar } from '@vnfpool/core/registrar';
import { elementTables, registrarTables, userTables } from '@vnfpool/runtime/mib';
import { expect, test } from 'vitest';

const random = { fraction: () => 0.5, u32: () => 7, u64: () => 7n };
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function registrar(): Registrar {
  const core = new Registrar({ registrarId: 0x0a0b0c0d, openRegistration: true }, random, () => true);
  core.handle(
    {
      type: 'association-opened',
      association: 1,
      identity: null,
      peer: {
        transport: 'sctp',
        addresses: ['10.0.0.11', '2001:db8::11'],
        asapTransport: { type: 'sctp', port: 49_152, use: 'data', addresses: ['10.0.0.11', '2001:db8::11'] },
      },
    },
    0,
  );
  core.handle(
    {
      type: 'message',
      association: 1,
      unrecognized: [],
      message: {
        type: 'registration',
        poolHandle: encode('EchoPool'),
        element: {
          id: 0x12345678,
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
    0,
  );
  return core;
}

test('a registrar with one element, in the columns of RFC 5525', () => {
  const tables = registrarTables(
    registrar().snapshot(1_000),
    {
      scope: 'lab',
      description: 'r1',
      uptimeMs: 12_340,
      enrp: [{ kind: 'sctp', addresses: ['10.0.0.1', 'fd00::1'], port: 9901 }],
      announce: { asap: { group: '224.0.1.185', port: 3863 }, enrp: null },
    },
    1_000,
  );
  expect(tables['rserpoolENRPTable']).toEqual({
    oid: '1.3.6.1.3.125.1.1.1',
    rows: [
      {
        rserpoolENRPIndex: 1,
        rserpoolENRPOperationScope: 'lab',
        rserpoolENRPIdentifier: '0x0a0b0c0d',
        rserpoolENRPDescription: 'r1',
        rserpoolENRPUptime: 1234,
        rserpoolENRPPort: 9901,
        rserpoolENRPASAPAnnouncePort: 3863,
        rserpoolENRPASAPAnnounceAddrType: 1,
        rserpoolENRPASAPAnnounceAddr: '224.0.1.185',
        rserpoolENRPENRPAnnouncePort: 0,
        rserpoolENRPENRPAnnounceAddrType: 0,
        rserpoolENRPENRPAnnounceAddr: '',
      },
    ],
  });
  expect(tables['rserpoolENRPPoolElementTable']).toEqual({
    oid: '1.3.6.1.3.125.1.1.4',
    rows: [
      {
        rserpoolENRPIndex: 1,
        rserpoolENRPPoolIndex: 1,
        rserpoolENRPPoolElementIndex: 1,
        rserpoolENRPPoolElementID: '0x12345678',
        rserpoolENRPASAPTransportPort: 49_152,
        rserpoolENRPUserTransportProto: 132,
        rserpoolENRPUserTransportPort: 4711,
        rserpoolENRPUserTransportUse: 2,
        rserpoolENRPPolicyID: '0x40000001',
        rserpoolENRPPolicyDescription: 'least-used',
        rserpoolENRPPolicyWeight: 0,
        rserpoolENRPPolicyLoad: 0x40000000,
        rserpoolENRPPolicyLoadDeg: 0,
        rserpoolENRPRegistrationLife: 29_900,
        rserpoolENRPHomeENRPServer: '0x0a0b0c0d',
      },
    ],
  });
  expect(tables['rserpoolENRPUserAddrTable']?.rows).toMatchObject([
    { rserpoolENRPUserAddrTableIndex: 1, rserpoolENRPUserL3Type: 1, rserpoolENRPUserL3Addr: '10.0.0.11' },
    { rserpoolENRPUserAddrTableIndex: 2, rserpoolENRPUserL3Type: 2, rserpoolENRPUserL3Addr: '2001:db8::11' },
  ]);
  expect(tables['rserpoolENRPASAPAddrTable']?.rows).toHaveLength(2);
  expect(tables['rserpoolENRPENRPAddrTable']?.rows).toHaveLength(2);
  expect(tables['rserpoolENRPPeerTable']?.rows).toEqual([]);
});

test('elements and users of a process; a life without end is the largest number', () => {
  const elements = elementTables([
    {
      scope: 'lab',
      pool: 'web',
      id: 1,
      description: 'web-1',
      uptimeMs: 10,
      userTransport: { type: 'opaque', data: Uint8Array.of(1, 2) },
      policy: { type: 'weighted-round-robin', weight: 3 },
      lifeMs: null,
      homeRegistrar: 0,
      asap: { addresses: [], port: 0 },
    },
  ]);
  expect(elements['rserpoolPETable']?.rows).toMatchObject([
    { rserpoolPEIndex: 1, rserpoolPERegistrationLife: 0xffffffff, rserpoolPEPolicyWeight: 3 },
  ]);
  expect(elements['rserpoolPEUserAddrTable']?.rows).toEqual([
    {
      rserpoolPEIndex: 1,
      rserpoolPEUserAddrTableIndex: 1,
      rserpoolPEUserL3Type: 0,
      rserpoolPEUserL3Addr: '',
      rserpoolPEUserL3Opaque: '0102',
    },
  ]);
  const users = userTables([{ scope: 'lab', pool: 'web', description: '', uptimeMs: 1_000 }]);
  expect(users['rserpoolPUTable']).toMatchObject({
    oid: '1.3.6.1.3.125.1.3.1',
    rows: [{ rserpoolPUIndex: 1, rserpoolPUUptime: 100 }],
  });
});

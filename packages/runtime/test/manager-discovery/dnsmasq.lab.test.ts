// SPDX-License-Identifier: Apache-2.0
import { dnsManagers, dnsQueries, type FoundManagers, managerKey } from '@vnfpool/runtime/manager-discovery';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findDnsmasq, type RunningDnsmasq, startDnsmasq } from './dnsmasq.ts';

const DOMAIN = 'vnfpool.example';
const RECORDS = [
  `--local=/${DOMAIN}/`,
  `--srv-host=_svcmob._tcp.${DOMAIN},m2.${DOMAIN},5002,20,0`,
  `--srv-host=_svcmob._tcp.${DOMAIN},m1.${DOMAIN},5001,10,5`,
  `--srv-host=_svcmob._tcp.${DOMAIN},gone.${DOMAIN},5003,30,0`,
  `--srv-host=_none._tcp.${DOMAIN}`,
  `--host-record=m1.${DOMAIN},192.0.2.1,2001:db8::1`,
  `--host-record=m2.${DOMAIN},192.0.2.2`,
];

const program = await findDnsmasq();
const missing = program.reason === undefined ? '' : `(skipped: ${program.reason})`;

describe.skipIf(missing !== '')(`managers by the answers of dnsmasq ${missing}`, () => {
  let dnsmasq: RunningDnsmasq;
  beforeAll(async () => {
    dnsmasq = await startDnsmasq(program, RECORDS);
  });
  afterAll(() => dnsmasq?.stop());

  const find = (
    of: { readonly domain?: string; readonly service?: string },
    signal: AbortSignal = new AbortController().signal,
  ): Promise<FoundManagers> =>
    dnsManagers({
      domain: DOMAIN,
      queries: dnsQueries([dnsmasq.server]),
      fraction: () => 0.5,
      ...of,
    }).find(signal);

  test('by priority, each target with all its addresses; one without is told', async () => {
    const { addresses, faults } = await find({});
    expect(addresses.map(managerKey)).toEqual(['192.0.2.1:5001', '[2001:db8::1]:5001', '192.0.2.2:5002']);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(`gone.${DOMAIN}`);
  });

  test('a name that is not there, and a service that is decidedly not', async () => {
    await expect(find({ service: '_other._tcp' })).rejects.toThrow(/ENOTFOUND|ENODATA/);
    await expect(find({ service: '_none._tcp' })).rejects.toThrow('it has no manager');
  });

  test('a question that is given up is not waited for', async () => {
    await expect(find({}, AbortSignal.abort(new Error('given up')))).rejects.toThrow('given up');
  });
});

test('a server that is none is told before anything is asked', () => {
  expect(() => dnsQueries(['dns.example'])).toThrow(TypeError);
});

// SPDX-License-Identifier: Apache-2.0
import type { DnsQueries } from './dns-queries.ts';
import { resolveAll } from './fixed-source.ts';
import type { ManagerSource } from './manager-address.ts';
import { srvOrder } from './srv-order.ts';

/** Service and protocol of the SRV records of managers where nothing else is said; it is not registered. */
export const SRV_SERVICE = '_svcmob._tcp';

export interface DnsManagersOptions {
  readonly domain: string;
  /** Default `SRV_SERVICE`. */
  readonly service?: string;
  readonly queries: DnsQueries;
  /** Random, from 0 up to but without 1. */
  readonly fraction: () => number;
}

/** More targets than this are not resolved: the best ones are among the first. */
const TARGETS_MAX = 16;

/** The managers that a domain names by SRV records, in the order of RFC 2782, drawn anew at each attempt. */
export function dnsManagers({
  domain,
  service = SRV_SERVICE,
  queries,
  fraction,
}: DnsManagersOptions): ManagerSource {
  const name = `${service}.${domain}`;
  return {
    name: `DNS ${name}`,
    find: async (signal) => {
      const records = await queries.srv(name, signal);
      const targets = srvOrder(records, fraction).filter(
        (record) => record.name !== '' && record.name !== '.',
      );
      if (targets.length === 0 && records.length > 0)
        throw new Error('the domain says that it has no manager (target ".")');
      const managers = targets
        .slice(0, TARGETS_MAX)
        .map((record) => ({ host: record.name, port: record.port }));
      return await resolveAll(managers, (host, until) => queries.addresses(host, until), signal);
    },
  };
}

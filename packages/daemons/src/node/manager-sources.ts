// SPDX-License-Identifier: Apache-2.0
import type { Credentials } from '@vnfpool/runtime/certificates';
import {
  dnsManagers,
  dnsQueries,
  fileManagers,
  fixedManagers,
  type ManagerAddress,
  type ManagerSource,
  type ResolveHost,
} from '@vnfpool/runtime/manager-discovery';
import { MOBILITY_PORT } from '../manager/config.ts';
import type { ManagerDiscovery } from './config.ts';
import { registrarManagers } from './registrar-source.ts';

export interface ManagerSourcesOptions {
  readonly discovery: ManagerDiscovery;
  /** Where the manager was that let us join. */
  readonly joined: ManagerAddress;
  readonly credentials: () => Credentials;
  /** Registrars that the set has, as the manager told last. */
  readonly registrars: () => readonly ManagerAddress[];
  /** Random, from 0 up to but without 1. */
  readonly fraction: () => number;
}

/** Where a node of a set looks for its manager, in order of preference. */
export function managerSources(options: ManagerSourcesOptions): readonly ManagerSource[] {
  const { discovery, joined, credentials, registrars, fraction } = options;
  const { addresses = [], dns, file, registrars: configured = [] } = discovery;
  const queries = dnsQueries(dns?.servers);
  const resolve: ResolveHost = (host, signal) => queries.addresses(host, signal);
  return [
    fixedManagers([...addresses, joined], resolve),
    ...(dns === undefined
      ? []
      : [
          dnsManagers({
            domain: dns.domain,
            ...(dns.service === undefined ? {} : { service: dns.service }),
            queries,
            fraction,
          }),
        ]),
    ...(file === undefined ? [] : [fileManagers(file, MOBILITY_PORT, resolve)]),
    registrarManagers({ credentials, registrars: () => [...configured, ...registrars()] }),
  ];
}

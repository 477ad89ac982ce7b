// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { profileOptions, type RegistrarOptions } from '@vnfpool/core/registrar';
import { PROFILES, type ProfileName, type RegistrarTuning } from '@vnfpool/core/scope';
import { EndpointError, formatEndpoint, type ScopeEndpoint } from '@vnfpool/runtime/endpoint';
import { FloodGuard, type Logger } from '@vnfpool/runtime/logging';
import { systemRandom } from '@vnfpool/runtime/random';
import { REGISTRAR_SOCKET } from '@vnfpool/runtime/runtime-folder';
import { type ScopeSecurity, scopeGuard } from '@vnfpool/runtime/scope-security';
import { scopeTransports, withoutMissing } from '@vnfpool/runtime/scope-transports';
import type { AnnounceOptions } from './announcements.ts';
import { drawIdentifier } from './identifier.ts';
import type { ReportTarget } from './reports.ts';
import { type RegistrarService, startRegistrarService } from './service.ts';

/** A registrar of a scope that is no vnfpool set. */
export interface StandaloneOptions {
  /** Names of the operational scope and of this registrar, for people. */
  readonly scope?: string;
  readonly description?: string;
  /** Folder of its status socket. */
  readonly folder: string;
  readonly profile: ProfileName;
  /** Who may talk to it, and how that is proven. */
  readonly security: ScopeSecurity;
  readonly asap: readonly ScopeEndpoint[];
  /** None: it has no peers. */
  readonly enrp: readonly ScopeEndpoint[];
  /** ENRP endpoints of registrars to join by. */
  readonly peers: readonly ScopeEndpoint[];
  /** Default random. */
  readonly id?: number;
  /** Address by which others reach a wildcard endpoint. */
  readonly address?: string;
  /** Multicast groups; what is absent is the profile's; null: none at all. */
  readonly announce: Partial<AnnounceOptions> | null;
  readonly tuning: RegistrarTuning;
  /** Whether elements are suggested to the peer that suits them best. */
  readonly suggestTakeover?: boolean;
  /** Who is told how we are. */
  readonly reports?: ReportTarget;
  readonly logger: Logger;
}

/**
 * A registrar on its own: no set, no manager, any other implementation among its peers.
 * @throws EndpointError, ScopeSecurityError, TransportError
 */
export async function runStandaloneRegistrar(options: StandaloneOptions): Promise<RegistrarService> {
  const { logger, announce, suggestTakeover } = options;
  const [asap, enrp, peers] = [options.asap, options.enrp, options.peers].map((wanted) => {
    const { endpoints, missing } = withoutMissing(wanted);
    if (missing !== null) logger.warn({ reason: missing }, 'no SCTP here: going on with TCP');
    return endpoints;
  }) as [readonly ScopeEndpoint[], readonly ScopeEndpoint[], readonly ScopeEndpoint[]];
  const profile = PROFILES[options.profile];
  const guard = scopeGuard(options.security, 'registrar');
  const check = (protocol: 'asap' | 'enrp', side: 'listen' | 'connect', endpoint: ScopeEndpoint): void => {
    const refusal = guard.refusal({ kind: endpoint.kind, protocol, side });
    if (refusal !== null) throw new EndpointError(`${formatEndpoint(endpoint)}: ${refusal}`);
  };
  for (const endpoint of asap) check('asap', 'listen', endpoint);
  for (const endpoint of enrp) check('enrp', 'listen', endpoint);
  for (const endpoint of peers) check('enrp', 'connect', endpoint);
  const refusals = new FloodGuard(logger);
  const transports = (protocol: 'asap' | 'enrp', endpoints: readonly ScopeEndpoint[]) =>
    scopeTransports(guard, {
      protocol,
      side: 'listen',
      kinds: endpoints.map(({ kind }) => kind),
      onHandshakeFailure: ({ address, reason }) =>
        refusals.warn('handshake', { protocol, address, reason }, 'peer refused'),
    });
  const core: RegistrarOptions = {
    ...profileOptions(profile),
    ...guard.registrarOptions,
    ...(suggestTakeover === undefined ? {} : { suggestTakeover }),
    ...options.tuning,
    registrarId: options.id ?? drawIdentifier(() => systemRandom().u32()),
  };
  const groups = {
    asap: profile.asapAnnounce,
    enrp: profile.enrpAnnounce,
    ttl: profile.announceTtl,
  };
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  return await startRegistrarService({
    scope: options.scope ?? '',
    description: options.description ?? '',
    core,
    authorize: guard.authorize,
    identityOf: (connection) => guard.identityOf(connection),
    transports: { asap: transports('asap', asap), enrp: transports('enrp', [...enrp, ...peers]) },
    listen: { asap, enrp },
    mentors: peers,
    ...(options.address === undefined ? {} : { address: options.address }),
    announce: announce === null ? null : { ...groups, ...announce },
    ...(options.reports === undefined ? {} : { reports: options.reports }),
    statusSocket: join(options.folder, REGISTRAR_SOCKET),
    logger,
  });
}

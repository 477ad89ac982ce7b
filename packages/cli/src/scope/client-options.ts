// SPDX-License-Identifier: Apache-2.0
import type { ClientOptions } from '@vnfpool/client';
import type { ScopeEndpoint } from '@vnfpool/runtime/endpoint';
import type { ScopeSecurity } from '@vnfpool/runtime/scope-security';
import type { Command } from 'commander';
import { anyAddressOption, type Group, groupOption } from '../commands/daemon-options.ts';
import { endpointOption, type ScopeOptions, withScope } from '../commands/scope-options.ts';
import { CliError } from '../errors.ts';
import { loadSecurity } from './load-security.ts';
import { Troubles } from './troubles.ts';

/** How an element or a user finds the registrars of its scope. */
export interface ClientScopeOptions extends ScopeOptions {
  readonly registrar?: readonly ScopeEndpoint[];
  readonly announcements?: boolean;
  readonly announceGroup?: Group;
  readonly announceInterface?: string;
}

/** Adds what an element or a user needs to know of its scope. */
export function withClientScope(command: Command): Command {
  return withScope(command)
    .addOption(
      endpointOption(
        '--registrar <endpoint>',
        'a registrar of the scope; repeat; default on this machine',
        'asap',
      ),
    )
    .option('--announcements', 'also find registrars by their announcements')
    .addOption(
      groupOption('--announce-group <group:port>', "where these are heard; default the profile's").implies({
        announcements: true,
      }),
    )
    .addOption(
      anyAddressOption(
        '--announce-interface <address>',
        'address of the interface on which these are heard',
      ).implies({ announcements: true }),
    );
}

/** What a client of the scope is made with, and what it hears of registrars. */
export interface ClientScopeValues {
  readonly options: ClientOptions;
  readonly security: ScopeSecurity;
  readonly troubles: Troubles;
}

/** @throws CliError 2 for what cannot be meant, 1 for a file of security that cannot be used */
export async function clientScope(
  said: ClientScopeOptions,
  as: 'element' | 'user',
): Promise<ClientScopeValues> {
  const { formatEndpoint, parseEndpoint } = await import('@vnfpool/runtime/endpoint');
  const { scopeGuard } = await import('@vnfpool/runtime/scope-security');
  if (said.open !== true && said.security === undefined)
    throw new CliError(
      2,
      'who may do what in this scope? Say --security FILE, or --open in a closed network',
    );
  const security = await loadSecurity(said.security, as);
  const guard = scopeGuard(security, as);
  const { announcements = false, profile } = said;
  const here = parseEndpoint(`${guard.secured ? 'tls' : 'tcp'}://127.0.0.1`, 'asap');
  const endpoints = said.registrar ?? (announcements ? [] : [here]);
  for (const endpoint of endpoints) {
    const refusal = guard.refusal({ kind: endpoint.kind, protocol: 'asap', side: 'connect' });
    if (refusal !== null) throw new CliError(2, `--registrar ${formatEndpoint(endpoint)}: ${refusal}`);
  }
  const registrars = endpoints.map(({ kind, addresses, port }) => ({
    host: addresses[0] ?? '127.0.0.1',
    port,
    transport: kind === 'mptcp' ? ('tcp' as const) : kind,
    ...(addresses.length > 1 ? { addresses } : {}),
  }));
  const troubles = new Troubles();
  const options = {
    registrars,
    security: security.kind === 'open' ? ('open' as const) : security,
    profile,
    announcements: announcements && (await groupToHear(said)),
    onTrouble: (trouble: { registrar: string; reason: string }) => troubles.note(trouble),
  };
  return { options, security, troubles };
}

/** The group where announcements are heard; true: the profile's, on the system's choice of interface. */
async function groupToHear(
  said: ClientScopeOptions,
): Promise<true | { group: string; port: number; interface?: string }> {
  const { announceGroup, announceInterface } = said;
  if (announceGroup === undefined && announceInterface === undefined) return true;
  const { PROFILES } = await import('@vnfpool/core/scope');
  return {
    ...(announceGroup ?? PROFILES[said.profile].asapAnnounce),
    ...(announceInterface === undefined ? {} : { interface: announceInterface }),
  };
}

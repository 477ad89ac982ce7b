// SPDX-License-Identifier: Apache-2.0
import type { ClientOptions } from '@vnfpool/client';
import type { ScopeEndpoint } from '@vnfpool/runtime/endpoint';
import type { Command } from 'commander';
import { endpointOption, type ScopeOptions, withScope } from '../commands/scope-options.ts';
import { CliError } from '../errors.ts';

/** How an element or a user finds the registrars of its scope. */
export interface ClientScopeOptions extends ScopeOptions {
  readonly registrar?: readonly ScopeEndpoint[];
  readonly announcements?: boolean;
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
    .option('--announcements', 'also find registrars by their announcements');
}

/** @throws CliError, ScopeSecurityError */
export async function clientOptions(options: ClientScopeOptions): Promise<ClientOptions> {
  const { loadScopeSecurity } = await import('@vnfpool/runtime/scope-security');
  const { parseEndpoint } = await import('@vnfpool/runtime/endpoint');
  if (options.open !== true && options.security === undefined)
    throw new CliError(
      2,
      'who may do what in this scope? Say --security FILE, or --open in a closed network',
    );
  const security = options.security === undefined ? 'open' : loadScopeSecurity(options.security);
  const { announcements = false, profile } = options;
  const here = parseEndpoint(`${security === 'open' ? 'tcp' : 'tls'}://127.0.0.1`, 'asap');
  const said = options.registrar ?? (announcements ? [] : [here]);
  const registrars = said.map(({ kind, addresses, port }) => ({
    host: addresses[0] ?? '127.0.0.1',
    port,
    transport: kind === 'mptcp' ? ('tcp' as const) : kind,
    ...(addresses.length > 1 ? { addresses } : {}),
  }));
  return { registrars, security, profile, announcements };
}

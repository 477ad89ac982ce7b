// SPDX-License-Identifier: Apache-2.0
import type { ScopeSecurity } from '@vnfpool/runtime/scope-security';
import { CliError } from '../errors.ts';

/**
 * The security of a scope by its file; none: open.
 * @param as What runs by it. Only registrars hold the keys of others, so one must be called that
 * @throws CliError 1 naming the file and what is wrong with it
 */
export async function loadSecurity(
  file: string | undefined,
  as: 'registrar' | 'element' | 'user',
): Promise<ScopeSecurity> {
  if (file === undefined) return { kind: 'open' };
  const { loadScopeSecurity, ScopeSecurityError } = await import('@vnfpool/runtime/scope-security');
  try {
    const security = loadScopeSecurity(file);
    if (as === 'registrar' && security.kind === 'psk' && !security.identity.startsWith('registrar/'))
      throw new CliError(1, `${file}: identity: ${security.identity} is no registrar's, say registrar/NAME`);
    return security;
  } catch (error) {
    if (!(error instanceof ScopeSecurityError)) throw error;
    const { message } = error;
    throw new CliError(1, message.includes(file) ? message : `${file}: ${message}`);
  }
}

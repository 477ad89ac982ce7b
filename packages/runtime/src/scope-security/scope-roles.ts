// SPDX-License-Identifier: Apache-2.0
import { type CertificateRole, roles } from '../certificates/identity.ts';
import type { ScopeRole } from './scope-guard.ts';

type Protocol = 'asap' | 'enrp';

/** Who may connect to us. */
export function acceptedRoles(as: ScopeRole, protocol: Protocol): readonly CertificateRole[] {
  if (as === 'registrar' && protocol === 'asap') return roles;
  return as === 'user' ? [] : ['registrar'];
}

/** Whom we may find where we connect to: a registrar also calls on elements that it takes over. */
export function servingRoles(as: ScopeRole, protocol: Protocol): readonly CertificateRole[] {
  return as === 'registrar' && protocol === 'asap' ? ['element', 'node'] : ['registrar'];
}

export function mayRegister(role: CertificateRole): boolean {
  return role === 'node' || role === 'element' || role === 'manager';
}

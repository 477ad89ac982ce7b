// SPDX-License-Identifier: Apache-2.0
import type { Identity } from '@vnfpool/core/registrar';
import { type PoolElement, transportAddresses } from '@vnfpool/wire/parameters';
import { roles } from '../certificates/identity.ts';
import { isInRange, parseAddressRange } from './address-range.ts';
import type { RegistrationRule } from './description.ts';
import { ScopeSecurityError } from './errors.ts';
import { matchesPattern } from './pattern.ts';

/** An identity with the addresses it came from, as `identityOf` gives it. */
export interface ScopeIdentity extends Identity {
  readonly addresses: readonly string[];
}

export type RuleCheck = (identity: Identity, poolHandle: Uint8Array, element: PoolElement) => boolean;

/** Rules at most. */
const RULES_MAX = 1024;

/**
 * Whether any rule allows a registration; without rules nothing is allowed.
 * @throws ScopeSecurityError for a rule that cannot be read
 */
export function registrationRules(rules: readonly RegistrationRule[]): RuleCheck {
  if (rules.length > RULES_MAX)
    throw new ScopeSecurityError('description', `${rules.length} rules, at most ${RULES_MAX} are read`);
  const checks = rules.map(ruleCheck);
  return (identity, poolHandle, element) => checks.some((allows) => allows(identity, poolHandle, element));
}

function ruleCheck(rule: RegistrationRule): RuleCheck {
  const { who, pools, addresses } = rule;
  const role = who.split('/')[0] ?? '';
  if (!who.includes('/') || !(role.includes('*') || roles.some((each) => each === role))) {
    throw new ScopeSecurityError(
      'description',
      `"${who}" is not ROLE/NAME with a role of: ${roles.join(', ')}`,
    );
  }
  const isPool = pools.map(poolCheck);
  const anywhere = addresses?.includes('*') === true;
  const ranges = anywhere ? undefined : addresses?.map(parseAddressRange);
  return (identity, poolHandle, element) => {
    if (!matchesPattern(who, `${identity.role}/${identity.name}`)) return false;
    if (!isPool.some((matches) => matches(poolHandle))) return false;
    if (anywhere) return true;
    const wanted = transportAddresses(element.userTransport);
    // An opaque transport may hold any address, so it is for those only who may have any.
    if (wanted.length === 0) return false;
    if (ranges !== undefined)
      return wanted.every((address) => ranges.some((range) => isInRange(address, range)));
    const own = addressesOf(identity);
    return wanted.every((address) => own.includes(address));
  };
}

function addressesOf(identity: Identity): readonly string[] {
  return 'addresses' in identity ? (identity as ScopeIdentity).addresses : [];
}

/** `0x…` is a handle in hexadecimal, anything else a pattern of a handle that is UTF-8; `*` fits others too. */
function poolCheck(pattern: string): (poolHandle: Uint8Array) => boolean {
  if (pattern === '*') return () => true;
  if (pattern.startsWith('0x')) {
    const digits = pattern.slice(2).toLowerCase();
    if (!/^(?:[0-9a-f]{2})+$/.test(digits))
      throw new ScopeSecurityError('description', `"${pattern}" is no pool handle in hexadecimal`);
    return (poolHandle) => Buffer.from(poolHandle).toString('hex') === digits;
  }
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return (poolHandle) => {
    try {
      return matchesPattern(pattern, decoder.decode(poolHandle));
    } catch {
      return false;
    }
  };
}

// SPDX-License-Identifier: Apache-2.0
import type { OtherPolicy, Policy } from '@vnfpool/wire/parameters';
import { PRIVATE_POLICIES, RFC5356_POLICIES } from './formulas.ts';
import type { SelectionPolicy } from './selector.ts';

/**
 * A policy from outside. The wire knows it as `{ type: 'other', code, data }`: reading `data` is its business. Every
 * registrar, element and user of the pool needs it; a user without it takes elements in the registrar's order.
 */
export interface CustomPolicy extends SelectionPolicy {
  /** Whether the values are well formed; an element whose values are not is refused. Default: whatever they are. */
  readonly accepts?: (policy: OtherPolicy) => boolean;
}

/** The policies that one can select by. */
export interface PolicyTable {
  /** undefined: we cannot select by it, or its values are not well formed. */
  find(policy: Policy): SelectionPolicy | undefined;
}

/**
 * All policies of RFC 5356, those of rsplib, and `extra`.
 *
 * @throws RangeError when a code is not a policy type, or is taken
 */
export function policyTable(extra: readonly CustomPolicy[] = []): PolicyTable {
  const known = new Map([...RFC5356_POLICIES, ...PRIVATE_POLICIES].map((one) => [one.name, one]));
  const names = new Map([...known.values()].map(({ code, name }) => [code, name]));
  const own = new Map<number, CustomPolicy>();
  for (const policy of extra) {
    const { code, name } = policy;
    if (code !== code >>> 0 || code === 0 || code === 0x40000000)
      throw new RangeError(`policy ${name}: ${code} is no policy type`);
    const taken = names.get(code);
    if (taken !== undefined) throw new RangeError(`policy ${name}: its code is that of ${taken}`);
    names.set(code, name);
    own.set(code, policy);
  }
  return {
    find(policy) {
      if (policy.type !== 'other') return known.get(policy.type);
      const found = own.get(policy.code);
      return found?.accepts?.(policy) === false ? undefined : found;
    },
  };
}

/** Without anything of one's own. */
export const POLICIES: PolicyTable = policyTable();

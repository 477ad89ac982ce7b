// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '@vnfpool/wire/parameters';
import type { AgentOutput, ElementPolicy } from './types.ts';

type Register = AgentOutput & { type: 'register' };

/** A policy as it stands on the wire: loads are fixed point, 0 to 2^32 - 1 for 0 to 100 %. @see RFC 5356 §4.6 */
export function wirePolicy(policy: ElementPolicy): Policy {
  switch (policy.type) {
    case 'least-used':
      return { type: 'least-used', load: Math.round(policy.load * 0xffffffff) };
    case 'priority':
    case 'round-robin':
      return policy;
  }
}

/** What tells one registration from another: `pool handle/function`. */
export function registrationKey(output: {
  readonly poolHandle: string;
  readonly functionId: number;
}): string {
  return `${output.poolHandle}/${output.functionId}`;
}

/** Whether only the policy's values differ, so that an update will do. */
export function isSamePlace(a: Register, b: Register): boolean {
  return a.address === b.address && a.port === b.port && a.policy.type === b.policy.type;
}

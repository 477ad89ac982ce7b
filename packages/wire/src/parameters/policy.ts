// SPDX-License-Identifier: Apache-2.0
import { type ByteWriter, WireError } from '../bytes/index.ts';
import { beginTlv, decodeTlv, endTlv, PARAMETER, type Tlv } from './tlv.ts';

/**
 * Pool policies by name: their number, and their 32-bit fields in wire order. Those from 0xb0000000 on are
 * private ones of rsplib. Load, degradation and the distance penalty factors are fixed point,
 * 0…0xffffffff for 0…100 %; weight and priority are plain; distance is in milliseconds.
 * @see RFC 5356 §3
 */
export const POLICY_FORMATS = {
  'round-robin': { code: 0x00000001, fields: [] },
  'weighted-round-robin': { code: 0x00000002, fields: ['weight'] },
  random: { code: 0x00000003, fields: [] },
  'weighted-random': { code: 0x00000004, fields: ['weight'] },
  priority: { code: 0x00000005, fields: ['priority'] },
  'least-used': { code: 0x40000001, fields: ['load'] },
  'least-used-degradation': { code: 0x40000002, fields: ['load', 'degradation'] },
  'priority-least-used': { code: 0x40000003, fields: ['load', 'degradation'] },
  'randomized-least-used': { code: 0x40000004, fields: ['load'] },
  'randomized-priority-least-used': { code: 0xb0001001, fields: ['load', 'degradation'] },
  'randomized-least-used-degradation': { code: 0xb0001002, fields: ['load', 'degradation'] },
  'priority-least-used-degradation': { code: 0xb0001003, fields: ['load', 'degradation'] },
  'randomized-priority-least-used-degradation': { code: 0xb0001004, fields: ['load', 'degradation'] },
  'weighted-random-distance': { code: 0xb0002001, fields: ['weight', 'weightDistancePenalty', 'distance'] },
  'least-used-distance': { code: 0xb0002002, fields: ['load', 'loadDistancePenalty', 'distance'] },
  'least-used-degradation-distance': {
    code: 0xb0002003,
    fields: ['load', 'degradation', 'loadDistancePenalty', 'distance'],
  },
} as const;

export type KnownPolicyType = keyof typeof POLICY_FORMATS;

/** A policy type with this element's values. */
export type KnownPolicy = {
  readonly [T in KnownPolicyType]: { readonly type: T } & {
    readonly [F in (typeof POLICY_FORMATS)[T]['fields'][number]]: number;
  };
}[KnownPolicyType];

/** A policy that we cannot interpret. */
export interface OtherPolicy {
  readonly type: 'other';
  readonly code: number;
  readonly data: Uint8Array;
}

export type Policy = KnownPolicy | OtherPolicy;

/** The 32-bit number of a policy. */
export function policyCode(policy: Policy): number {
  return policy.type === 'other' ? policy.code : POLICY_FORMATS[policy.type].code;
}

const BY_CODE: ReadonlyMap<number, KnownPolicyType> = new Map(
  Object.entries(POLICY_FORMATS).map(([type, { code }]) => [code, type as KnownPolicyType]),
);

/** Reads a Pool Member Selection Policy; octets behind the fields that its type needs are ignored. */
export function readPolicy(tlv: Tlv): Policy {
  return decodeTlv(tlv, (value): Policy => {
    const at = value.offset;
    const code = value.u32();
    if (code === 0 || code === 0x40000000) throw new WireError('value', at, `policy 0x${code.toString(16)}`);
    const type = BY_CODE.get(code);
    if (type === undefined) return { type: 'other', code, data: value.rest() };
    const policy: Record<string, unknown> = { type };
    for (const field of POLICY_FORMATS[type].fields) policy[field] = value.u32();
    value.rest();
    // The table gave exactly the fields of this type.
    return policy as unknown as KnownPolicy;
  });
}

export function writePolicy(writer: ByteWriter, policy: Policy): void {
  const start = beginTlv(writer, PARAMETER.policy);
  if (policy.type === 'other') {
    writer.u32(policy.code).bytes(policy.data);
  } else {
    const { code, fields } = POLICY_FORMATS[policy.type];
    writer.u32(code);
    const values: Readonly<Record<string, unknown>> = policy;
    for (const field of fields) writer.u32(values[field] as number);
  }
  endTlv(writer, start);
}

// SPDX-License-Identifier: Apache-2.0
import type { LeaseCouncilVersion } from '@vnfpool/wire/lease';

/** How version `a` stands to `b`; `unrelated`: same generation and number, another random id. */
export function compareCouncils(
  a: LeaseCouncilVersion,
  b: LeaseCouncilVersion,
): 'lower' | 'same' | 'higher' | 'unrelated' {
  if (a.generation !== b.generation) return a.generation < b.generation ? 'lower' : 'higher';
  if (a.number !== b.number) return a.number < b.number ? 'lower' : 'higher';
  return a.randomId === b.randomId ? 'same' : 'unrelated';
}

// SPDX-License-Identifier: Apache-2.0
import type { LeaseCouncilVersion } from '@vnfpool/wire/lease';
import type { CouncilNumber } from './record.ts';

/** Digits of a version's random id that all councils of one generation share. */
const LINEAGE_DIGITS = 8;

/**
 * How version `a` stands to `b`. `unrelated`: same generation and number, another random id. `rival`: same generation
 * from another beginning: two persons decided, each for a council of their own.
 */
export function compareCouncils(
  a: LeaseCouncilVersion,
  b: LeaseCouncilVersion,
): 'lower' | 'same' | 'higher' | 'unrelated' | 'rival' {
  if (a.generation !== b.generation) return a.generation < b.generation ? 'lower' : 'higher';
  if (lineageOf(a) !== lineageOf(b)) return 'rival';
  if (a.number !== b.number) return a.number < b.number ? 'lower' : 'higher';
  return a.randomId === b.randomId ? 'same' : 'unrelated';
}

/** The version that follows on `version` in its generation; `random`: 8 hexadecimal digits. */
export function nextVersion(version: LeaseCouncilVersion, random: string): LeaseCouncilVersion {
  const { generation, number } = version;
  return { generation, number: number + 1, randomId: lineageOf(version) + random };
}

/** Whether a council came before another one. */
export function isBefore(a: CouncilNumber, b: CouncilNumber): boolean {
  return a.generation < b.generation || (a.generation === b.generation && a.number < b.number);
}

function lineageOf({ randomId }: LeaseCouncilVersion): string {
  return randomId.slice(0, LINEAGE_DIGITS);
}

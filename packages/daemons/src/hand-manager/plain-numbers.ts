// SPDX-License-Identifier: Apache-2.0
import type { MobilityMessage, NodePart } from '@vnfpool/wire/mobility';

const SPACE = 2 ** 24;
/** Numbers a second: more than a manager uses over time, and half the space lasts for 12 days. */
const STEP_MS = 125;

/**
 * Where the numbers of messages begin to a node that cannot tell that we are another process: it answers a number that
 * an earlier manager used from memory, and carries nothing out. Nothing is written down here, so the wall clock tells.
 *
 * @returns 1 to 2^24 - 1
 */
export function numberOfNow(unixMs: number): number {
  return Math.max(1, Math.floor(unixMs / STEP_MS) % SPACE);
}

/** The boot time of a REGISTRATION that knows no extensions; null: it is something else. */
export function plainRegistration(message: MobilityMessage): bigint | null {
  if (message.type !== 'registration') return null;
  const part: NodePart | undefined = message.nodes[0];
  return part?.extensions?.hello === undefined ? (part?.information?.bootTime ?? 0n) : null;
}

// SPDX-License-Identifier: Apache-2.0
import type { AgentOutput } from './types.ts';

/** For sorting: somebody waits for a release, and what else happens may only happen once it is kept. */
export function inOrder(a: AgentOutput, b: AgentOutput): number {
  return rank(a) - rank(b);
}

function rank({ type }: AgentOutput): number {
  return type === 'release'
    ? 0
    : type === 'keep' || type === 'keep-failovers'
      ? 1
      : type === 'cookie-secrets'
        ? 2
        : 3;
}

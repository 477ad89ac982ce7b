// SPDX-License-Identifier: Apache-2.0
import type { AgentOutput } from '@vnfpool/core/agent';
import type { ToWorker } from './worker-messages.ts';

/** What the agent core says to the lease worker, in the lease engine's words. */
export function toWorker(
  output: Extract<AgentOutput, { type: 'candidate' | 'no-candidate' | 'release' | 'hand-over' }>,
): ToWorker {
  switch (output.type) {
    case 'candidate': {
      const { slot, functionId, incarnation, ready, rank, state, pid = null } = output;
      return {
        type: 'candidate-state',
        slot,
        functionId,
        functionIncarnation: BigInt(`0x${incarnation}`),
        ready,
        rank,
        ...(state && { state }),
        pid,
      };
    }
    case 'no-candidate':
      return { type: 'candidate-gone', slot: output.slot, functionId: output.functionId };
    case 'release':
      return { type: 'release', slot: output.slot, reason: releaseReason(output.cause) };
    case 'hand-over':
      return { type: 'hand-over', slot: output.slot, to: output.to, nonce: output.nonce };
  }
}

function releaseReason(cause: string): 'function-exit' | 'function-unhealthy' | 'operator' {
  return cause === 'function-exit' || cause === 'function-unhealthy' ? cause : 'operator';
}

// SPDX-License-Identifier: Apache-2.0
import { systemRandom } from '@vnfpool/runtime/random';
import type { FunctionSideOptions } from '../function-side.ts';
import { nextIncarnation } from './incarnation.ts';
import { PoolStates } from './pool-states.ts';

/** Null where there is no transport for it. @param onChanged which state is for which function may have changed */
export function openPoolStates(options: FunctionSideOptions, onChanged: () => void): PoolStates | null {
  const { replication, folder, peerOf, clock, clocks, give, logger, onFault } = options;
  if (replication === undefined) return null;
  const wallMs = (): number => clocks.wallMs();
  return new PoolStates({
    self: options.self(),
    incarnation: () => nextIncarnation(folder, wallMs()),
    transport: replication.transport,
    nodeOf: peerOf,
    random: systemRandom(),
    clock,
    wallMs,
    give,
    onChanged,
    logger,
    onFault,
  });
}

// SPDX-License-Identifier: Apache-2.0
import type { DriverFault } from '../driver/core-driver.ts';
import type { Logger } from '../logging/logger.ts';

/** Exit code after a programmer's error: a supervisor starts the daemon anew from what is on disk. */
export const faultExitCode = 70;

/**
 * The daemons' policy for a fault of a driver: log it with the state, then exit. A core that threw half-way may
 * have promised what it does not remember; its durable records are the better witness.
 * @param state What to log of the daemon's state; must not throw.
 */
export function exitOnFault(
  logger: Logger,
  state: () => unknown = () => undefined,
  exit: (code: number) => void = (code) => process.exit(code),
): (fault: DriverFault) => void {
  return ({ error, during, subject, pendingOutputs }) => {
    logger.fatal({ err: error, during, subject, pendingOutputs, state: state() }, 'internal error');
    exit(faultExitCode);
  };
}

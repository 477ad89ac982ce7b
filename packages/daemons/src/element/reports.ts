// SPDX-License-Identifier: Apache-2.0
import { componentId, StatusReporter } from '@vnfpool/runtime/component-status';
import type { Logger } from '@vnfpool/runtime/logging';

/** A monitor of component status reports. */
export interface ElementReportTarget {
  readonly address: string;
  readonly port: number;
  readonly everyMs: number;
  /** Where we run, for people. */
  readonly location: string;
}

/** Tells a monitor whether an element is in its pool. */
export function reportElement(
  { address, port, everyMs, location }: ElementReportTarget,
  id: number,
  status: () => string,
  logger: Logger,
): StatusReporter {
  return new StatusReporter({
    to: { address, port },
    intervalMs: everyMs,
    sender: componentId('poolElement', id),
    location,
    report: () => ({ status: status(), workload: null, associations: [] }),
    onTrouble: (error) => logger.debug({ reason: error.message }, 'a status report could not be sent'),
  });
}

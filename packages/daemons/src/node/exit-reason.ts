// SPDX-License-Identifier: Apache-2.0
import type { FunctionGroup } from '@vnfpool/platform/cgroups';
import type { ProgramExit } from '@vnfpool/platform/processes';
import type { FunctionLimits } from '@vnfpool/wire/mobility';

/** Says so when the kernel ended it for its memory; '' otherwise. */
export function memoryReason(group: FunctionGroup, { memoryBytes }: FunctionLimits): string {
  if (memoryBytes === undefined) return '';
  try {
    const { memoryKills } = group.statistics();
    return memoryKills ? `: it wanted more memory than its limit of ${memoryBytes} octets` : '';
  } catch {
    return '';
  }
}

/** How a program ended, for people; `why` is added where a signal or an exit code does not say it. */
export function exitReason({ status, signal, failure }: ProgramExit, program: string, why: string): string {
  if (failure !== undefined) return failure;
  if (status === null && signal === null) return `ended, nobody saw how${why}`;
  if (signal !== null) return `killed by ${signal}${why}`;
  return status === 127 ? `exit code 127: is there a program ${program}?` : `exit code ${status}${why}`;
}

// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { readProcessStat } from '@vnfpool/platform/processes';

/** The boot, and in a container its first process: process numbers and CLOCK_BOOTTIME mean nothing in another one. */
export function thisMachine(): string {
  return `${bootId()}/${readProcessStat(1)?.startTicks ?? ''}`;
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { FaultView } from '@vnfpool/core/management';
import { plain } from './plain.ts';

/** `set.yaml:7:5 pools.web.redundancy.slots: must be at least 1`: editors jump to it. */
export function faultLine(fault: FaultView): string {
  const path = fault.path === '' ? '' : `${fault.path}: `;
  return plain(`${fault.file}:${fault.line}:${fault.column} ${path}${fault.message}`, 'one line');
}

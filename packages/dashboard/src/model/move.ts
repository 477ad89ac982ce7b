// SPDX-License-Identifier: Apache-2.0
import type { MoveView } from '@vnfpool/core/management';
import { formatMs } from './format.ts';

/** How a move goes, in one sentence. */
export function describeMove(move: MoveView): string {
  const { to, phase, bytes, bytesTotal, expectedPauseMs, expectedEndMs } = move;
  if (phase === 'preparing') return `a copy of it is started on ${to}`;
  if (phase === 'switching') return `its state is on ${to}, and its slot follows`;
  if (!bytes) return `its state goes to ${to}`;
  const total = bytesTotal === null ? '' : ` of ${megabytes(Math.max(bytes, bytesTotal))}`;
  const pause =
    expectedPauseMs === null ? '' : `; it will stand still for about ${formatMs(expectedPauseMs)}`;
  const left = expectedEndMs === null ? '' : `, ${formatMs(expectedEndMs)} left`;
  return `${megabytes(bytes)}${total} of its state are on ${to}${left}${pause}`;
}

function megabytes(bytes: number): string {
  const size = bytes / 1_000_000;
  return `${size >= 10 ? Math.round(size) : size.toFixed(1)} MB`;
}

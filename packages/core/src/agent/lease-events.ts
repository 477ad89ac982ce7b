// SPDX-License-Identifier: Apache-2.0
import type { NodeLeasesOutput } from '../lease/index.ts';

interface LeaseEvent {
  readonly type: 'event';
  readonly severity: 'info' | 'warning' | 'error';
  readonly message: string;
}

/** What people should know of what the lease engines of `own` node said. */
export function leaseEvent(
  output: NodeLeasesOutput & { type: 'clock' | 'hand-over-failed' | 'rejected' },
  own: number,
): LeaseEvent {
  switch (output.type) {
    case 'clock':
      return { type: 'event', ...clockEvent(output, own) };
    case 'hand-over-failed':
      return warning(`hand-over of slot ${output.slot} failed: ${output.reason}`);
    case 'rejected':
      return warning(`lease input from node ${output.from} refused: ${output.reason}`);
  }
}

function warning(message: string): LeaseEvent {
  return { type: 'event', severity: 'warning', message };
}

function clockEvent(
  { node, isOutside, deviation }: NodeLeasesOutput & { type: 'clock' },
  own: number,
): { severity: 'info' | 'error'; message: string } {
  const whose = node === own ? "this node's clock" : `the clock of node ${node}`;
  if (!isOutside) return { severity: 'info', message: `${whose} runs at the rate of the others again` };
  const percent = `${(Math.abs(deviation) * 100).toFixed(2)} %`;
  const message = `${whose} is ${percent} ${deviation > 0 ? 'faster' : 'slower'} than the others: that node neither votes nor holds a slot until it is not`;
  return { severity: 'error', message };
}

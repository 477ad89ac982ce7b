// SPDX-License-Identifier: Apache-2.0
import type { LeaseInput, LeaseOutput } from '@vnfpool/core/lease';
import type { LeaseMessage } from '@vnfpool/wire/lease';
import type { FenceWrite } from './fence-model.ts';

/** An output, or the second half of a fence write: between the halves the process may be paused. */
export type Action =
  | LeaseOutput
  | { readonly type: 'fence-write'; readonly slot: string; readonly write: FenceWrite };

/** One line for a person who reads a trace. */
export function describe(what: LeaseInput | Action): string {
  if (what.type === 'configure') return 'configure';
  if (what.type === 'datagram') return `from ${what.from}: ${what.messages.map(describeMessage).join('; ')}`;
  if (what.type === 'send') return `to ${what.to}: ${what.messages.map(describeMessage).join('; ')}`;
  if (what.type === 'persist') {
    return `persist ${what.records
      .map((record) =>
        record.type === 'council'
          ? 'council'
          : `${record.slot.slice(-2)} promised ${record.promised.round}@${record.promised.proposer.node}${record.promised.closed ? ' closed' : ''}` +
            ` accepted ${record.accepted.round}@${record.accepted.proposer.node} ${record.accepted.released ?? ''}`,
      )
      .join('; ')}`;
  }
  return JSON.stringify(what, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
}

export function describeMessage(message: LeaseMessage): string {
  const { type, serial, round } = message;
  const more =
    message.type === 'refuse'
      ? ` ${message.reason} promised ${message.promised} left ${message.timeLeftMs.toFixed(2)}`
      : message.type === 'release'
        ? ` ${message.reason}${message.successor ? ` to ${message.successor.proposer.node}` : ''}`
        : '';
  return `${message.slot.slice(-2)} ${type} round ${round} serial ${serial}${more}`;
}

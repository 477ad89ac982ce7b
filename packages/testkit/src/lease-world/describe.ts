// SPDX-License-Identifier: Apache-2.0
import type { CouncilRecord, LeaseInput, LeaseOutput } from '@vnfpool/core/lease';
import type { LeaseMessage } from '@vnfpool/wire/lease';
import type { FenceWrite } from './fence-model.ts';

/** An output, or the second half of a fence write: between the halves the process may be paused. */
export type Action = LeaseOutput | { readonly type: 'fence-write'; readonly write: FenceWrite };

/** One line for a person who reads a trace. */
export function describe(what: LeaseInput | Action): string {
  if (what.type === 'configure') {
    const { version, members, next } = what.council;
    const then = next ? `, then ${next.members.join(' ')}` : '';
    return `configure council ${version.generation}.${version.number}: ${members.join(' ')}${then}`;
  }
  if (what.type === 'council') return describeCouncil(what.council);
  if (what.type === 'datagrams') return what.datagrams.map(describe).join(' | ');
  if (what.type === 'datagram') return `from ${what.from}: ${what.messages.map(describeMessage).join('; ')}`;
  if (what.type === 'send') return `to ${what.to}: ${what.messages.map(describeMessage).join('; ')}`;
  if (what.type === 'fence-write') return `fence-write ${[...what.write.ends.keys()].join(' ')}`;
  if (what.type === 'persist') {
    return `persist ${what.records
      .map((record) =>
        record.type === 'council'
          ? describeCouncil(record)
          : record.type !== 'slot'
            ? record.type
            : `${record.slot.slice(-2)} promised ${record.promised.round}@${record.promised.proposer.node}${record.promised.closed ? ' closed' : ''}${record.promised.isHeirs ? ' heir' : ''}` +
              ` accepted ${record.accepted.round}@${record.accepted.proposer.node} ${record.accepted.released ?? ''}`,
      )
      .join('; ')}`;
  }
  return JSON.stringify(what, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
}

function describeCouncil({ version, members, next }: CouncilRecord): string {
  const then = next ? `, then ${next.members.join(' ')}` : '';
  return `council ${version.generation}.${version.number}: ${members.join(' ')}${then}`;
}

export function describeMessage(message: LeaseMessage): string {
  if (message.type === 'renew-many') {
    const slots = message.renewals.map(({ slot, round }) => `${slot.slice(-2)} round ${round}`);
    return `renew ${slots.join(', ')} serial ${message.serial}`;
  }
  if (message.type === 'renew-again') return `renew those of ${message.list} serial ${message.serial}`;
  if (message.type === 'renewed-many') {
    return `renewed ${message.renewed.map(Number).join('')} serial ${message.serial}`;
  }
  if (message.type === 'clock') return `clock${message.wantsAnswer ? '?' : ''}`;
  const { type, serial, round } = message;
  const more =
    message.type === 'refuse'
      ? ` ${message.reason} promised ${message.promised} left ${message.timeLeftMs.toFixed(2)}`
      : message.type === 'release'
        ? ` ${message.reason}${message.successor ? ` to ${message.successor.proposer.node}` : ''}`
        : '';
  return `${message.slot.slice(-2)} ${type} round ${round} serial ${serial}${more}`;
}

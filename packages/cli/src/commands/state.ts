// SPDX-License-Identifier: Apache-2.0
import { formatEpoch } from '@vnfpool/core';
import type {
  CheckpointAnswer,
  CheckpointRequest,
  CheckpointView,
  LeftStateView,
  SlotView,
} from '@vnfpool/core/management';
import { type Command, Option } from 'commander';
import { type ApiOptions, connectApi, withApi } from '../api/api-command.ts';
import type { ApiClient } from '../api/client.ts';
import { CliError, RefusedError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { showBytes } from '../output/amount.ts';
import { showDuration } from '../output/duration.ts';
import { checkpointColumns } from '../tables/checkpoints.ts';
import { type Format, formatOption, printList, printValue } from '../tables/print-list.ts';
import { type ChosenSlots, chosenSlots, type SlotName, slotName } from './slot-name.ts';
import { listFrom, listOthers, oneSlot, slotId } from './state-elsewhere.ts';
import { addStateForget, leftOf, listLeft } from './state-forget.ts';
import { addStateRecord } from './state-record.ts';
import { addStateRestore } from './state-restore.ts';

interface CheckpointOptions extends ApiOptions {
  readonly full?: boolean;
  readonly output: 'table' | 'json';
}

interface ListOptions extends ApiOptions {
  readonly left?: boolean;
  readonly others?: boolean;
  readonly fromSlot?: string;
  readonly output: Format;
}

export function addState(program: Command, io: CliIo): void {
  const state = program
    .command('state')
    .summary(
      'checkpoint the state of a slot, list, restore and remove what stores have, record how it changes',
    )
    .description('What the holder of a slot has of its state, and what a store has of it.');
  withApi(state.command('checkpoint'))
    .summary('have a checkpoint made now')
    .description(
      'The holder of the slot writes a checkpoint now, of what changed since the last one or of everything, whichever is due; waits until the store has it.',
    )
    .argument('<slot>', 'POOL/SLOT, for instance kv/0', slotName)
    .option('--full', 'of everything')
    .addOption(formatOption(['table', 'json']))
    .action((name: SlotName, options: CheckpointOptions) => checkpoint(name, options, io));
  withApi(state.command('list'))
    .summary('the checkpoints that lie in the store')
    .description(
      'Reads every checkpoint that the store of a slot has, the oldest first, by an agent with a candidate for it: also where nobody holds the slot.',
    )
    .argument('[slots]', 'POOL or POOL/SLOT; all when not said', chosenSlots)
    .addOption(
      new Option('--left', 'instead: what slots that are no more have left in stores').conflicts([
        'others',
        'fromSlot',
      ]),
    )
    .addOption(
      new Option(
        '--others',
        'instead: other slots, of whatever set, of which the store of POOL/SLOT has something',
      ).conflicts('fromSlot'),
    )
    .option('--from-slot <id>', 'instead: checkpoints of one of these', slotId)
    .addOption(formatOption())
    .action((chosen: ChosenSlots | undefined, options: ListOptions) => list(chosen ?? {}, options, io));
  addStateRestore(state, io);
  addStateForget(state, io);
  addStateRecord(state, io);
}

async function checkpoint({ pool, slot }: SlotName, options: CheckpointOptions, io: CliIo): Promise<void> {
  const client = await connectApi(options, io);
  const request: CheckpointRequest = { pool, slot, ...(options.full === true && { full: true }) };
  const made = await client.post<CheckpointAnswer>('/v1/checkpoint', request);
  if (options.output === 'json') {
    printValue(io, 'json', made);
    return;
  }
  const { kind, node, epoch, number, sequence, keys, octets, tookMs } = made;
  const what =
    kind === 'none'
      ? `${node} had nothing new for the store, which has`
      : `the store has a checkpoint of ${node}, ${kind === 'full' ? 'of everything' : 'of what changed'}:`;
  const cost = kind === 'none' ? '' : `, ${showBytes(octets)}`;
  io.out(
    `${pool}/${slot}: ${what} epoch ${formatEpoch(epoch)}, number ${number}, up to update ${sequence}, ${keys} keys${cost}; it took ${showDuration(tookMs)}\n`,
  );
}

async function list(chosen: Partial<ChosenSlots>, options: ListOptions, io: CliIo): Promise<void> {
  const client = await connectApi(options, io);
  if (options.left === true) return listLeft(client, chosen, options.output, io);
  const { fromSlot } = options;
  if (options.others === true) return listOthers(client, oneSlot(chosen, '--others'), options.output, io);
  if (fromSlot !== undefined)
    return listFrom(client, oneSlot(chosen, '--from-slot'), fromSlot, options.output, io);
  const { pool, slot } = chosen;
  const slots =
    pool !== undefined && slot !== undefined ? [{ pool, slot }] : await slotsWithStore(client, pool);
  const items: CheckpointView[] = [];
  const refused: string[] = [];
  for (const each of slots) {
    try {
      items.push(...(await client.list<CheckpointView>(pathOf(each))));
    } catch (error) {
      // What others have is still worth knowing.
      if (!(error instanceof RefusedError) || slots.length === 1) throw error;
      refused.push(`${each.pool}/${each.slot}: ${error.message}`);
    }
  }
  printList(io, options.output, checkpointColumns, items, 'checkpoints');
  const left = options.output === 'table' || options.output === 'wide' ? await knownLeft(client, chosen) : [];
  if (left.length > 0)
    io.err(
      `State of ${left.length === 1 ? '1 slot that is' : `${left.length} slots that are`} no more lies in stores, too: vnfpool state list --left\n`,
    );
  if (refused.length > 0) throw new CliError(1, refused.join('\n'));
}

/** What slots that are no more have left, where the manager is not too old to know. */
async function knownLeft(client: ApiClient, chosen: Partial<ChosenSlots>): Promise<readonly LeftStateView[]> {
  try {
    return await leftOf(client, chosen);
  } catch (error) {
    if (error instanceof RefusedError && error.status === 404) return [];
    throw error;
  }
}

/** @throws CliError for a pool without */
async function slotsWithStore(client: ApiClient, pool: string | undefined): Promise<readonly SlotName[]> {
  const query = pool === undefined ? '' : `?pool=${encodeURIComponent(pool)}`;
  const slots = await client.list<SlotView>(`/v1/slots${query}`);
  const stored = slots.filter(({ sharing }) => sharing?.method === 'checkpoint');
  if (pool !== undefined && stored.length === 0)
    throw new CliError(
      1,
      slots.length === 0
        ? `there is no pool ${pool} with slots here; what it may have left: vnfpool state list ${pool} --left`
        : `${pool} has no checkpoints: its method of state sharing is ${slots[0]?.sharing?.method ?? 'none'}`,
    );
  return stored.map((each) => ({ pool: each.pool, slot: each.index }));
}

function pathOf({ pool, slot }: SlotName): string {
  return `/v1/checkpoints/${encodeURIComponent(pool)}/${slot}`;
}

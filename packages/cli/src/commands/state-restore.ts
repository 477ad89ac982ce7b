// SPDX-License-Identifier: Apache-2.0
import { formatEpoch } from '@vnfpool/core';
import type { CheckpointView, RestoreAnswer, RestoreRequest, SlotView } from '@vnfpool/core/management';
import { type Command, InvalidArgumentError } from 'commander';
import { type ApiOptions, connectApi, withApi } from '../api/api-command.ts';
import type { ApiClient } from '../api/client.ts';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { showAge, showDuration } from '../output/duration.ts';
import { checkpointColumns } from '../tables/checkpoints.ts';
import { printList } from '../tables/print-list.ts';
import { type SlotName, slotName } from './slot-name.ts';
import {
  checkFit,
  checkpointsOf,
  describeSource,
  formatName,
  newestOf,
  type OtherSlotName,
  slotId,
  sourceOf,
} from './state-elsewhere.ts';

interface CheckpointName {
  /** As it is shown; null: whichever has the number. */
  readonly epoch: string | null;
  readonly number: number;
}

interface Options extends ApiOptions {
  readonly checkpoint?: CheckpointName;
  readonly fromSlot?: string;
  readonly format?: string;
  readonly confirm?: string;
}

const after = `
Examples:
  $ vnfpool state list kv/0
  $ vnfpool state restore kv/0 --checkpoint 1.7/4
  $ vnfpool state restore kv/0 --checkpoint 1.7/4 --confirm kv/0
  $ vnfpool state list kv/0 --others
  $ vnfpool state restore kv/0 --from-slot 7f3a52c000000001
  $ vnfpool state restore kv/0 --from-slot 7f3a52c000000001 --confirm kv/0
What was changed behind that checkpoint is dropped, also what clients were told is done. What the holder has is written first: while the store
keeps that, the slot can be brought back to it in the same way.`;

/** @param state the command `state`, which it becomes a part of */
export function addStateRestore(state: Command, io: CliIo): void {
  withApi(state.command('restore'))
    .summary('have a slot begin anew with a checkpoint')
    .description(
      'Has a slot begin anew with a checkpoint that its store has: the holder gives the slot up, and whoever takes it next is given that state; where nobody holds it, whoever does next. With --from-slot it is one of another slot, of whatever set, that lies in the same store, and stays there as it is. Without --confirm it shows what would be dropped.',
    )
    .argument('<slot>', 'POOL/SLOT, for instance kv/0', slotName)
    .option(
      '--checkpoint <name>',
      'EPOCH/NUMBER as of state list, of several numbers the last; NUMBER alone where it says which; needed but with --from-slot, which means the newest whole one',
      checkpointName,
    )
    .option('--from-slot <id>', 'of the slot with this id, as of state list POOL/SLOT --others', slotId)
    .option(
      '--format <name>',
      'with --from-slot: what its values are, kv/1, where the store does not say',
      formatName,
    )
    .option('--confirm <slot>', 'POOL/SLOT once more')
    .addHelpText('after', after)
    .action((name: SlotName, options: Options) => restore(name, options, io));
}

async function restore({ pool, slot }: SlotName, options: Options, io: CliIo): Promise<void> {
  const name = `${pool}/${slot}`;
  const { confirm, checkpoint, fromSlot, format } = options;
  if (fromSlot !== undefined) return restoreFrom({ pool, slot }, { id: fromSlot, format }, options, io);
  if (checkpoint === undefined) throw new CliError(2, '--checkpoint or --from-slot says what to begin with');
  if (format !== undefined) throw new CliError(2, '--format is of a slot that --from-slot names');
  checkConfirm(confirm, name);
  const client = await connectApi(options, io);
  const all = await checkpointsOf(client, { pool, slot });
  const chosen = chosenOf(all, checkpoint, name);
  if (confirm === undefined) {
    printList(io, 'table', checkpointColumns, [chosen], '');
    const held = await heldState(client, { pool, slot });
    io.out(`${dropped(chosen, all, held?.sequence ?? null, io.now())}\n`);
    throw new CliError(1, `nothing was changed; to begin anew with it: --confirm ${name}`);
  }
  const { epoch, number } = chosen;
  await order(client, { pool, slot, epoch, number }, nameOf(chosen), io);
}

/** The same with what another slot had. */
async function restoreFrom(
  target: SlotName,
  source: OtherSlotName,
  { confirm, checkpoint, ...options }: Options,
  io: CliIo,
): Promise<void> {
  const { pool, slot } = target;
  const name = `${pool}/${slot}`;
  checkConfirm(confirm, name);
  const { id, format } = source;
  const client = await connectApi(options, io);
  const found = await sourceOf(client, target, source);
  checkFit(found, name);
  const all = await checkpointsOf(client, target, id);
  const chosen =
    checkpoint === undefined ? newestOf(all, id) : chosenOf(all, checkpoint, id, `${name} --from-slot ${id}`);
  if (confirm === undefined) {
    printList(io, 'table', checkpointColumns, [chosen], '');
    io.out(`${describeSource(found, chosen, all, io.now())}\n`);
    io.out(`${await droppedOf(client, target)}\n`);
    io.out('What a function marks as secret is in no checkpoint: it begins without that.\n');
    throw new CliError(
      1,
      `nothing was changed; to begin anew with it: --checkpoint ${nameOf(chosen)} --confirm ${name}`,
    );
  }
  const { epoch, number } = chosen;
  const request = { pool, slot, epoch, number, from: id, ...(format === undefined ? {} : { format }) };
  await order(client, request, `${nameOf(chosen)} of ${id}`, io);
}

/** @throws CliError */
function checkConfirm(confirm: string | undefined, name: string): void {
  if (confirm !== undefined && confirm !== name)
    throw new CliError(2, `--confirm says ${confirm}, and not ${name}: nothing was changed`);
}

/** All that the slot has, which is not what it begins with. */
async function droppedOf(client: ApiClient, target: SlotName): Promise<string> {
  const held = await heldState(client, target);
  const all = await checkpointsOf(client, target);
  const newest = all.find(({ isRestorable }) => isRestorable);
  const name = `${target.pool}/${target.slot}`;
  if (held !== null)
    return `Dropped would be what the holder of ${name} has: ${held.keys} keys, up to update ${held.sequence}. It is written first.`;
  if (newest === undefined)
    return `Dropped would be nothing: nobody who holds ${name} tells of a state, and the store has none.`;
  const keys = newest.keys === undefined ? '' : `${newest.keys} keys, `;
  return `Dropped would be what the store has of ${name}: ${keys}up to update ${newest.sequence}; nobody who holds it tells of more.`;
}

async function order(client: ApiClient, request: RestoreRequest, what: string, io: CliIo): Promise<void> {
  const made = await client.post<RestoreAnswer>('/v1/restore', request);
  io.out(
    `${request.pool}/${request.slot}: whoever takes it next begins with ${what}, which ${made.node} has written as the newest: ${nameOf(made)}, up to update ${made.sequence}, ${made.keys} keys; it took ${showDuration(made.tookMs)}\n`,
  );
}

/** @throws CliError: there is none, it is damaged, or there are several */
function chosenOf(
  all: readonly CheckpointView[],
  { epoch, number }: CheckpointName,
  slot: string,
  listed: string = slot,
): CheckpointView {
  const found = all.filter(
    (each) => each.number === number && (epoch === null || formatEpoch(each.epoch) === epoch),
  );
  const [chosen, another] = found;
  const what = epoch === null ? String(number) : `${epoch}/${number}`;
  if (chosen === undefined)
    throw new CliError(
      1,
      `the store has no checkpoint ${what} of ${slot}; what it has: vnfpool state list ${listed}`,
    );
  if (another !== undefined)
    throw new CliError(
      1,
      `there are several of number ${number}: ${found.map(nameOf).join(', ')}; say the epoch, too`,
    );
  if (chosen.damage !== null)
    throw new CliError(1, `checkpoint ${what} of ${slot} is damaged: ${chosen.damage}`);
  return chosen;
}

/** What the holder tells of its state; null: nobody holds it, or it has not told. */
async function heldState(
  client: ApiClient,
  { pool, slot }: SlotName,
): Promise<NonNullable<SlotView['sharing']>['state']> {
  const slots = await client.list<SlotView>(`/v1/slots?pool=${encodeURIComponent(pool)}`);
  return slots.find(({ index }) => index === slot)?.sharing?.state ?? null;
}

/** What would be lost. */
function dropped(
  chosen: CheckpointView,
  all: readonly CheckpointView[],
  held: number | null,
  nowMs: number,
): string {
  const newest = Math.max(held ?? 0, ...all.map(({ sequence }) => sequence ?? 0));
  const updates = Math.max(0, newest - (chosen.sequence ?? newest));
  const since =
    chosen.writtenAt === null
      ? ''
      : `, since ${new Date(chosen.writtenAt).toISOString()}, ${showAge(chosen.writtenAt, nowMs)} ago`;
  const whose =
    held === null ? 'in the store; nobody who holds the slot tells of more' : 'that the holder has';
  return `Dropped would be what was changed behind update ${chosen.sequence}${since}: ${updates} updates of ${newest} ${whose}.`;
}

function nameOf({ epoch, number }: { readonly epoch: number; readonly number: number }): string {
  return `${formatEpoch(epoch)}/${number}`;
}

/** @throws InvalidArgumentError */
function checkpointName(text: string): CheckpointName {
  const match = /^(?:(\d{1,8}\.\d{1,13}|\d{1,16})\/)?([1-9]\d{0,9})$/.exec(text);
  if (match === null) throw new InvalidArgumentError('It is EPOCH/NUMBER or NUMBER, for instance 1.7/4.');
  return { epoch: match[1] ?? null, number: Number(match[2]) };
}

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

interface CheckpointName {
  /** As it is shown; null: whichever has the number. */
  readonly epoch: string | null;
  readonly number: number;
}

interface Options extends ApiOptions {
  readonly checkpoint: CheckpointName;
  readonly confirm?: string;
}

const after = `
Examples:
  $ vnfpool state list kv/0
  $ vnfpool state restore kv/0 --checkpoint 1.7/4
  $ vnfpool state restore kv/0 --checkpoint 1.7/4 --confirm kv/0
What was changed behind that checkpoint is dropped, also what clients were told is done. What the holder has is written first: while the store
keeps that, the slot can be brought back to it in the same way.`;

/** @param state the command `state`, which it becomes a part of */
export function addStateRestore(state: Command, io: CliIo): void {
  withApi(state.command('restore'))
    .summary('have a slot begin anew with a checkpoint')
    .description(
      'Has a slot begin anew with a checkpoint that its store has: the holder gives the slot up, and whoever takes it next is given that state; where nobody holds it, whoever does next. Without --confirm it shows what would be dropped.',
    )
    .argument('<slot>', 'POOL/SLOT, for instance kv/0', slotName)
    .requiredOption(
      '--checkpoint <name>',
      'EPOCH/NUMBER as of state list, of several numbers the last; NUMBER alone where it says which',
      checkpointName,
    )
    .option('--confirm <slot>', 'POOL/SLOT once more')
    .addHelpText('after', after)
    .action((name: SlotName, options: Options) => restore(name, options, io));
}

async function restore({ pool, slot }: SlotName, options: Options, io: CliIo): Promise<void> {
  const name = `${pool}/${slot}`;
  const { confirm } = options;
  if (confirm !== undefined && confirm !== name)
    throw new CliError(2, `--confirm says ${confirm}, and not ${name}: nothing was changed`);
  const client = await connectApi(options, io);
  const all = await client.list<CheckpointView>(`/v1/checkpoints/${encodeURIComponent(pool)}/${slot}`);
  const chosen = chosenOf(all, options.checkpoint, name);
  if (confirm === undefined) {
    printList(io, 'table', checkpointColumns, [chosen], '');
    io.out(`${dropped(chosen, all, await newestUpdate(client, pool, slot), io.now())}\n`);
    throw new CliError(1, `nothing was changed; to begin anew with it: --confirm ${name}`);
  }
  const { epoch, number } = chosen;
  const request: RestoreRequest = { pool, slot, epoch, number };
  const made = await client.post<RestoreAnswer>('/v1/restore', request);
  io.out(
    `${name}: whoever takes it next begins with ${nameOf(chosen)}, which ${made.node} has written as the newest: ${nameOf(made)}, up to update ${made.sequence}, ${made.keys} keys; it took ${showDuration(made.tookMs)}\n`,
  );
}

/** @throws CliError: there is none, it is damaged, or there are several */
function chosenOf(
  all: readonly CheckpointView[],
  { epoch, number }: CheckpointName,
  slot: string,
): CheckpointView {
  const found = all.filter(
    (each) => each.number === number && (epoch === null || formatEpoch(each.epoch) === epoch),
  );
  const [chosen, another] = found;
  const what = epoch === null ? String(number) : `${epoch}/${number}`;
  if (chosen === undefined)
    throw new CliError(
      1,
      `the store has no checkpoint ${what} of ${slot}; what it has: vnfpool state list ${slot}`,
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

/** Of the last update that the holder has; null: nobody holds it, or it has not told. */
async function newestUpdate(client: ApiClient, pool: string, slot: number): Promise<number | null> {
  const slots = await client.list<SlotView>(`/v1/slots?pool=${encodeURIComponent(pool)}`);
  return slots.find(({ index }) => index === slot)?.sharing?.state?.sequence ?? null;
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

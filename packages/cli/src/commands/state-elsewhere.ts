// SPDX-License-Identifier: Apache-2.0
import type { CheckpointView, StoredSlotView } from '@vnfpool/core/management';
import { InvalidArgumentError } from 'commander';
import type { ApiClient } from '../api/client.ts';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { showBytes } from '../output/amount.ts';
import { showAge } from '../output/duration.ts';
import { checkpointColumns } from '../tables/checkpoints.ts';
import { type Format, printList } from '../tables/print-list.ts';
import { storedSlotColumns } from '../tables/stored-slots.ts';
import type { ChosenSlots, SlotName } from './slot-name.ts';

/** Another slot, of which the store of this one has checkpoints. */
export interface OtherSlotName {
  readonly id: string;
  /** What its values are, where the store does not say. */
  readonly format: string | undefined;
}

/** @throws InvalidArgumentError */
export function slotId(text: string): string {
  if (!/^[0-9a-f]{16}$/.test(text))
    throw new InvalidArgumentError('It is 16 hexadecimal digits, as of state list POOL/SLOT --others.');
  return text;
}

/** @throws InvalidArgumentError */
export function formatName(text: string): string {
  if (!/^[!-.0-~]{1,64}\/[1-9][0-9]{0,4}$/.test(text))
    throw new InvalidArgumentError('It is NAME/VERSION, for instance kv/1.');
  return text;
}

/** One slot was said. @throws CliError */
export function oneSlot({ pool, slot }: Partial<ChosenSlots>, option: string): SlotName {
  if (pool === undefined || slot === undefined)
    throw new CliError(2, `${option} needs POOL/SLOT: it is asked for what the store of that slot has`);
  return { pool, slot };
}

/** What the store of a slot has of others. */
export async function listOthers(
  client: ApiClient,
  { pool, slot }: SlotName,
  format: Format,
  io: CliIo,
): Promise<void> {
  const items = await client.list<StoredSlotView>(pathOf('stored-slots', { pool, slot }));
  printList(io, format, storedSlotColumns, items, 'other slots in the store');
}

/** What the store of a slot has of another one. @throws CliError where that is nothing */
export async function listFrom(
  client: ApiClient,
  name: SlotName,
  id: string,
  format: Format,
  io: CliIo,
): Promise<void> {
  await sourceOf(client, name, { id, format: undefined });
  printList(io, format, checkpointColumns, await checkpointsOf(client, name, id), 'checkpoints');
}

/** @param from id of another slot */
export async function checkpointsOf(
  client: ApiClient,
  name: SlotName,
  from?: string,
): Promise<readonly CheckpointView[]> {
  return client.list<CheckpointView>(
    `${pathOf('checkpoints', name)}${from === undefined ? '' : `?from=${from}`}`,
  );
}

/** @throws CliError: it is the slot itself, or the store has nothing of it */
export async function sourceOf(
  client: ApiClient,
  name: SlotName,
  { id, format }: OtherSlotName,
): Promise<StoredSlotView> {
  const said = format === undefined ? '' : `&format=${encodeURIComponent(format)}`;
  const [found] = await client.list<StoredSlotView>(`${pathOf('stored-slots', name)}?id=${id}${said}`);
  if (found !== undefined) return found;
  const slot = `${name.pool}/${name.slot}`;
  throw new CliError(
    1,
    `the store of ${slot} has nothing of a slot ${id}; what it has: vnfpool state list ${slot} --others`,
  );
}

/** @throws CliError: the slot cannot be given its state */
export function checkFit({ id, format, misfit }: StoredSlotView, slot: string): void {
  if (misfit === null) return;
  const help = format === null ? '; whoever knows says it by --format NAME/VERSION' : '';
  throw new CliError(1, `${slot} cannot be given the state of ${id}: ${misfit}${help}`);
}

/** The newest that is whole, with all that it builds upon. @throws CliError */
export function newestOf(all: readonly CheckpointView[], id: string): CheckpointView {
  const newest = all.find(({ isRestorable }) => isRestorable);
  if (newest === undefined) throw new CliError(1, `the store has no whole checkpoint of ${id}`);
  return newest;
}

/** Whose a checkpoint is, when it was, and how much. */
export function describeSource(
  source: StoredSlotView,
  chosen: CheckpointView,
  all: readonly CheckpointView[],
  nowMs: number,
): string {
  const { id, set, pool, slot, current } = source;
  const whose = pool === null ? 'a slot that the store does not name' : `slot ${pool}/${slot} of set ${set}`;
  const now = current === null ? 'which is none of this set' : `which is ${current} of this set now`;
  const format = source.format ?? 'a format that the store does not say';
  const at =
    chosen.writtenAt === null
      ? ''
      : `, as it was at ${new Date(chosen.writtenAt).toISOString()}, ${showAge(chosen.writtenAt, nowMs)} ago`;
  const upTo = all.filter(({ epoch, number }) => epoch === chosen.epoch && number <= chosen.number);
  const full = upTo.findLastIndex(({ kind }) => kind === 'full');
  const octets = upTo.slice(Math.max(0, full)).reduce((sum, each) => sum + each.octets, 0);
  const keys = chosen.keys === undefined ? '' : `${chosen.keys} keys, `;
  const damage = source.damage === null ? '' : ` Damaged is, of what else there is of it: ${source.damage}.`;
  return `It is the state of ${whose}, ${id}, ${now}${at}: ${keys}${showBytes(octets)} in the store, of ${format}.${damage}`;
}

function pathOf(what: string, { pool, slot }: SlotName): string {
  return `/v1/${what}/${encodeURIComponent(pool)}/${slot}`;
}

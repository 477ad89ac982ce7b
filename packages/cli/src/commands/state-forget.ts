// SPDX-License-Identifier: Apache-2.0
import type { ForgetRequest, LeftStateView } from '@vnfpool/core/management';
import type { Command } from 'commander';
import { type ApiOptions, connectApi, withApi } from '../api/api-command.ts';
import type { ApiClient } from '../api/client.ts';
import { CliError, RefusedError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { leftStateColumns } from '../tables/left-states.ts';
import { type Format, printList } from '../tables/print-list.ts';
import { type ChosenSlots, chosenSlots } from './slot-name.ts';

interface Options extends ApiOptions {
  readonly confirm?: string;
  readonly gone: readonly string[];
}

const after = `
Examples:
  $ vnfpool state list --left
  $ vnfpool state forget kv/1
  $ vnfpool state forget kv --confirm kv
What is removed is gone. Whoever still takes himself for the holder of such a slot is refused by the store from then on.`;

/** @param state the command `state`, which it becomes a part of */
export function addStateForget(state: Command, io: CliIo): void {
  withApi(state.command('forget'))
    .summary('remove what slots that are no more have left in stores')
    .description(
      'Removes the state that slots of a pool have left in stores when they went. Without --confirm it shows what that would be.',
    )
    .argument('<slots>', 'POOL or POOL/SLOT', chosenSlots)
    .option('--confirm <name>', 'the same name once more')
    .option(
      '--gone <store>',
      'a store that is there no more, for what was left in it to be looked for no more; may be repeated',
      (store: string, stores: readonly string[]) => [...stores, store],
      [] as readonly string[],
    )
    .addHelpText('after', after)
    .action((chosen: ChosenSlots, options: Options) => forget(chosen, options, io));
}

/** What slots that are no more have left, as a list. @throws CliError where nothing is */
export async function listLeft(
  client: ApiClient,
  chosen: Partial<ChosenSlots>,
  format: Format,
  io: CliIo,
): Promise<void> {
  printList(io, format, leftStateColumns, await leftOf(client, chosen), 'state that was left');
}

/** @param chosen nothing: all */
export async function leftOf(
  client: ApiClient,
  { pool, slot }: Partial<ChosenSlots>,
): Promise<readonly LeftStateView[]> {
  const all = await client.list<LeftStateView>('/v1/left-states');
  return all.filter(
    (each) => (pool === undefined || each.pool === pool) && (slot === undefined || each.slot === slot),
  );
}

async function forget(chosen: ChosenSlots, options: Options, io: CliIo): Promise<void> {
  const name = chosen.slot === undefined ? chosen.pool : `${chosen.pool}/${chosen.slot}`;
  if (options.confirm !== undefined && options.confirm !== name)
    throw new CliError(2, `--confirm says ${options.confirm}, and not ${name}: nothing was removed`);
  const client = await connectApi(options, io);
  const left = await leftOf(client, chosen);
  if (left.length === 0)
    throw new CliError(1, `${name} has left nothing; what slots have that are there is not removed`);
  if (options.confirm === undefined) {
    printList(io, 'table', leftStateColumns, left, '');
    throw new CliError(1, `nothing was removed; to remove this for good: --confirm ${name}`);
  }
  const refused: string[] = [];
  for (const { id, pool, slot } of left) {
    const request: ForgetRequest = { id, pool, slot, ...(options.gone.length > 0 && { gone: options.gone }) };
    try {
      await client.post('/v1/forget', request);
      io.out(`${pool}/${slot}: removed\n`);
    } catch (error) {
      // What can be removed is.
      if (!(error instanceof RefusedError)) throw error;
      refused.push(`${pool}/${slot}: ${error.message}`);
    }
  }
  if (refused.length > 0) throw new CliError(1, refused.join('\n'));
}

// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from 'node:timers/promises';
import type { FoundElement } from '@vnfpool/client';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { durationOption } from '../api/api-command.ts';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { plain } from '../output/plain.ts';
import { type ClientScopeOptions, clientScope, withClientScope } from '../scope/client-options.ts';
import { explained } from '../scope/explained.ts';
import { foundColumns } from '../tables/found.ts';
import { type Format, formatOption, printList } from '../tables/print-list.ts';

interface Options extends ClientScopeOptions {
  readonly items?: number;
  readonly watch?: boolean;
  readonly timeout: number;
  readonly output: Format;
}

/** Between two questions about a pool whose changes nobody tells us. */
const ASK_AGAIN_MS = 1_000;

export function addResolve(program: Command, io: CliIo): void {
  withClientScope(program.command('resolve'))
    .summary('which elements a registrar would give for a pool')
    .description(
      "Asks a registrar for elements of a pool and prints them, the one to take first, chosen by the pool's policy.",
    )
    .argument('<pool>', 'its handle')
    .addOption(itemsOption())
    .option('-w, --watch', 'go on, until Ctrl-C: print the elements again whenever the pool changes')
    .addOption(durationOption('--timeout <duration>', 'how long to wait for an answer', 10_000, '10s'))
    .addOption(formatOption())
    .action(async (pool: string, options: Options) => {
      const { PoolUser } = await import('@vnfpool/client');
      const scope = await clientScope(options, 'user');
      const { items, watch = false } = options;
      const show = shower(io, options.output);
      let known = false;
      const user = new PoolUser({
        ...scope.options,
        tuning: { updates: watch },
        onPoolChanged: (_, elements) => {
          known = elements.length > 0;
          if (watch) show(elements);
        },
      });
      const ask = async (): Promise<FoundElement[]> => {
        const bounds = { timeoutMs: options.timeout, staleMs: 0, ...(items === undefined ? {} : { items }) };
        const { element, alternatives } = await explained(user.resolve(pool, bounds), pool, scope.troubles);
        return [element, ...alternatives];
      };
      try {
        if (!watch) show(await ask());
        // A registrar of rsplib tells no changes, and no registrar tells that a pool has come to be.
        else await watchPool(ask, () => known && options.profile === 'rfc', show, io);
      } finally {
        user.close();
      }
    });
}

/** Asks until there is a pool, and again when it is gone; in between its changes are told. */
async function watchPool(
  ask: () => Promise<FoundElement[]>,
  isTold: () => boolean,
  show: (elements: readonly FoundElement[]) => void,
  io: CliIo,
): Promise<void> {
  let complaint = '';
  while (!io.signal.aborted) {
    if (!isTold()) {
      try {
        await ask();
        complaint = '';
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        if (error.exitCode === 1) show([]);
        else if (complaint !== error.message) io.err(`vnfpool: ${plain(error.message)}\n`);
        complaint = error.message;
      }
    }
    await pause(ASK_AGAIN_MS, undefined, { signal: io.signal }).catch(() => undefined);
  }
}

/** Prints elements when they are others than those before. */
function shower(io: CliIo, format: Format): (elements: readonly FoundElement[]) => void {
  let before: string | null = null;
  return (elements) => {
    // The order is the policy's and says nothing of a change.
    const these = JSON.stringify([...elements].sort((a, b) => a.id - b.id));
    if (these === before) return;
    if (before !== null && format !== 'json' && format !== 'yaml') io.out('\n');
    before = these;
    printList(io, format, foundColumns, elements, 'elements');
  };
}

function itemsOption(): Option {
  return new Option('--items <number>', 'how many at most; default: what the registrar gives').argParser(
    (text) => {
      if (!/^\d{1,9}$/.test(text) || Number(text) === 0)
        throw new InvalidArgumentError('It is a number from 1.');
      return Number(text);
    },
  );
}

// SPDX-License-Identifier: Apache-2.0
import type { FoundElement } from '@vnfpool/client';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { durationOption } from '../api/api-command.ts';
import type { CliIo } from '../io.ts';
import { type ClientScopeOptions, clientOptions, withClientScope } from '../scope/client-options.ts';
import { explained } from '../scope/explained.ts';
import { foundColumns } from '../tables/found.ts';
import { type Format, formatOption, printList } from '../tables/print-list.ts';

interface Options extends ClientScopeOptions {
  readonly items?: number;
  readonly watch?: boolean;
  readonly timeout: number;
  readonly output: Format;
}

export function addResolve(program: Command, io: CliIo): void {
  withClientScope(program.command('resolve'))
    .summary('which elements a registrar would give for a pool')
    .description(
      "Asks a registrar for elements of a pool and prints them, the one to take first, chosen by the pool's policy.",
    )
    .argument('<pool>', 'its handle')
    .addOption(itemsOption())
    .option('-w, --watch', 'go on: print the elements again whenever the pool changes')
    .addOption(durationOption('--timeout <duration>', 'how long to wait for an answer', 10_000, '10s'))
    .addOption(formatOption())
    .action(async (pool: string, options: Options) => {
      const { PoolUser } = await import('@vnfpool/client');
      const scope = await clientOptions(options);
      const print = (elements: readonly FoundElement[]): void =>
        printList(io, options.output, foundColumns, elements, 'elements');
      const { watch = false } = options;
      const user = new PoolUser({
        ...scope,
        tuning: { updates: watch },
        onPoolChanged: (_, elements) => print(elements),
      });
      try {
        const { items } = options;
        const { element, alternatives } = await explained(
          user.resolve(pool, {
            timeoutMs: options.timeout,
            staleMs: 0,
            ...(items === undefined ? {} : { items }),
          }),
        );
        print([element, ...alternatives]);
        if (watch) await new Promise<void>((resolve) => io.signal.addEventListener('abort', () => resolve()));
      } finally {
        user.close();
      }
    });
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

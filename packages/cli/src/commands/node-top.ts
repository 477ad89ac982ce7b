// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from 'node:timers/promises';
import type { NodeFunctionsView } from '@vnfpool/daemons/node';
import type { Command } from 'commander';
import { durationOption } from '../api/api-command.ts';
import { ApiClient } from '../api/client.ts';
import { CliError, NotReachableError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { type FoundNode, findNodes } from '../node/find.ts';
import { painter } from '../output/paint.ts';
import { plain } from '../output/plain.ts';
import { renderTable } from '../output/table.ts';
import { type FunctionRow, functionColumns } from '../tables/functions.ts';

interface Options {
  readonly state?: string;
  readonly node?: string;
  readonly json?: boolean;
  readonly once?: boolean;
  readonly wide?: boolean;
  readonly every: number;
}

/** What the agents told, and which of them told nothing. */
interface Look {
  readonly views: readonly NodeFunctionsView[];
  readonly troubles: readonly string[];
}

/** Puts the cursor to the top left and clears the screen below it. */
const HOME_AND_CLEAR = '\u001b[H\u001b[J';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const ANSWER_MS = 2_000;

/** @param node the command `node`, which it becomes a part of */
export function addNodeTop(node: Command, io: CliIo): void {
  node
    .command('top')
    .summary('what the functions of a node use')
    .description(
      'Shows what functions use: processors, memory, processes, network, restarts, and their limits; those near a limit in red. On a ' +
        'terminal again and again, until Ctrl-C; elsewhere once. Without --state of every node that `vnfpool up` runs here.',
    )
    .option('--state <dir>', "folder of the node's agent")
    .option('--node <name>', 'only this node')
    .option('--json', 'once, as JSON')
    .option('--once', 'once, also on a terminal')
    .option('--wide', 'more columns')
    .addOption(durationOption('--every <duration>', 'how often', 1_000, '1s'))
    .action(async (options: Options) => {
      if (options.json === true || options.once === true || io.terminal !== true) await showOnce(options, io);
      else await showLive(options, io);
    });
}

async function showOnce(options: Options, io: CliIo): Promise<void> {
  const { views, troubles } = await look(await findNodes(options, io), io.signal);
  for (const trouble of troubles) io.err(`vnfpool: ${plain(trouble)}\n`);
  if (options.json === true) io.out(`${JSON.stringify({ nodes: views }, null, 2)}\n`);
  else if (views.length > 0) io.out(render(views, options, io));
  if (views.length === 0) throw new NotReachableError('no node agent answers');
}

/** Nodes may come and go meanwhile: each time it is looked for them anew. */
async function showLive(options: Options, io: CliIo): Promise<void> {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  process.on('SIGINT', end).on('SIGTERM', end);
  const signal = AbortSignal.any([ending.signal, io.signal]);
  // What cannot be found at the start is said as of any other command.
  let nodes = await findNodes(options, io).catch((error: unknown) => {
    process.off('SIGINT', end).off('SIGTERM', end);
    throw error;
  });
  io.out(HIDE_CURSOR);
  try {
    while (!signal.aborted) {
      const { views, troubles } = await look(nodes, signal);
      if (signal.aborted) break;
      const lines = troubles.map((trouble) => `${plain(trouble, 'one line')}\n`).join('');
      io.out(HOME_AND_CLEAR + lines + (views.length === 0 ? '' : render(views, options, io)));
      await io.drained();
      await pause(options.every, undefined, { signal }).catch(() => undefined);
      nodes = await findNodes(options, io).catch(() => nodes);
    }
  } finally {
    io.out(SHOW_CURSOR);
    process.off('SIGINT', end).off('SIGTERM', end);
  }
}

async function look(nodes: readonly FoundNode[], signal: AbortSignal): Promise<Look> {
  const troubles: string[] = [];
  const views = await Promise.all(
    nodes.map(async ({ name, socket }) => {
      const client = new ApiClient({ kind: 'unix', path: socket }, ANSWER_MS, signal, 'node');
      try {
        return await client.get<NodeFunctionsView>('/v1/functions');
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        troubles.push(`${name}: ${error.message}`);
        return undefined;
      }
    }),
  );
  return { views: views.filter((view) => view !== undefined), troubles };
}

function render(views: readonly NodeFunctionsView[], options: Options, io: CliIo): string {
  const rows = views.flatMap(({ node, functions }) =>
    functions.map((each): FunctionRow => ({ ...each, node: node.name })),
  );
  if (rows.length === 0) return 'no functions\n';
  return renderTable(functionColumns, rows, {
    now: io.now(),
    paint: painter(io.colour),
    wide: options.wide === true,
  });
}

// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from 'node:timers/promises';
import type { HandlespaceView } from '@vnfpool/daemons/registrar';
import type { Command } from 'commander';
import { durationOption } from '../api/api-command.ts';
import { ApiClient } from '../api/client.ts';
import type { CliIo } from '../io.ts';
import { painter } from '../output/paint.ts';
import { renderTable } from '../output/table.ts';
import { registrarSocket } from '../registrar/find.ts';
import { memberColumns, peerColumns } from '../tables/handlespace.ts';
import { type Format, formatOption, printValue } from '../tables/print-list.ts';

interface Options {
  readonly state?: string;
  readonly name?: string;
  readonly watch?: boolean;
  readonly every: number;
  readonly mib?: boolean;
  readonly output: Format;
}

/** Puts the cursor to the top left and clears the screen below it. */
const HOME_AND_CLEAR = '\u001b[H\u001b[J';

export function addHandlespace(program: Command, io: CliIo): void {
  program
    .command('handlespace')
    .summary("a registrar's pools, elements and peers")
    .description(
      'Shows what a registrar of this machine knows: pools, their elements and owners, and the other registrars with ' +
        'their checksums, each as it says and as computed here. A checksum in yellow: the two do not agree (yet).',
    )
    .option('--state <dir>', 'folder of the registrar')
    .option('--name <name>', 'its name, when several run here without --state')
    .option('-w, --watch', 'show it again and again, until Ctrl-C')
    .option('--mib', 'the objects of RFC 5525, as JSON')
    .addOption(durationOption('--every <duration>', 'how often with --watch', 1_000, '1s'))
    .addOption(formatOption())
    .action(async (options: Options) => {
      const path = await registrarSocket(options, io);
      const client = new ApiClient({ kind: 'unix', path }, 5_000, io.signal, 'registrar');
      if (options.mib === true) return printValue(io, 'json', await client.get<unknown>('/v1/mib'));
      for (;;) {
        const view = await client.get<HandlespaceView>('/v1/handlespace');
        if (options.watch === true && io.colour) io.out(HOME_AND_CLEAR);
        if (options.output === 'json' || options.output === 'yaml') printValue(io, options.output, view);
        else io.out(renderHandlespace(view, io, options.output === 'wide'));
        if (options.watch !== true || io.signal.aborted) return;
        await pause(options.every, undefined, { signal: io.signal }).catch(() => undefined);
      }
    });
}

function renderHandlespace(view: HandlespaceView, io: CliIo, wide: boolean): string {
  const paint = painter(io.colour);
  const shown = { now: io.now(), paint, wide };
  const members = view.pools.flatMap((pool) => pool.elements.map((element) => ({ pool, element })));
  const facts = [
    count(view.pools.length, 'pool'),
    `${count(members.length, 'element')}, ${view.ownElements} of them its own (checksum ${view.checksum})`,
    `${count(view.associations, 'association')} of elements and users`,
  ];
  const parts = [`registrar ${view.registrarId}, ${view.state}: ${facts.join(', ')}\n`];
  if (view.peers.length > 0) parts.push(renderTable(peerColumns, view.peers, shown));
  if (members.length > 0) parts.push(renderTable(memberColumns, members, shown));
  return parts.join('\n');
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

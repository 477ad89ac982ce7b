// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from 'node:timers/promises';
import type { ComponentStatus } from '@vnfpool/wire/csp';
import type { Command } from 'commander';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { showAge } from '../output/duration.ts';
import { painter } from '../output/paint.ts';
import { type Column, renderTable } from '../output/table.ts';
import { anyAddressOption, portOption } from './daemon-options.ts';

interface Options {
  readonly listen: string;
  readonly port: number;
  readonly json?: boolean;
}

/** The last report of a component, and when it came. */
interface Heard {
  readonly report: ComponentStatus;
  readonly from: string;
  readonly at: number;
}

/** Components shown at most; of more, the one unheard of for longest goes. */
const COMPONENTS_MAX = 1_000;
const REFRESH_MS = 1_000;
/** Puts the cursor to the top left and clears the screen below it. */
const HOME_AND_CLEAR = '\u001b[H\u001b[J';
const GROUPS: Readonly<Record<number, string>> = { 1: 'registrar', 2: 'element', 3: 'user' };

export function addMonitor(program: Command, io: CliIo): void {
  program
    .command('monitor')
    .summary('who reports its status here')
    .description(
      'Listens to the component status reports of registrars and elements (--report-to), of this and of other ' +
        'implementations, and shows the last of each, until Ctrl-C. The reports are not authenticated.',
    )
    .addOption(anyAddressOption('--listen <address>', 'address to listen on').default('127.0.0.1'))
    .addOption(portOption('--port <port>', 'UDP port').default(2960))
    .option('--json', 'one line for each report')
    .action(async (options: Options) => {
      const { StatusMonitor } = await import('@vnfpool/runtime/component-status');
      const heard = new Map<string, Heard>();
      const monitor = await StatusMonitor.listen({
        address: options.listen,
        port: options.port,
        onReport: (report, { address }) => {
          if (options.json === true) io.out(`${toJson(report, address)}\n`);
          else remember(heard, { report, from: address, at: io.now() });
        },
      }).catch((error: unknown) => {
        throw new CliError(1, `listening on ${options.listen}:${options.port}: ${(error as Error).message}`);
      });
      io.err(`listening on ${options.listen}:${monitor.port}\n`);
      while (!io.signal.aborted) {
        await pause(REFRESH_MS, undefined, { signal: io.signal }).catch(() => undefined);
        if (options.json === true || heard.size === 0) continue;
        const table = renderTable(columns, inOrder(heard), {
          now: io.now(),
          paint: painter(io.colour),
        });
        io.out(io.colour ? HOME_AND_CLEAR + table : `${table}\n`);
      }
      monitor.close();
    });
}

function remember(heard: Map<string, Heard>, entry: Heard): void {
  const { group, identifier } = entry.report.sender;
  const key = `${group}/${identifier}`;
  heard.delete(key);
  heard.set(key, entry);
  const [oldest] = heard.keys();
  if (heard.size > COMPONENTS_MAX && oldest !== undefined) heard.delete(oldest);
}

const columns: readonly Column<Heard>[] = [
  { title: 'COMPONENT', cell: ({ report }) => nameOf(report) },
  {
    title: 'HEARD',
    cell: ({ at, report }, now) => (report.final ? 'ended' : `${showAge(at, now)} ago`),
    tone: ({ report }) => (report.final ? 'warning' : undefined),
  },
  { title: 'FROM', cell: ({ from }) => from },
  { title: 'LOCATION', cell: ({ report }) => report.location },
  {
    title: 'LOAD',
    cell: ({ report }) => (report.workload === null ? '' : `${Math.round(report.workload * 100)}%`),
    align: 'right',
  },
  { title: 'ASSOCIATIONS', cell: ({ report }) => String(report.associations.length), align: 'right' },
  { title: 'STATUS', cell: ({ report }) => report.status },
];

function nameOf({ sender }: ComponentStatus): string {
  const digits = sender.identifier.toString(16).padStart(8, '0');
  return `${GROUPS[sender.group] ?? `group ${sender.group}`} 0x${digits}`;
}

/** Registrars, elements, users; each by identifier, so that a line stays where it is. */
function inOrder(heard: ReadonlyMap<string, Heard>): Heard[] {
  return [...heard.values()].sort(
    ({ report: { sender: a } }, { report: { sender: b } }) =>
      a.group - b.group || (a.identifier < b.identifier ? -1 : 1),
  );
}

function toJson(report: ComponentStatus, from: string): string {
  return JSON.stringify({ from, ...report }, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

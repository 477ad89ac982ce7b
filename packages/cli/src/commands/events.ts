// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from 'node:timers/promises';
import type { EventView } from '@vnfpool/core/management';
import { type Command, InvalidArgumentError } from 'commander';
import { type ApiOptions, connectApi, withApi } from '../api/api-command.ts';
import type { ApiClient } from '../api/client.ts';
import { NotReachableError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { parseDuration } from '../output/duration.ts';
import { type Paint, painter, type Tone } from '../output/paint.ts';
import { plain } from '../output/plain.ts';
import { type Format, formatOption, printValue } from '../tables/print-list.ts';

/** An event's number, or how far back. */
type Since = { readonly id: number } | { readonly ms: number };

interface Options extends ApiOptions {
  readonly output: Format;
  readonly follow?: true;
  readonly since?: Since;
}

const RETRY_MS = 500;
/** A manager that is started again takes a few seconds. */
const RETRIES_MAX = 60;

export function addEvents(program: Command, io: CliIo): void {
  withApi(program.command('events'))
    .summary('show what happened, and with --follow what happens')
    .description(
      'Shows what happened, oldest first. With --follow it goes on until it is stopped, also while the manager is started again.',
    )
    .option('-f, --follow', 'go on')
    .option(
      '--since <id|duration>',
      'only after the event of this number, or within this time: 41, 10m',
      parseSince,
    )
    .addOption(formatOption(['table', 'json']))
    .action(async (options: Options) => {
      const client = await connectApi(options, io);
      const { events, lastId } = await past(client, options.since, io);
      if (options.follow !== true && options.output === 'json')
        return printValue(io, 'json', { items: events });
      const paint = painter(io.colour);
      const print = (event: EventView): void =>
        io.out(options.output === 'json' ? `${JSON.stringify(event)}\n` : `${eventLine(event, paint)}\n`);
      for (const event of events) print(event);
      if (options.follow === true) await follow(client, lastId, print, io);
      else if (events.length === 0) io.out('no events\n');
    });
}

/** What is to be shown, and the number after which the stream goes on. */
interface Past {
  readonly events: readonly EventView[];
  readonly lastId: number;
}

async function past(client: ApiClient, since: Since | undefined, io: CliIo): Promise<Past> {
  const afterId = since !== undefined && 'id' in since ? since.id : undefined;
  const query = afterId === undefined ? '' : `since=${afterId}&`;
  const all = await client.list<EventView>(`/v1/events?${query}limit=${since === undefined ? 100 : 1_000}`);
  const lastId = all.at(-1)?.id ?? afterId ?? 0;
  if (since === undefined || 'id' in since) return { events: all, lastId };
  const from = io.now() - since.ms;
  return { events: all.filter((event) => event.at >= from), lastId };
}

/** Reads the stream, and again when it breaks: from the last event on, so that none is missed. */
async function follow(
  client: ApiClient,
  lastId: number,
  print: (event: EventView) => void,
  io: CliIo,
): Promise<void> {
  let since = lastId;
  let failures = 0;
  while (!io.signal.aborted) {
    try {
      for await (const message of client.stream(`/v1/stream?kinds=event&since=${since}`, io.signal)) {
        failures = 0;
        if (message.event !== 'event') continue;
        const event = JSON.parse(message.data) as EventView;
        since = event.id;
        print(event);
      }
      failures += 1;
    } catch (error) {
      if (!(error instanceof NotReachableError) || failures >= RETRIES_MAX) throw error;
      if (failures === 0) io.err('vnfpool: the manager does not answer; trying again\n');
      failures += 1;
    }
    await pause(RETRY_MS, undefined, { signal: io.signal }).catch(() => undefined);
  }
}

const tones: Readonly<Record<EventView['severity'], Tone | undefined>> = {
  info: undefined,
  warning: 'warning',
  error: 'bad',
};

/** `12:04:33.120  slot web/0       web#1 took the slot`: the time is this machine's. */
function eventLine(event: EventView, paint: Paint): string {
  const at = new Date(event.at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
  const subject = plain(event.subject, 'one line').padEnd(16);
  return `${paint('faint', time)}  ${subject}  ${paint(tones[event.severity], plain(event.message, 'one line'))}`;
}

function parseSince(text: string): Since {
  if (/^\d{1,15}$/.test(text)) return { id: Number(text) };
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('It is the number of an event, or a time like 10m.');
  return { ms };
}

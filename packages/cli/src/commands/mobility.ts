// SPDX-License-Identifier: Apache-2.0
import { createInterface } from 'node:readline';
import type { MobilityTransportKind } from '@vnfpool/daemons/node-alone';
import type { Command } from 'commander';
import { durationOption } from '../api/api-command.ts';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { HAND_HELP } from '../mobility/hand-command.ts';
import { HandSession } from '../mobility/hand-session.ts';
import {
  type HostAndPort,
  hostAndPortOption,
  type MobilitySecurityOptions,
  readMobilitySecurity,
  transportOption,
  withMobilitySecurity,
} from '../mobility/security-options.ts';
import { readLines } from '../wire/lines.ts';

interface Options extends MobilitySecurityOptions {
  readonly listen: HostAndPort;
  readonly transport?: readonly MobilityTransportKind[];
  readonly node?: ReadonlyMap<string, number>;
  readonly command?: readonly string[];
  readonly stay?: boolean;
  readonly json?: boolean;
  readonly timeout: number;
}

/** Longest line of standard input that is a command. */
const LINE_BYTES_MAX = 64 * 1024;

const after = `
Commands, one a line:
${HAND_HELP.replaceAll(/^(?=.)/gm, '  ')}
Example:
  $ vnfpool mobility serve --plain                                            # in one terminal
  $ vnfpool node --manager 127.0.0.1 --plain --state ./n1 --listen 127.0.0.1   # in another
  > add 1 101 --spec hss.yaml                                                 # in the first

  $ vnfpool mobility serve --plain --command 'wait 1' --command 'add 1 101 --name HSS' --command 'wait 1 101 Running'`;

export function addMobility(program: Command, io: CliIo): void {
  const mobility = program
    .command('mobility')
    .helpCommand(false)
    .summary('service mobility by hand')
    .description('Speaks the service-mobility protocol alone: no set, no store.');

  withMobilitySecurity(
    mobility
      .command('serve')
      .summary('a manager of nodes, in the terminal')
      .description(
        'Takes registrations of execution nodes, of anyone, tells what happens to them, and orders what it is told to, line by line.',
      )
      .addOption(
        hostAndPortOption('--listen <address:port>', 'where nodes reach it; port 0 is any', 0).default(
          { host: '127.0.0.1', port: 49877 },
          '127.0.0.1:49877',
        ),
      )
      .addOption(transportOption('; repeat to listen by several at the same port; default tcp', true)),
  )
    .option(
      '--node <common-name=id>',
      'a node that is known by the common name of its certificate, which has no spiffe://DOMAIN/node/ID; repeat',
      mapNode,
    )
    .option(
      '--command <line>',
      'do this in place of standard input, and end at the first that fails; repeat',
      append,
    )
    .option('--stay', 'go on when there are no more commands')
    .option('--json', 'a line of JSON for each thing that happens, and for each command')
    .addOption(
      durationOption(
        '--timeout <duration>',
        'how long an answer, or what is waited for, may stay away',
        30_000,
        '30s',
      ),
    )
    .addHelpText('after', after)
    .action(async (options: Options) => await serve(options, io));
}

async function serve(options: Options, io: CliIo): Promise<void> {
  const security = readMobilitySecurity(options, options.listen);
  const { transport: transports = ['tcp'] } = options;
  if (security.kind === 'plain' && options.node !== undefined)
    throw new CliError(2, '--node is of certificates, which --plain has none of');
  const ending = new AbortController();
  const end = (): void => ending.abort(new Error('ended'));
  const { runHandManager } = await import('@vnfpool/daemons/hand-manager');
  const terminal = process.stdin.isTTY && io.colour && options.command === undefined ? openTerminal() : null;
  const session = new HandSession({
    io,
    json: options.json ?? false,
    timeoutMs: options.timeout,
    signal: ending.signal,
    print: (text) => (terminal ? terminal.print(text) : io.out(text)),
  });
  const running = await runHandManager({
    ...options.listen,
    transports,
    security: security.kind === 'plain' ? security : { ...security, nodes: options.node ?? new Map() },
    onEvent: (event) => session.tell(event),
    onFault: (error) => {
      throw error;
    },
  }).catch((error: unknown) => {
    terminal?.close();
    throw new CliError(1, `--listen: ${(error as Error).message}`);
  });
  session.use(running.manager);
  process.on('SIGINT', end).on('SIGTERM', end);
  try {
    const { address, port } = running.address;
    const shown = `${address.includes(':') ? `[${address}]` : address}:${port}`;
    const facts = { ready: true, address, port, security: security.kind, transports };
    const kinds = transports.map((kind) => kind.toUpperCase()).join(', ');
    const how =
      security.kind === 'plain' ? ` over plain ${kinds}: nobody is authenticated` : ` over TLS by ${kinds}`;
    if (options.json === true) io.out(`${JSON.stringify(facts)}\n`);
    else io.out(`listening at ${shown}${how}\n`);
    const failed = await converse(session, options, io, ending, terminal);
    if (options.stay === true && !ending.signal.aborted && failed === 0)
      await new Promise<void>((resolve) => ending.signal.addEventListener('abort', () => resolve()));
    if (failed > 0)
      throw new CliError(1, `${failed} ${failed === 1 ? 'command was' : 'commands were'} not done`);
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
    terminal?.close();
    await running.stop();
  }
}

/** Takes commands until there are no more; returns how many were not done. A person may err. */
async function converse(
  session: HandSession,
  { command: script }: Options,
  io: CliIo,
  ending: AbortController,
  terminal: Terminal | null,
): Promise<number> {
  let failed = 0;
  if (script !== undefined) {
    for (const [at, line] of script.entries()) {
      const done = await session.take(line, `command ${at + 1}, ${line.trim()}`);
      if (done === 'quit') break;
      if (!done) return 1;
    }
    return 0;
  }
  for await (const { line, place } of terminal ? terminal.lines(ending) : pipedLines(io, ending.signal)) {
    const done = await session.take(line, place);
    if (done === 'quit') break;
    if (!done && terminal === null) failed += 1;
  }
  return failed;
}

interface PlacedLine {
  readonly line: string;
  readonly place: string;
}

async function* pipedLines(io: CliIo, signal: AbortSignal): AsyncGenerator<PlacedLine> {
  const lines = readLines(io.readPieces('-'), LINE_BYTES_MAX);
  const aborted = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null)));
  for (;;) {
    const next = await Promise.race([lines.next(), aborted]);
    if (next === null) {
      // What reads the input would keep the process.
      process.stdin.destroy();
      return;
    }
    if (next.done === true) return;
    const { value } = next;
    if ('fault' in value) throw new CliError(1, `line ${value.number}: ${value.fault}`);
    yield { line: value.text, place: `line ${value.number}` };
  }
}

interface Terminal {
  lines(ending: AbortController): AsyncGenerator<PlacedLine>;
  /** Above the line that is being typed. */
  print(text: string): void;
  close(): void;
}

/** A prompt with a history. Ctrl-C and Ctrl-D end it. */
function openTerminal(): Terminal {
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: '> ' });
  return {
    print: (text) => {
      process.stdout.write(`\r\u001b[K${text}`);
      lines.prompt(true);
    },
    close: () => lines.close(),
    lines: async function* typed(ending) {
      lines.on('SIGINT', () => {
        ending.abort(new Error('ended'));
        lines.close();
      });
      lines.prompt();
      for await (const line of lines) {
        yield { line, place: 'vnfpool' };
        lines.prompt();
      }
    },
  };
}

function append(line: string, before: readonly string[] = []): readonly string[] {
  return [...before, line];
}

function mapNode(text: string, before: ReadonlyMap<string, number> = new Map()): ReadonlyMap<string, number> {
  const [, name, digits] = /^(.+)=(\d{1,10})$/.exec(text) ?? [];
  const id = Number(digits);
  if (name === undefined || !(id >= 1 && id <= 0xffff_fffe))
    throw new CliError(2, `--node ${text}: it is COMMON-NAME=ID, for instance hss.example=10`);
  return new Map([...before, [name, id]]);
}

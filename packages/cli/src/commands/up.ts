// SPDX-License-Identifier: Apache-2.0
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CliIo } from '../io.ts';
import { portOption } from './daemon-options.ts';

interface Options {
  readonly state?: string;
  readonly port?: number;
  readonly mode: 'auto' | 'namespaces' | 'loopback';
}

export function addUp(program: Command, io: CliIo): void {
  program
    .command('up')
    .summary('bring a set up on this machine')
    .description(
      'Brings a declared set up on this machine: registrar, manager and nodes, each in a network namespace of its own where that can be had, and keeps it until Ctrl-C, which takes everything away.',
    )
    .argument('<file>', 'the declaration, for instance examples/edge/set.yaml')
    .option('--state <dir>', 'keep keys and store here; else they go when the set ends', notEmpty)
    .addOption(
      portOption('--port <port>', 'port of the page on 127.0.0.1; 0 is any').default(
        undefined,
        '8600, or any when that is taken',
      ),
    )
    .addOption(
      new Option('--mode <mode>', 'how processes are separated')
        .choices(['auto', 'namespaces', 'loopback'])
        .default('auto'),
    )
    .action(async (file: string, options: Options) => {
      const { PAGE_PORT, runUp } = await import('@vnfpool/daemons/up');
      const stop = new AbortController();
      const end = (): void => stop.abort();
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, end);
      process.exitCode = await runUp({
        file,
        ...(options.state === undefined ? {} : { state: options.state }),
        port: options.port ?? PAGE_PORT,
        mode: options.mode,
        command: [process.execPath, process.argv[1] ?? ''],
        say: (line) => io.out(`${line}\n`),
        complain: (line) => io.err(`vnfpool: ${line}\n`),
        signal: stop.signal,
      });
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, end);
    });
}

function notEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is a folder.');
  return text;
}

// SPDX-License-Identifier: Apache-2.0
import { CommanderError } from 'commander';
import { CliError, type ExitCode, RefusedError } from './errors.ts';
import type { CliIo } from './io.ts';
import { faultLine } from './output/fault-line.ts';
import { plain } from './output/plain.ts';
import { buildProgram } from './program.ts';

/** Runs one command line (without node and script) and returns its exit code. Messages of failure go to stderr. */
export async function run(args: readonly string[], io: CliIo): Promise<ExitCode> {
  try {
    await buildProgram(io).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return ofCommander(error);
    if (error instanceof RefusedError) for (const fault of error.faults) io.err(`${faultLine(fault)}\n`);
    if (error instanceof CliError) {
      io.err(`vnfpool: ${plain(error.message)}\n`);
      return error.exitCode;
    }
    throw error;
  }
}

/** Commander has printed its message already. Help that was asked for is no failure. */
function ofCommander(error: CommanderError): ExitCode {
  return error.exitCode === 0 ? 0 : 2;
}

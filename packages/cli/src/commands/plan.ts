// SPDX-License-Identifier: Apache-2.0
import type { PlanView } from '@vnfpool/core/management';
import type { Command } from 'commander';
import { type ApiOptions, connectApi, withApi } from '../api/api-command.ts';
import { RefusedError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { type Format, formatOption, printValue } from '../tables/print-list.ts';
import { countChanges, readDeclarationFile, renderChanges, renderWarnings } from './declaration.ts';

export function addPlan(program: Command, io: CliIo): void {
  withApi(program.command('plan'))
    .summary('show what applying a file would do')
    .description('Shows what `apply` would do with this file, and why. Changes nothing.')
    .argument('<file>', 'declaration of a set (YAML); - reads standard input')
    .addOption(formatOption(['table', 'json', 'yaml']))
    .action(async (file: string, options: ApiOptions & { readonly output: Format }) => {
      const declaration = await readDeclarationFile(file, io);
      const client = await connectApi(options, io);
      const plan = await client.post<PlanView>('/v1/plan', declaration).catch(refused);
      if (options.output === 'json' || options.output === 'yaml') return printValue(io, options.output, plan);
      io.out(renderChanges(plan.changes, io.colour));
      io.out(renderWarnings(plan.warnings ?? [], io.colour));
      const told = plan.changes.length === 0 ? 'nothing to do' : countChanges(plan.changes);
      io.out(`set ${plan.set}: ${told}; nothing was applied\n`);
    });
}

/** For a person who typed `plan` or `apply` the most wanted word is that all is as before. */
export function refused(error: unknown): never {
  if (!(error instanceof RefusedError)) throw error;
  throw new RefusedError(error.status, error.code, `${error.message}; nothing was applied`, error.faults);
}

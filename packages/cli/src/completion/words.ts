// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';

/** One command as a shell completes it. */
export interface CompletedCommand {
  /** Words that lead to it; none for the program itself. */
  readonly path: readonly string[];
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly CompletedOption[];
  /** Whether it takes arguments: files, as far as a shell can know. */
  readonly arguments: boolean;
}

export interface CompletedOption {
  /** `--output`, `-o`: the long one first. */
  readonly names: readonly string[];
  readonly summary: string;
  readonly value: 'none' | 'file' | 'text';
  /** Values that it takes, where they are known. */
  readonly choices: readonly string[];
}

/** Every command below and including `program`. */
export function completedCommands(program: Command, path: readonly string[] = []): CompletedCommand[] {
  const visible = program.options.filter((option) => !option.hidden);
  const own: CompletedCommand = {
    path,
    commands: program.commands.map((command) => ({ name: command.name(), summary: command.summary() })),
    options: visible.map((option) => ({
      names: [option.long, option.short].filter((name): name is string => typeof name === 'string'),
      summary: option.description,
      value:
        option.required || option.optional ? (/<(file|dir)>/.test(option.flags) ? 'file' : 'text') : 'none',
      choices: option.argChoices ?? [],
    })),
    arguments: program.registeredArguments.length > 0,
  };
  return [
    own,
    ...program.commands.flatMap((command) => completedCommands(command, [...path, command.name()])),
  ];
}

// SPDX-License-Identifier: Apache-2.0
import type { Argument, Command, Option } from 'commander';

/** Markdown of every command below `program`, in the order and groups of its help: usage, arguments, options. */
export function renderCommandReference(program: Command): string {
  const parts = [`# ${program.name()}`, program.description(), usageOf(program), optionsOf(program)];
  let group = '';
  for (const command of program.commands) {
    if (command.helpGroup() !== group) {
      group = command.helpGroup();
      parts.push(`## ${group.replace(/:$/, '')}`);
    }
    parts.push(...sectionsOf(command));
  }
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function sectionsOf(command: Command): string[] {
  const below = command.commands.flatMap(sectionsOf);
  // One that only gathers others has nothing to say of its own.
  if (below.length > 0 && command.options.length === 0) return below;
  return [
    `### ${fullName(command).replace(/^\S+ /, '')}`,
    command.description(),
    usageOf(command),
    argumentsOf(command),
    optionsOf(command),
    ...below,
  ];
}

function usageOf(command: Command): string {
  return `    ${fullName(command)} ${command.usage()}`;
}

function argumentsOf(command: Command): string {
  return tableOf(
    'Argument',
    command.registeredArguments.map((argument) => [argument.name(), argumentText(argument)]),
  );
}

function optionsOf(command: Command): string {
  const options = command.options.filter((option) => !option.hidden);
  return tableOf(
    'Option',
    options.map((option) => [option.flags, optionText(option)]),
  );
}

function argumentText(argument: Argument): string {
  return argument.description + choices(argument.argChoices);
}

function optionText(option: Option): string {
  const value: unknown = option.defaultValueDescription ?? (option.negate ? undefined : option.defaultValue);
  const standard = typeof value === 'string' ? `; default: ${value}` : '';
  const needed = option.mandatory ? '; must be given' : '';
  return option.description + choices(option.argChoices) + standard + needed;
}

function choices(known: readonly string[] | undefined): string {
  return known === undefined ? '' : `: ${known.join(', ')}`;
}

function tableOf(title: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return '';
  const lines = rows.map(([name, text]) => `| \`${escapeCell(name)}\` | ${escapeCell(text)} |`);
  return [`| ${title} | |`, '| --- | --- |', ...lines].join('\n');
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

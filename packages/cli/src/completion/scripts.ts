// SPDX-License-Identifier: Apache-2.0
import type { CompletedCommand, CompletedOption } from './words.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** A script that teaches `shell` to complete the program. It asks nobody: words and options are written into it. */
export function completionScript(
  shell: Shell,
  program: string,
  commands: readonly CompletedCommand[],
): string {
  switch (shell) {
    case 'bash':
      return bashScript(program, commands);
    case 'zsh':
      // zsh runs bash's completions.
      return `#compdef ${program}\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(program, commands)}`;
    case 'fish':
      return fishScript(program, commands);
  }
}

function bashScript(program: string, commands: readonly CompletedCommand[]): string {
  const name = `_${program.replaceAll('-', '_')}`;
  const words = commands.map(({ path, commands: nested, options }) => {
    const all = [...nested.map((each) => each.name), ...options.flatMap((option) => option.names)];
    return `    '${path.join(' ')}') words='${all.join(' ')}' ;;`;
  });
  const values = commands.flatMap(({ path, options }) =>
    options
      .filter((option) => option.value !== 'none')
      .map(
        (option) =>
          `    ${option.names.map((each) => `'${[...path, each].join(' ')}'`).join('|')}) ${bashValue(option)} ;;`,
      ),
  );
  const paths = commands.map(({ path }) => path.join(' ')).filter((path) => path !== '');
  return `# Completion of ${program} for bash.
${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path='' word words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${path:+$path }\${COMP_WORDS[i]}"
    case "$word" in
    ${paths.map((path) => `'${path}'`).join('|')}) path="$word" ;;
    esac
  done
  COMPREPLY=()
  case "\${path:+$path }$previous" in
${values.join('\n')}
  esac
  case "$path" in
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ \${#COMPREPLY[@]} -eq 0 && "$current" != -* ]]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -o filenames -F ${name} ${program}
`;
}

function bashValue({ value, choices }: CompletedOption): string {
  if (choices.length > 0) return `COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$current")); return`;
  return value === 'file' ? 'COMPREPLY=($(compgen -f -- "$current")); return' : 'return';
}

function fishScript(program: string, commands: readonly CompletedCommand[]): string {
  const lines = [`# Completion of ${program} for fish.`, `complete -c ${program} -f`];
  for (const { path, commands: nested, options, arguments: takesFiles } of commands) {
    const names = nested.map((each) => each.name).join(' ');
    const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
    const here = [...seen, ...(names === '' ? [] : [`not __fish_seen_subcommand_from ${names}`])].join(
      '; and ',
    );
    const when = here === '' ? '' : ` -n ${quote(here)}`;
    for (const each of nested) {
      lines.push(`complete -c ${program}${when} -a ${each.name} -d ${quote(each.summary)}`);
    }
    for (const option of options) lines.push(`complete -c ${program}${when}${fishOption(option)}`);
    if (takesFiles) lines.push(`complete -c ${program}${when} -F`);
  }
  return `${lines.join('\n')}\n`;
}

function fishOption({ names, summary, value, choices }: CompletedOption): string {
  const flags = names.map((name) =>
    name.startsWith('--') ? ` -l ${name.slice(2)}` : ` -s ${name.slice(1)}`,
  );
  const argument = value === 'none' ? '' : value === 'file' ? ' -r -F' : ' -x';
  const known = choices.length > 0 ? ` -a ${quote(choices.join(' '))}` : '';
  return `${flags.join('')}${argument}${known} -d ${quote(summary)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

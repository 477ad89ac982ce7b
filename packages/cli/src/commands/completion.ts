// SPDX-License-Identifier: Apache-2.0
import { Argument, type Command } from 'commander';
import { completionScript, type Shell, shells } from '../completion/scripts.ts';
import { completedCommands } from '../completion/words.ts';
import type { CliIo } from '../io.ts';

const after = `
Examples:
  $ source <(vnfpool completion bash)                                   # in ~/.bashrc
  $ source <(vnfpool completion zsh)                                    # in ~/.zshrc, after compinit
  $ vnfpool completion fish > ~/.config/fish/completions/vnfpool.fish`;

export function addCompletion(program: Command, io: CliIo): void {
  program
    .command('completion')
    .summary('teach your shell the commands and options')
    .description('Prints a script that teaches a shell to complete commands, options and their values.')
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .addHelpText('after', after)
    .action((shell: Shell) => io.out(completionScript(shell, program.name(), completedCommands(program))));
}

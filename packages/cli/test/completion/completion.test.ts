// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { completionScript } from '../../src/completion/scripts.ts';
import { completedCommands } from '../../src/completion/words.ts';
import { buildProgram } from '../../src/program.ts';

const commands = completedCommands(buildProgram());

/** What bash offers for a line, with the cursor at its end. */
function offered(...words: readonly string[]): string[] {
  const script = `${completionScript('bash', 'vnfpool', commands)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vnfpool; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' });
  return out.split('\n').filter((line) => line !== '');
}

test('commands, and commands of commands', () => {
  expect(offered('vnfpool', 'han')).toEqual(['handlespace', 'handover']);
  expect(offered('vnfpool', 'token', '')).toEqual(expect.arrayContaining(['create', 'list']));
});

test('options of the command that is being written, also behind other options', () => {
  expect(offered('vnfpool', 'registrar', '--open', '--peer-h')).toEqual(['--peer-heartbeat-cycle']);
  expect(offered('vnfpool', 'registrar', '--profile', 'rfc', '--max-time-l')).toEqual([
    '--max-time-last-heard',
  ]);
  expect(offered('vnfpool', 'token', 'create', '--ro')).toEqual(['--role']);
});

test('values of an option, where they are known', () => {
  expect(offered('vnfpool', 'registrar', '--profile', '')).toEqual(['rfc', 'rsplib']);
  expect(offered('vnfpool', 'registrar', '--name', '')).toEqual([]);
});

test('the script for fish names every command once', () => {
  const script = completionScript('fish', 'vnfpool', commands);
  for (const name of commands[0]?.commands.map((command) => command.name) ?? []) {
    expect(script).toMatch(new RegExp(`^complete -c vnfpool -n '[^']*' -a ${name} `, 'm'));
  }
});

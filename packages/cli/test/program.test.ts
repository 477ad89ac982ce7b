// SPDX-License-Identifier: Apache-2.0
import { type Command, Help } from 'commander';
import { expect, test } from 'vitest';
import { renderCommandReference } from '../src/docs/command-reference.ts';
import { buildProgram } from '../src/program.ts';

test('the help is grouped and has an example', () => {
  const help = buildProgram().helpInformation();
  for (const group of ['See:', 'Change:', 'Break on purpose:']) expect(help).toContain(group);
});

test('every command says what it does, and every option and argument too', () => {
  const walk = (command: Command): void => {
    if (command.commands.length === 0) expect(command.description(), command.name()).not.toBe('');
    expect(new Help().subcommandDescription(command), command.name()).not.toBe('');
    for (const option of command.options) expect(option.description, option.flags).not.toBe('');
    for (const argument of command.registeredArguments)
      expect(argument.description, argument.name()).not.toBe('');
    command.commands.forEach(walk);
  };
  walk(buildProgram());
});

test('the reference names every command, with its options', () => {
  const text = renderCommandReference(buildProgram());
  expect(text).toContain('## See\n');
  expect(text).toContain('### token create\n');
  expect(text).toContain('    vnfpool token create [options]\n');
  expect(text).toContain('| `--ttl <duration>` | how long it can be used; default: 1h |');
  expect(text).toContain(
    '| `--role <role>` | what may join: node, registrar, element, user; must be given |',
  );
  expect(text).toContain(
    '| `what` | what to list: sets, pools, instances, nodes, slots, failovers, traffic |',
  );
});

// SPDX-License-Identifier: Apache-2.0
import type {
  CouncilView,
  ForceCouncilRequest,
  NodeView,
  SetView,
  StateView,
} from '@vnfpool/core/management';
import type { Command } from 'commander';
import { type ApiOptions, connectApi, withApi } from '../api/api-command.ts';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { showAge } from '../output/duration.ts';
import { type Paint, painter } from '../output/paint.ts';
import { plain } from '../output/plain.ts';
import { type Format, formatOption, printValue } from '../tables/print-list.ts';

interface ForceOptions extends ApiOptions {
  readonly iKnowTheOtherIsDead?: boolean;
  readonly council?: string;
}

const after = `
Example:
  $ vnfpool council force node-a --i-know-the-other-is-dead

Who is in the council is declared: \`council\` in the file, or \`councils\`. This is for when no majority of it is left.`;

const RISK = `The others may be alive, and only cut off from here. Then one of them may hold a slot at the same time as the
council that you decide on, and act for its address. Switch them off, or see that they are, and say so:
--i-know-the-other-is-dead`;

export function addCouncil(program: Command, io: CliIo): void {
  const council = program
    .command('council')
    .helpCommand(false)
    .description(
      'The nodes that grant the leases of slots: who they are, and what is left when most of them are dead.',
    )
    .summary('who grants the leases, and a decision without the others');

  withApi(council.command('show'))
    .summary('who grants the leases, and who of them can vote')
    .description(
      'Shows who grants the leases of slots, who of them can be reached and vote, and what is announced.',
    )
    .addOption(formatOption(['table', 'json', 'yaml']))
    .action(async (options: ApiOptions & { readonly output: Format }) => {
      const client = await connectApi(options, io);
      const { sets, nodes } = await client.get<StateView>('/v1/state');
      const [set] = sets;
      if (set === undefined) throw new CliError(1, 'no set is declared');
      if (options.output === 'json' || options.output === 'yaml')
        printValue(io, options.output, set.councils);
      else {
        const paint = painter(io.colour);
        const texts = set.councils.map((each) => describeCouncil(set, each, nodes, io.now(), paint));
        io.out(texts.join('\n'));
      }
    });

  withApi(council.command('force'))
    .summary('go on without members that are dead for good')
    .description(
      'Makes the named nodes the council, when no majority of it is left and the others are dead for good. Slots are served again after the ' +
        'longest lease that the others may have granted. It is refused while one of the others can be reached, and it is recorded.',
    )
    .argument('<node...>', 'who decides from now on: 1, 3 or 5 nodes that can be reached')
    .option('--council <name>', 'which one, where the set has several')
    .option('--i-know-the-other-is-dead', 'the others do nothing any more: you have made sure of it')
    .addHelpText('after', after)
    .action(async (members: string[], options: ForceOptions) => {
      if (options.iKnowTheOtherIsDead !== true) throw new CliError(2, RISK);
      const client = await connectApi(options, io);
      const { council: name } = options;
      const request: ForceCouncilRequest = {
        members,
        othersAreDead: true,
        ...(name === undefined ? {} : { council: name }),
      };
      await client.post('/v1/council/force', request);
      io.out(
        `decided: ${members.join(', ')} ${members.length === 1 ? 'is' : 'are'} ${name === undefined ? 'the council' : `council ${name}`}\n`,
      );
    });
}

function describeCouncil(
  { councils, name }: SetView,
  council: CouncilView,
  nodes: readonly NodeView[],
  now: number,
  paint: Paint,
): string {
  const { members, version, reachable, next, voiceless, forced, weakness, cut } = council;
  const needed = Math.floor(members.length / 2) + 1;
  const width = Math.max(...members.map((member) => member.length));
  const lines = members.map((member) => {
    const status = nodes.find((node) => node.name === member)?.status ?? 'absent';
    const says = voiceless.includes(member)
      ? paint('warning', 'takes over what was decided before')
      : status === 'registered'
        ? paint('good', 'votes')
        : paint('bad', status);
    return `  ${member.padEnd(width)}  ${says}`;
  });
  if (cut) lines.push(paint('warning', plain(`${cut.who}.`, 'one line')));
  const enough =
    cut && reachable >= needed && cut.together < needed
      ? paint(
          'bad',
          `${needed} of ${members.length} have to agree, and only ${cut.together} of ${reachable} that can be reached hear each other: nobody can take a slot.`,
        )
      : reachable >= needed
        ? `${needed} of ${members.length} have to agree, ${reachable} can be reached.`
        : paint(
            'bad',
            `${needed} of ${members.length} have to agree, and only ${reachable} can be reached: nobody can take a slot.`,
          );
  if (next !== null) lines.push(`Announced: ${next.join(', ')}.`);
  if (forced !== null) {
    const dead = forced.dead.length === 0 ? '' : `: ${forced.dead.join(', ')} would be dead`;
    lines.push(
      `An operator decided on it ${showAge(forced.at, now)} ago, over council ${forced.over}${dead}.`,
    );
  }
  if (weakness) lines.push(paint('warning', plain(weakness, 'one line')));
  const title = councils.length > 1 ? `${council.name} ${version}` : version;
  return `Council ${title} of set ${name}\n${lines.join('\n')}\n${enough}\n`;
}

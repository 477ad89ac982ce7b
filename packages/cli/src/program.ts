// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import { addApply } from './commands/apply.ts';
import { addCompletion } from './commands/completion.ts';
import { addCouncil } from './commands/council.ts';
import { addDelete } from './commands/delete.ts';
import { addElement } from './commands/element.ts';
import { addEvaluateState } from './commands/evaluate-state.ts';
import { addEvents } from './commands/events.ts';
import { addExplain } from './commands/explain.ts';
import { addFailover } from './commands/failover.ts';
import { addGet } from './commands/get.ts';
import { addHandlespace } from './commands/handlespace.ts';
import { addHandover } from './commands/handover.ts';
import { addInstance } from './commands/instance.ts';
import { addLab } from './commands/lab.ts';
import { addManager } from './commands/manager.ts';
import { addMobility } from './commands/mobility.ts';
import { addMonitor } from './commands/monitor.ts';
import { addNode } from './commands/node.ts';
import { addPlan } from './commands/plan.ts';
import { addRegistrar } from './commands/registrar.ts';
import { addRelay } from './commands/relay.ts';
import { addResolve } from './commands/resolve.ts';
import { addSecret } from './commands/secret.ts';
import { addState } from './commands/state.ts';
import { addStatus } from './commands/status.ts';
import { addThaw } from './commands/thaw.ts';
import { addToken } from './commands/token.ts';
import { addTraffic } from './commands/traffic.ts';
import { addUp } from './commands/up.ts';
import { addUpgrade } from './commands/upgrade.ts';
import { addUser } from './commands/user.ts';
import { addWire } from './commands/wire.ts';
import { type CliIo, processIo } from './io.ts';
import { version } from './version.ts';

const description =
  'Groups instances of a network function into a pool that behaves as one function that does not fail.';

const after = `
Example:
  $ vnfpool up set.yaml             # in one terminal: bring a set up on this machine
  $ vnfpool status                  # in another: what there is
  $ vnfpool kill web#1              # break it, and see the failover
  $ vnfpool failover show           # see it again

Which set: the one that runs here; --set NAME of several; --api or VNFPOOL_API for one elsewhere.
Exit codes: 0 done, 1 refused or failed, 2 said wrongly, 3 the manager does not answer.`;

/** The whole command line. It is built without doing anything, so that its reference can be written from it. */
export function buildProgram(io: CliIo = processIo()): Command {
  const program = new Command('vnfpool')
    .description(description)
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this, or the help of a command')
    .helpCommand('help [command]', 'print this, or the help of a command')
    // What stands behind a command is its own, also where both have an option of the same name: `node`, `node top`.
    .enablePositionalOptions()
    .addHelpText('after', after)
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      getOutHasColors: () => io.colour,
      getErrHasColors: () => io.colour,
    })
    .configureHelp({ showGlobalOptions: false })
    .showSuggestionAfterError()
    .exitOverride();

  program.commandsGroup('See:');
  addStatus(program, io);
  addGet(program, io);
  addExplain(program, io);
  addEvents(program, io);
  addFailover(program, io);
  addHandlespace(program, io);
  addResolve(program, io);
  addWire(program, io);
  addMonitor(program, io);

  program.commandsGroup('Change:');
  addPlan(program, io);
  addApply(program, io);
  addDelete(program, io);
  addHandover(program, io);
  addInstance(program, io);
  addState(program, io);
  addUpgrade(program, io);
  addCouncil(program, io);
  addSecret(program, io);
  addThaw(program, io);
  addToken(program, io);

  program.commandsGroup('Break on purpose:');
  addLab(program, io);

  // Daemons. Each of them: one file in commands/, one line here. They set process.exitCode themselves.
  program.commandsGroup('Run:');
  addUp(program, io);
  addRegistrar(program, io);
  addManager(program, io);
  addNode(program, io);
  addMobility(program, io);
  addTraffic(program, io);
  addElement(program, io);
  addRelay(program, io);
  addUser(program, io);

  program.commandsGroup('Learn:');
  addEvaluateState(program, io);
  addCompletion(program, io);

  return program;
}

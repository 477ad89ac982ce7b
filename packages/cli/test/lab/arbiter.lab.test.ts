// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { endHook } from './functions-left.ts';
import { HandLab, told } from './hand-lab.ts';
import { familyOf } from './host.ts';
import { notBuilt, until } from './support.ts';

/* A move whose destination dies at the one moment at which the source cannot know whether it serves. */

const missing = notBuilt || (process.platform === 'linux' ? '' : 'processes are looked up in /proc');

let lab: HandLab;
beforeEach(() => {
  lab = new HandLab();
});
afterEach(() => lab.close());

describe.skipIf(missing !== '')(`the arbiter of moves ${missing}`, () => {
  test('a destination that comes back without anything: the source hears of it from the manager, and serves on', async () => {
    const gate = `${lab.folder}/gate`;
    const nothing = ['/bin/sh', '-c', 'exit 0'];
    // It hears that it is active, and the move stands still there: the order to serve has come, the word that it does not go.
    const role = `[ "$VNFPOOL_ROLE" != active ] || [ ! -e ${gate} ] || { echo $$ > ${gate}.reached; sleep 600; }`;
    const hooks = {
      export: ['/bin/sh', '-c', 'echo what it knows'],
      import: ['/bin/sh', '-c', 'cat > /dev/null'],
      quiesce: nothing,
      resume: ['/bin/sh', '-c', `echo > ${lab.folder}/resumed`],
      role: ['/bin/sh', '-c', role],
    };
    const command = ['/bin/sh', '-c', 'exec sleep 600'];
    const spec = lab.file('held.json', JSON.stringify({ command, hooks, state: { via: 'hooks' } }));
    const lines = [
      'wait 10',
      'wait 11',
      `add 10 101 --spec ${spec}`,
      'wait 10 101 Running',
      `move 10 101 --to 11 --spec ${spec}`,
    ];
    const [manager, at] = await lab.serve(lines, '--plain', '--stay');
    lab.node('a', at, '--plain', '--node-id', '10');
    const destination = lab.node('b', at, '--plain', '--node-id', '11');
    await until('the function runs', () =>
      told(manager).some(
        ({ event, status, node }) => event === 'function-status' && status === 'Running' && node === 10,
      ),
    );
    lab.file('gate', '');
    const hook = await until('the destination is about to serve', () => {
      const pid = existsSync(`${gate}.reached`) ? Number(readFileSync(`${gate}.reached`, 'utf8')) : 0;
      const family = pid === 0 ? [] : familyOf(pid);
      return family.length > 1 ? { pid, family } : null;
    });
    onTestFinished(() => endHook(hook.pid, hook.family));
    destination.process.kill('SIGKILL');
    await destination.ended;
    rmSync(gate);
    // Not the agent that it was: its folder is empty, and so is its memory.
    lab.node('c', at, '--plain', '--node-id', '11');

    const settled = await until('the manager settles it', () =>
      told(manager).find(({ event }) => event === 'move-settled'),
    );
    expect(settled).toMatchObject({ node: 10, functionId: 101, verdict: 'aborted', order: 'add' });
    await until('the source serves on', () => existsSync(`${lab.folder}/resumed`));
    await until('and says so', () =>
      told(manager).findLast(
        ({ event, node, status, report }) =>
          event === 'function-status' &&
          node === 10 &&
          status === 'Running' &&
          (report as { transfer?: object } | null)?.transfer === undefined &&
          JSON.stringify(report).includes('not transferred'),
      ),
    );
  });
});

// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { functionsIn } from './functions-left.ts';
import { HandLab, told } from './hand-lab.ts';
import { lives } from './host.ts';
import { type Child, notBuilt, until } from './support.ts';

/* Agents that are killed while a function moves, at each step; whoever comes back goes on by the outcome. */

const missing = notBuilt || (process.platform === 'linux' ? '' : 'processes are looked up in /proc');

let lab: HandLab;
beforeEach(() => {
  lab = new HandLab();
});
afterEach(() => lab.close());

const file = (name: string): string => `${lab.folder}/${name}`;

/**
 * A function with hooks that write down what they are asked; the one that is named waits, for ever or until a file of the
 * name `go` is there.
 */
function specification(waits: string): string {
  const hook = (name: string, act: string): readonly string[] => [
    '/bin/sh',
    '-c',
    `echo "$1 $VNFPOOL_ROLE" >> "$0.$VNFPOOL_PID"; touch "$0.${name}"; ` +
      (name === waits ? `while [ ! -e "$0.go" ]; do sleep 0.05; done; ` : '') +
      act,
    file('told'),
    name,
  ];
  const hooks = {
    export: hook('export', 'echo what it knows'),
    import: hook('import', 'cat > /dev/null'),
    quiesce: hook('quiesce', ':'),
    resume: hook('resume', ':'),
    discard: hook('discard', ':'),
    role: hook('role', '[ "$VNFPOOL_ROLE" != active ] || touch "$0.active.$VNFPOOL_PID"'),
  };
  const command = ['/bin/sh', '-c', 'exec sleep 600'];
  return lab.file('moving.json', JSON.stringify({ command, hooks, state: { via: 'hooks' } }));
}

/** What the hooks of the function with this process were asked, in order. */
function asked(pid: number): string[] {
  const path = file(`told.${pid}`);
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
}

interface Scene {
  readonly manager: Child;
  readonly nodes: Map<number, Child>;
  /** Kills the agent of a node, and starts the next one. */
  readonly restart: (id: number) => Promise<void>;
}

/** The function runs on node 1 and is on its way to node 2, as far as the hook lets it. */
async function moving(waits: string, until_: string): Promise<Scene> {
  const spec = specification(waits);
  const [manager, at] = await lab.serve(
    ['wait 1', 'wait 2', `add 1 101 --spec ${spec}`, 'wait 1 101 Running', 'move 1 101 --to 2'],
    '--plain',
    '--stay',
  );
  const nodes = new Map<number, Child>();
  const begin = (id: number): void =>
    void nodes.set(id, lab.node(`n${id}`, at, '--plain', '--loopback', '--node-id', String(id)));
  begin(1);
  begin(2);
  await until('it is on its way', () => {
    if (manager.isOver()) throw new Error(manager.stderr());
    return (
      told(manager).some(({ command }) => command === 'move 1 101 --to 2') &&
      existsSync(file(`told.${until_}`))
    );
  });
  const restart = async (id: number): Promise<void> => {
    const child = nodes.get(id);
    child?.process.kill('SIGKILL');
    await child?.ended;
    begin(id);
  };
  return { manager, nodes, restart };
}

/** Status of the function on a node, as told last; gone ones are `gone`. */
function statusOn(manager: Child, node: number): string | undefined {
  const last = told(manager).findLast(({ event, node: at }) => event === 'function-status' && at === node);
  if (last === undefined) return undefined;
  return last['gone'] === true ? 'gone' : String(last['status']);
}

const pidsOf = (node: number): number[] =>
  functionsIn(lab.folder, `n${node}`)
    .filter(lives)
    .map(({ pid }) => pid);

describe.skipIf(missing !== '')(`agents that are killed while a function moves ${missing}`, () => {
  test.each([
    { step: 'before the function stands still', waits: 'export' },
    { step: 'while it is being made to stand still', waits: 'quiesce' },
  ])(
    'the source, $step: it serves on, the destination gives up',
    async ({ waits }) => {
      const { manager, restart } = await moving(waits, waits);
      const [pid = 0] = pidsOf(1);
      await restart(1);
      // What was killed with the agent is not asked again.
      writeFileSync(file('told.go'), '');
      await until('node 1 goes on with it', () => asked(pid).includes('resume active'));
      await until('node 2 has given up', () => statusOn(manager, 2) === 'gone' && pidsOf(2).length === 0);
      expect(pidsOf(1)).toEqual([pid]);
      expect(statusOn(manager, 1)).toBe('Running');
    },
    120_000,
  );

  test('both, when all is over: nothing comes back', async () => {
    const { manager, restart } = await moving('never', 'quiesce');
    await until('it has moved', () => statusOn(manager, 2) === 'Running' && statusOn(manager, 1) === 'gone');
    await restart(1);
    await restart(2);
    await until('both are back', () =>
      [1, 2].every(
        (id) =>
          told(manager).filter(({ event, node }) => event === 'node-registered' && node === id).length > 1,
      ),
    );
    expect(pidsOf(1)).toEqual([]);
    expect(pidsOf(2)).toHaveLength(1);
    expect(statusOn(manager, 2)).toBe('Running');
  }, 120_000);

  test('the destination, before all was there: what came is thrown away, the source serves', async () => {
    const { manager, restart } = await moving('import', 'import');
    const [pid = 0] = pidsOf(1);
    await restart(2);
    writeFileSync(file('told.go'), '');
    await until('node 2 has none', () => statusOn(manager, 2) === 'gone' && pidsOf(2).length === 0);
    await until('node 1 goes on with it', () => asked(pid).includes('resume active'));
    expect(pidsOf(1)).toEqual([pid]);
    expect(statusOn(manager, 1)).toBe('Running');
  }, 120_000);

  test.each([
    { who: 'the destination', ids: [2] },
    { who: 'the source', ids: [1] },
    { who: 'both', ids: [1, 2] },
  ])(
    '$who, when the destination has decided: it serves, and only it',
    async ({ ids }) => {
      // It is told to serve, and does not get to it.
      const { manager, restart } = await movingToRole();
      const [source = 0] = pidsOf(1);
      const [destination = 0] = pidsOf(2);
      for (const id of ids) await restart(id);
      writeFileSync(file('told.go'), '');
      await until('it serves there, and is gone here', () => {
        const isThere = statusOn(manager, 2) === 'Running' && statusOn(manager, 1) === 'gone';
        return isThere && pidsOf(1).length === 0;
      });
      expect(pidsOf(2)).toEqual([destination]);
      expect(existsSync(file(`told.active.${destination}`))).toBe(true);
      // From the moment at which it stood still the source never served again.
      const since = asked(source);
      expect(since.slice(since.indexOf('quiesce active') + 1)).not.toContain('resume active');
    },
    120_000,
  );

  /** At the destination the function is being told that it is active: `commit` has been taken. */
  async function movingToRole(): Promise<Scene> {
    writeFileSync(file('told.go'), '');
    const scene = await moving('role', 'export');
    // Node 1 was told its role long ago; from now on whoever is told one waits.
    rmSync(file('told.go'));
    await until('both ends know', () => {
      const [destination = 0] = pidsOf(2);
      return asked(destination).includes('role active');
    });
    return scene;
  }
});

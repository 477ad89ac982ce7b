// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Credentials } from '@vnfpool/runtime/certificates';
import { endAll, endFunctions } from './functions-left.ts';
import { bin, type Child, start, until } from './support.ts';

/** A manager in the hand and nodes without a set, as processes. */
export class HandLab {
  readonly folder: string = mkdtempSync(`${tmpdir()}/vnfpool-hand-`);
  readonly #children: Child[] = [];

  launch(...args: readonly string[]): Child {
    const child = start([process.execPath, bin, ...args]);
    this.#children.push(child);
    return child;
  }

  /** A manager that does these commands; where it listens. */
  async serve(commands: readonly string[], ...more: readonly string[]): Promise<[Child, string]> {
    const how = ['--listen', '127.0.0.1:0', '--json', '--timeout', '30s', ...more];
    const lines = commands.flatMap((line) => ['--command', line]);
    const manager = this.launch('mobility', 'serve', ...how, ...lines);
    const ready = await until('the manager listens', () => {
      const found = told(manager).find((line) => line['ready'] === true);
      // It may have done everything, and ended, before we look.
      if (found === undefined && manager.isOver()) throw new Error(manager.stderr());
      return found;
    });
    return [manager, `127.0.0.1:${String(ready['port'])}`];
  }

  node(name: string, manager: string, ...more: readonly string[]): Child {
    const state = `${this.folder}/${name}`;
    return this.launch('node', '--manager', manager, '--state', state, '--listen', '127.0.0.1', ...more);
  }

  file(name: string, text: string): string {
    writeFileSync(`${this.folder}/${name}`, text);
    return `${this.folder}/${name}`;
  }

  /** The options that say these credentials. */
  secured(name: string, { key, certificate, ca }: Credentials): string[] {
    return [
      '--key',
      this.file(`${name}.key`, key),
      '--cert',
      this.file(`${name}.pem`, certificate),
      '--ca',
      this.file(`${name}-ca.pem`, ca),
    ];
  }

  /** A specification of a program whose state is a line, which stands in a file where it arrives. */
  movable(taken: string): string {
    const nothing = ['/bin/sh', '-c', 'exit 0'];
    const hooks = {
      export: ['/bin/sh', '-c', 'echo what it knows'],
      import: ['/bin/sh', '-c', `cat > ${taken}`],
      quiesce: nothing,
      resume: nothing,
    };
    const command = ['/bin/sh', '-c', 'echo begun; exec sleep 600'];
    return this.file('movable.json', JSON.stringify({ command, hooks, state: { via: 'hooks' } }));
  }

  async close(): Promise<void> {
    await endAll(this.#children);
    endFunctions(this.folder);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Lines of JSON that a process wrote. */
export function told(child: Child): Record<string, unknown>[] {
  return child
    .stdout()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The result of the command that begins so. */
export function answerTo(manager: Child, command: string): Record<string, unknown> | undefined {
  return told(manager).find(
    (line) => typeof line['command'] === 'string' && line['command'].startsWith(command),
  );
}

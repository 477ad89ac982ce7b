// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type RunningProgram, startProgram } from '@vnfpool/platform/processes';
import type { FunctionSpecification } from '@vnfpool/wire/mobility';
import { expect, onTestFinished } from 'vitest';
import { createFunctionState, type FunctionStateLimits } from '../../../src/node/function-state/index.ts';
import { temporaryFolder } from './fake-function.ts';

/* The programs of examples/stateful as an agent runs them: processes of their own. */

const root = fileURLToPath(new URL('../../../../../', import.meta.url));
const example = (name: string): string => `${root}examples/stateful/${name}`;
const has = (...command: [string, ...string[]]): boolean =>
  spawnSync(command[0], command.slice(1)).status === 0;
const python = has('python3', '-c', 'import sys; sys.exit(sys.version_info < (3, 10))');

export interface Example {
  readonly name: string;
  /** Why it cannot be run here. */
  readonly missing: string | null;
  readonly specification: FunctionSpecification;
}

function bySocket(...command: string[]): FunctionSpecification {
  const at = ['--address', '{address}', '--port', '{port}'];
  return { v: 1, kind: 'process', command: [...command, ...at], state: { via: 'socket', format: 'kv/1' } };
}

const sh = example('kv.sh');
const hook = (name: string): readonly string[] => ['sh', sh, name];

export const EXAMPLES: readonly Example[] = [
  {
    name: 'kv.py',
    missing: python ? null : 'needs python3, 3.10 or later',
    specification: bySocket('python3', example('kv.py')),
  },
  {
    name: 'kv.mjs',
    missing: existsSync(`${root}packages/client/dist/stateful/index.js`)
      ? null
      : 'needs packages that are built',
    specification: bySocket(process.execPath, example('kv.mjs')),
  },
  {
    name: 'kv.sh',
    missing:
      python && has('flock', '--version') && has('awk', 'BEGIN {}') ? null : 'needs python3, flock and awk',
    specification: {
      v: 1,
      kind: 'process',
      command: ['sh', sh, 'serve', '{address}', '{port}'],
      state: { via: 'hooks', format: 'kv-log/1' },
      hooks: {
        export: hook('export'),
        import: hook('import'),
        quiesce: hook('quiesce'),
        resume: hook('resume'),
        discard: hook('discard'),
        role: hook('role'),
      },
    },
  },
];

/** Starts one, and waits for it to listen. */
export async function run({ specification }: Example, limits: Partial<FunctionStateLimits> = {}) {
  const environment = { PATH: process.env['PATH'] ?? '' };
  const fill = (text: string): string => text.replaceAll('{address}', '127.0.0.1').replaceAll('{port}', '0');
  let program: RunningProgram | undefined;
  const state = await createFunctionState({
    specification,
    name: 'kv#1',
    folder: temporaryFolder(),
    environment,
    fill,
    pid: () => program?.identity?.pid ?? null,
    limits: { answerMs: 20_000, stallMs: 20_000, ...limits },
  });
  if (!state) throw new Error('the example has no state');
  const [command = '', ...words] = specification.command.map(fill);
  const started = startProgram({
    command: [command, ...words],
    environment: { ...environment, ...state.environment },
  });
  program = started;
  onTestFinished(async () => {
    await started.stop(0);
    await state.close();
  });
  const listening = (): string | undefined =>
    /^listening on \S+:(\d+)$/m.exec(started.lines().join('\n'))?.[1];
  await expect.poll(() => listening() ?? started.lines(), { timeout: 30_000 }).toMatch(/^\d+$/);
  const port = Number(listening());
  return { state, program: started, open: () => Client.open(port) };
}

/** Says lines to a key-value service and hears its answers, one after the other. */
export class Client {
  readonly #lines: AsyncIterator<string>;
  readonly #write: (line: string) => void;

  private constructor(lines: AsyncIterator<string>, write: (line: string) => void) {
    this.#lines = lines;
    this.#write = write;
  }

  static async open(port: number): Promise<Client> {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined);
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    return new Client(lines, (line) => void socket.write(`${line}\n`));
  }

  /** Null: the service has closed the connection. */
  async ask(line: string): Promise<string | null> {
    this.#write(line);
    return this.#next();
  }

  async list(): Promise<readonly string[]> {
    this.#write('list');
    const lines: string[] = [];
    for (let line = await this.#next(); line !== null && line !== 'end'; line = await this.#next())
      lines.push(line);
    return lines;
  }

  async #next(): Promise<string | null> {
    const { done, value } = await this.#lines.next();
    return done === true ? null : value;
  }
}

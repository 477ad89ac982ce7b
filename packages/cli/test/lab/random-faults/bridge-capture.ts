// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { until } from '../support.ts';
import { saidBy } from './address-filter.ts';
import { addFrame, type Run } from './frame-order.ts';
import { BRIDGES, type Port } from './switches.ts';

/**
 * Everything that comes in at the ports of the bridges in the name of some addresses, by who says it. At a bridge itself one
 * sees what goes to everybody only. Who says it is known by the port: a hardware address may go with the slot.
 */
export class BridgeCapture {
  readonly #child: ChildProcess;
  #runs: Run[] = [];
  #error = '';
  #isOver = false;

  /** `pid`: a process in the namespace of the bridges. */
  constructor(pid: number, ports: readonly Port[], addresses: readonly string[]) {
    const speakers = new Map(ports.map(({ name, host }) => [name, host]));
    const bridges = new Set(Object.values(BRIDGES));
    const filter = addresses.map(saidBy).join(' or ');
    this.#child = spawn(
      'nsenter',
      ['-t', String(pid), '-n', '--', 'tcpdump', '-i', 'any', '-Q', 'in', '-e', '-n', '-l', '-tt'].concat([
        '--immediate-mode',
        '-B',
        '8192',
        '-s',
        '64',
        filter,
      ]),
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('no pipes to tcpdump');
    createInterface({ input: stdout }).on('line', (line) => {
      const [, at = '', port = ''] = /^(\d+\.\d+) (\S+) /.exec(line) ?? [];
      // What goes to everybody comes to the bridge as well.
      if (port !== '' && !bridges.has(port)) addFrame(this.#runs, speakers.get(port) ?? port, at);
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#error = (this.#error + text).slice(-4096);
    });
    this.#child.once('exit', () => {
      this.#isOver = true;
    });
  }

  async listening(): Promise<void> {
    await until('the capture listens', () => {
      if (this.#isOver) throw new Error(`tcpdump ended: ${this.#error}`);
      return this.#error.includes('listening on');
    });
  }

  /** Who spoke last, since the runs were taken. */
  get speaker(): string | undefined {
    return this.#runs.at(-1)?.speaker;
  }

  /** The runs so far. */
  get runs(): readonly Run[] {
    if (this.#isOver) throw new Error(`tcpdump ended: ${this.#error}`);
    return this.#runs;
  }

  /** The runs so far; the next ones begin anew. */
  take(): Run[] {
    if (this.#isOver) throw new Error(`tcpdump ended: ${this.#error}`);
    const runs = this.#runs;
    this.#runs = [];
    return runs;
  }

  async stop(): Promise<void> {
    if (this.#isOver) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }
}

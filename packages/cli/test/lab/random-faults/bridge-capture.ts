// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { until } from '../support.ts';
import { addFrame, type Run } from './frame-order.ts';

/**
 * Everything that comes in at the ports of a bridge in the name of an IPv4 address, by who says it. At the bridge itself one
 * sees what goes to everybody only.
 */
export class BridgeCapture {
  readonly #child: ChildProcess;
  #runs: Run[] = [];
  #error = '';
  #isOver = false;

  /** `pid`: a process in the namespace of the bridge. */
  constructor(pid: number, bridge: string, address: string) {
    const bytes = address
      .split('.')
      .map((part) => Number(part).toString(16).padStart(2, '0'))
      .join('');
    const filter = `src host ${address} or (arp and arp[14:4] = 0x${bytes})`;
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
      const [, at = '', link, mac] = /^(\S+) (\S+) .*?((?:[0-9a-f]{2}:){5}[0-9a-f]{2}) /.exec(line) ?? [];
      // What goes to everybody comes to the bridge as well.
      if (mac !== undefined && link !== bridge) addFrame(this.#runs, mac, at);
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
    return this.#runs.at(-1)?.mac;
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

// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from 'node:net';
import { fromHex } from '@vnfpool/wire/bytes';
import { decodeMerge, mergeFrameBytes } from '@vnfpool/wire/merge-link';
import { onTestFinished } from 'vitest';

/** The function's end of one connection for mergeable state, octet by octet. */
export class RawData {
  readonly socket: Socket;
  #octets: Buffer = Buffer.alloc(0);
  #isEnded = false;
  #wake: (() => void) | undefined;

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk: Buffer) => {
      this.#octets = Buffer.concat([this.#octets, chunk]);
      this.#wake?.();
    });
    this.socket.once('close', () => {
      this.#isEnded = true;
      this.#wake?.();
    });
    onTestFinished(() => void this.socket.destroy());
  }

  /** The next octets that the agent sends, in hexadecimal; less at its end. */
  async hex(count: number): Promise<string> {
    return (await this.#take(count)).toString('hex');
  }

  writeHex(hex: string): void {
    this.socket.write(fromHex(hex.replaceAll(' ', '')));
  }

  /** Reads until requests up to this number are done; how many were refused. */
  async untilDone(number: number): Promise<{ readonly refused: number }> {
    for (let refused = 0; ; ) {
      const head = await this.#take(4);
      const rest = await this.#take(mergeFrameBytes(new Uint8Array(head)) - 4);
      const message = decodeMerge(new Uint8Array(Buffer.concat([head, rest])));
      if (message.type === 'refused') refused += 1;
      if (message.type === 'done' && message.number >= number) return { refused };
    }
  }

  async #take(count: number): Promise<Buffer> {
    while (this.#octets.length < count && !this.#isEnded)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const taken = this.#octets.subarray(0, count);
    this.#octets = this.#octets.subarray(taken.length);
    return taken;
  }
}

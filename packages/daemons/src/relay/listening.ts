// SPDX-License-Identifier: Apache-2.0

/** Until the next attempt, when the address is not ours yet, or not free yet. */
const AGAIN_MS = 50;

export interface Bound {
  close(): void;
}

/**
 * A socket for clients that is open while it is wanted. An address that moves comes a moment later than the role, and
 * the socket of whoever had it before closes a moment later than ours is wanted: it is tried again until it works.
 */
export class Listening<Socket extends Bound> {
  readonly #open: () => Promise<Socket>;
  #socket: Socket | null = null;
  #wanted = false;
  #trying = false;
  #timer: NodeJS.Timeout | undefined;
  #trouble: string | null = null;

  constructor(open: () => Promise<Socket>) {
    this.#open = open;
  }

  get socket(): Socket | null {
    return this.#socket;
  }

  get trouble(): string | null {
    return this.#wanted && this.#socket === null ? (this.#trouble ?? 'not listening yet') : null;
  }

  start(): void {
    this.#wanted = true;
    void this.#try();
  }

  stop(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = null;
  }

  async #try(): Promise<void> {
    if (!this.#wanted || this.#trying || this.#socket !== null) return;
    this.#trying = true;
    try {
      const socket = await this.#open();
      // oxlint-disable-next-line typescript/no-unnecessary-condition -- it may have been stopped meanwhile
      if (this.#wanted) this.#socket = socket;
      else socket.close();
      this.#trouble = null;
    } catch (error) {
      this.#trouble = (error as Error).message;
      this.#timer = setTimeout(() => void this.#try(), AGAIN_MS);
    } finally {
      this.#trying = false;
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

/** Frames that the kernel had no room for, in order. Who adds to it keeps the bound. */
export class SendQueue {
  #frames: { readonly frame: Uint8Array; readonly protocol: number }[] = [];
  #bytes = 0;
  #drainHandlers: (() => void)[] = [];

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  add(frame: Uint8Array, protocol: number): void {
    this.#frames.push({ frame, protocol });
    this.#bytes += frame.length;
  }

  /** Sends until `send` says that there is no room. What it throws goes through; then only `drop` is allowed. */
  flush(send: (frame: Uint8Array, protocol: number) => boolean): void {
    let sent = 0;
    for (const { frame, protocol } of this.#frames) {
      if (!send(frame, protocol)) break;
      this.#bytes -= frame.length;
      sent += 1;
    }
    this.#frames.splice(0, sent);
  }

  /** Tells those who wait, if the queue is worked off. */
  tellDrained(): void {
    if (this.isEmpty) for (const handler of this.#drainHandlers.splice(0)) handler();
  }

  /** Calls back once, when the queue is worked off; at the next turn if it is empty. Not after `drop`. */
  onDrained(handler: () => void): void {
    if (this.isEmpty) setImmediate(handler);
    else this.#drainHandlers.push(handler);
  }

  drop(): void {
    this.#frames = [];
    this.#bytes = 0;
    this.#drainHandlers = [];
  }
}

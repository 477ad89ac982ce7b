// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { connect } from 'node:net';

/** Connections that count whole messages coming back: their length, rounded up to 4, stands in octets 2 and 3. */
export class Connections {
  #sockets;

  constructor(sockets) {
    this.#sockets = sockets;
  }

  static async open(port, count, cleanup) {
    const sockets = await Promise.all(
      Array.from({ length: count }, async () => {
        const socket = connect({ port, host: '127.0.0.1', noDelay: true });
        await once(socket, 'connect');
        return socket;
      }),
    );
    const connections = new Connections(sockets);
    cleanup?.add(() => connections.close());
    return connections;
  }

  close() {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Sends one message and waits for one. */
  async ask(at, message) {
    await this.collect(at, message);
  }

  /** The message that comes back. */
  async collect(at, message) {
    const socket = this.#sockets[at];
    const answers = [];
    const done = new Promise((resolve) => {
      const counter = new Counter((bytes) => {
        answers.push(bytes);
        socket.off('data', onData);
        resolve();
      });
      const onData = (chunk) => counter.take(chunk);
      socket.on('data', onData);
    });
    socket.write(message);
    await done;
    return answers;
  }

  pipeline(message, window, ms) {
    return this.pipelineOf([message], window, ms);
  }

  /** Keeps `window` messages on the way on each connection for `ms`; answers counted. */
  async pipelineOf(messages, window, ms) {
    let count = 0;
    let running = true;
    let turn = 0;
    const batch = (size) =>
      Buffer.concat(Array.from({ length: size }, () => messages[turn++ % messages.length]));
    for (const socket of this.#sockets) {
      const counter = new Counter();
      socket.on('data', (chunk) => {
        const answers = counter.take(chunk);
        count += answers;
        if (running && answers > 0) socket.write(batch(answers));
      });
    }
    const started = performance.now();
    for (const socket of this.#sockets) socket.write(batch(window));
    await new Promise((resolve) => setTimeout(resolve, ms));
    const seconds = (performance.now() - started) / 1000;
    running = false;
    return { count, seconds };
  }

  /** Sends `rate` messages a second in steps of a millisecond; latencies in milliseconds, sorted. */
  async paced(message, rate, ms) {
    const latencies = [];
    const sent = this.#sockets.map(() => []);
    this.#sockets.forEach((socket, at) => {
      const counter = new Counter();
      socket.on('data', (chunk) => {
        const now = performance.now();
        for (let answers = counter.take(chunk); answers > 0; answers--) {
          const when = sent[at].shift();
          if (when !== undefined) latencies.push(now - when);
        }
      });
    });
    const started = performance.now();
    let count = 0;
    await new Promise((resolve) => {
      const timer = setInterval(() => {
        const now = performance.now();
        if (now - started >= ms) {
          clearInterval(timer);
          resolve();
          return;
        }
        const due = Math.floor(((now - started) * rate) / 1000) - count;
        const share = Math.floor(due / this.#sockets.length);
        if (share <= 0) return;
        const bytes = Buffer.concat(Array.from({ length: share }, () => message));
        this.#sockets.forEach((socket, at) => {
          for (let i = 0; i < share; i++) sent[at].push(now);
          socket.write(bytes);
        });
        count += share * this.#sockets.length;
      }, 1);
    });
    return latencies.toSorted((a, b) => a - b);
  }
}

/** Counts messages in a stream. */
class Counter {
  #rest = Buffer.alloc(0);
  #onMessage;

  constructor(onMessage) {
    this.#onMessage = onMessage;
  }

  /** How many messages end in this chunk. */
  take(chunk) {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let count = 0;
    let at = 0;
    while (bytes.length - at >= 4) {
      const size = (bytes.readUInt16BE(at + 2) + 3) & ~3;
      if (bytes.length - at < size) break;
      this.#onMessage?.(bytes.subarray(at, at + size));
      at += size;
      count += 1;
    }
    this.#rest = bytes.subarray(at);
    return count;
  }
}

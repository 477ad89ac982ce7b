// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** So long a question may wait for its answer before a measurement is given up. */
const ANSWER_MS = 10_000;
/** Paced questions on the way at most, as a part of a second: a server that is behind is asked no more. */
const BEHIND_SECONDS = 0.25;
/** Connections that are opened at once; a listener's queue is not endless. */
const OPENING = 64;

/** Connections that count whole messages coming back: their length, rounded up to 4, stands in octets 2 and 3. */
export class Connections {
  #sockets;
  #closing = false;
  /** Of the first connection that ended before `close`. */
  #lost = withResolvers();

  constructor(sockets) {
    this.#sockets = sockets;
    this.#lost.promise.catch(() => {});
    for (const socket of sockets) {
      let reason = 'closed by the server';
      socket.on('error', (error) => {
        reason = error.message;
      });
      socket.on('close', () => {
        if (!this.#closing) this.#lost.reject(new Error(`a connection was lost: ${reason}`));
      });
    }
  }

  static async open(port, count, cleanup) {
    const sockets = [];
    while (sockets.length < count) {
      const some = Array.from({ length: Math.min(OPENING, count - sockets.length) }, async () => {
        const socket = connect({ port, host: '127.0.0.1', noDelay: true });
        await once(socket, 'connect');
        return socket;
      });
      sockets.push(...(await Promise.all(some)));
    }
    const connections = new Connections(sockets);
    cleanup?.add(() => connections.close());
    return connections;
  }

  close() {
    this.#closing = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Sends one message and waits for one, which it returns. */
  async ask(at, message) {
    const socket = this.#sockets[at];
    const answer = withResolvers();
    const counter = new Counter((bytes) => answer.resolve(Buffer.from(bytes)));
    const onData = (chunk) => counter.take(chunk);
    socket.on('data', onData);
    socket.write(message);
    try {
      return await this.#within(answer.promise, ANSWER_MS);
    } finally {
      socket.off('data', onData);
    }
  }

  /** Sends messages over one connection, `window` on the way at most, and waits for as many. */
  async askAll(at, messages, window) {
    const socket = this.#sockets[at];
    const done = withResolvers();
    const counter = new Counter();
    let [sent, answered] = [0, 0];
    const send = () => {
      const next = messages.slice(sent, Math.min(messages.length, answered + window));
      sent += next.length;
      if (next.length > 0) socket.write(Buffer.concat(next));
    };
    const onData = (chunk) => {
      answered += counter.take(chunk);
      if (answered >= messages.length) done.resolve();
      else send();
    };
    socket.on('data', onData);
    send();
    try {
      await this.#within(done.promise, ANSWER_MS);
    } finally {
      socket.off('data', onData);
    }
  }

  /** Answers each message that comes with what `answerTo` makes of it, if anything, for `ms`; counts them. */
  async answerFor(ms, answerTo) {
    let count = 0;
    const counters = this.#sockets.map((socket) => {
      let out = [];
      const counter = new Counter((bytes) => {
        const answer = answerTo(bytes);
        if (answer !== undefined) out.push(answer);
      });
      const onData = (chunk) => {
        counter.take(chunk);
        count += out.length;
        if (out.length > 0) socket.write(Buffer.concat(out));
        out = [];
      };
      socket.on('data', onData);
      return onData;
    });
    await this.#within(delay(ms), ms + ANSWER_MS);
    this.#sockets.forEach((socket, at) => {
      socket.off('data', counters[at]);
    });
    return count;
  }

  pipeline(message, window, ms) {
    return this.pipelineOf([message], window, ms);
  }

  /** Keeps `window` messages on the way on each connection for `ms`; answers counted. */
  async pipelineOf(messages, window, ms) {
    // Twice the window in a row: whatever comes next is a part of it, and not put together each time.
    const round = Buffer.concat(
      Array.from({ length: 2 * window }, (_, at) => messages[at % messages.length]),
    );
    const starts = [0];
    for (let at = 0; at < 2 * window; at++) starts.push(starts[at] + messages[at % messages.length].length);
    let count = 0;
    let running = true;
    for (const socket of this.#sockets) {
      const counter = new Counter();
      let turn = 0;
      const send = (size) => {
        socket.write(round.subarray(starts[turn], starts[turn + size]));
        turn = (turn + size) % messages.length;
      };
      socket.on('data', (chunk) => {
        const answers = counter.take(chunk);
        count += answers;
        if (running && answers > 0) send(answers);
      });
      send(window);
    }
    const started = performance.now();
    await this.#within(delay(ms), ms + ANSWER_MS);
    const seconds = (performance.now() - started) / 1000;
    running = false;
    return { count, seconds };
  }

  /**
   * Sends `rate` messages a second in steps of a millisecond; latencies in milliseconds since the write, sorted. When
   * this process itself was late, what is due goes out at once.
   */
  async paced(message, rate, ms) {
    const latencies = [];
    const waiting = this.#sockets.map(() => ({ batches: [], first: 0, count: 0 }));
    const share = rate / this.#sockets.length;
    const most = Math.ceil(share * BEHIND_SECONDS);
    const block = Buffer.concat(Array.from({ length: most }, () => message));
    this.#sockets.forEach((socket, at) => {
      const counter = new Counter();
      const queue = waiting[at];
      socket.on('data', (chunk) => {
        const now = performance.now();
        let answers = counter.take(chunk);
        queue.count -= answers;
        while (answers > 0) {
          const batch = queue.batches[queue.first];
          const taken = Math.min(answers, batch.count);
          for (let i = 0; i < taken; i++) latencies.push(now - batch.atMs);
          batch.count -= taken;
          answers -= taken;
          if (batch.count === 0) queue.first += 1;
        }
      });
    });
    const started = performance.now();
    let asked = 0;
    while (performance.now() - started < ms) {
      await this.#within(delay(1), ANSWER_MS);
      const now = performance.now();
      const due = Math.floor(((now - started) * share) / 1000) - asked;
      asked += due;
      this.#sockets.forEach((socket, at) => {
        const queue = waiting[at];
        const count = Math.min(due, most - queue.count);
        if (count <= 0) return;
        queue.batches.push({ atMs: now, count });
        queue.count += count;
        socket.write(block.subarray(0, count * message.length));
      });
    }
    return { latencies: latencies.toSorted((a, b) => a - b), asked: asked * this.#sockets.length };
  }

  /** What `promise` says, unless a connection is lost or it takes too long. */
  async #within(promise, ms) {
    const late = new AbortController();
    const gaveUp = delay(ms, undefined, { signal: late.signal, ref: false }).then(() => {
      throw new Error(`no answer within ${ms} ms`);
    });
    gaveUp.catch(() => {});
    try {
      return await Promise.race([promise, this.#lost.promise, gaveUp]);
    } finally {
      late.abort();
    }
  }
}

function withResolvers() {
  let resolve;
  let reject;
  const promise = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
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

// SPDX-License-Identifier: Apache-2.0
// Asks the store of subscribers; one connection, made anew when it is needed again.
import { connect } from 'node:net';
import { LineSplitter } from '@vnfpool/wire/function-socket';

const ANSWER_MS = 2_000;
const ASKED_MAX = 1_000;

export class HssClient {
  #host;
  #port;
  #socket = null;
  #asked = new Map();
  #lastId = 0;

  constructor(host, port) {
    this.#host = host;
    this.#port = port;
  }

  /** `{ may, expiresMaxS?, contactsMax? }`, or null: no answer. */
  may(identity) {
    return new Promise((resolve) => {
      if (this.#asked.size >= ASKED_MAX) {
        resolve(null);
        return;
      }
      const id = ++this.#lastId;
      const done = (verdict) => {
        clearTimeout(limit);
        this.#asked.delete(id);
        resolve(verdict);
      };
      const limit = setTimeout(() => done(null), ANSWER_MS);
      this.#asked.set(id, done);
      this.#socket ??= this.#open();
      this.#socket.write(`${JSON.stringify({ id, op: 'may', identity })}\n`);
    });
  }

  #open() {
    const socket = connect(this.#port, this.#host);
    const splitter = new LineSplitter();
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      try {
        for (const line of splitter.push(chunk)) {
          const { id, ok, ...verdict } = JSON.parse(new TextDecoder().decode(line));
          this.#asked.get(id)?.(ok === true && typeof verdict.may === 'boolean' ? verdict : null);
        }
      } catch {
        socket.destroy();
      }
    });
    socket.on('close', () => {
      this.#socket = null;
      for (const done of this.#asked.values()) done(null);
    });
    return socket;
  }
}

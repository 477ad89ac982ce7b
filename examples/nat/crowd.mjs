#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/*
 * Many connections that live: each asks now and then, and must be answered by whoever it began with.
 *
 *   crowd.mjs server ADDRESS            gives back what it gets, at port 7002
 *   crowd.mjs client ADDRESS COUNT      opens so many connections; a line on standard input asks on all of them
 */
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const PORT = 7002;
/** Opened at a time. */
const OPENING_MAX = 200;
/** For the answers to one round; TCP may have to send again several times. */
const ROUND_MS = 20_000;

const say = (facts) => process.stdout.write(`${JSON.stringify(facts)}\n`);

function serve(address) {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  server.listen({ port: PORT, host: address, backlog: 4096 }, () => say({ ready: true }));
}

class Member {
  #socket;
  #waiting = null;
  failure = null;

  /** Resolves when it is connected, or has failed. */
  open(address) {
    return new Promise((resolve) => {
      this.#socket = connect(PORT, address, resolve).setNoDelay(true).setEncoding('latin1');
      this.#socket.on('data', () => this.#waiting?.());
      this.#socket.on('error', ({ code }) => {
        this.failure ??= code;
        this.#waiting?.();
        resolve();
      });
      this.#socket.on('close', () => {
        this.failure ??= 'closed by the other side';
        this.#waiting?.();
        resolve();
      });
    });
  }

  /** Whether it is answered. */
  async ask() {
    if (this.failure !== null) return;
    const answered = new Promise((resolve) => {
      this.#waiting = resolve;
    });
    this.#socket.write('?');
    let late;
    const timedOut = new Promise((resolve) => {
      late = setTimeout(() => {
        this.failure ??= 'not answered';
        resolve();
      }, ROUND_MS);
    });
    await Promise.race([answered, timedOut]);
    clearTimeout(late);
    this.#waiting = null;
  }
}

async function crowd(address, count) {
  const members = Array.from({ length: count }, () => new Member());
  for (let at = 0; at < count; at += OPENING_MAX)
    await Promise.all(members.slice(at, at + OPENING_MAX).map((member) => member.open(address)));
  const tell = () => {
    const died = {};
    for (const { failure } of members) if (failure !== null) died[failure] = (died[failure] ?? 0) + 1;
    say({ living: members.filter(({ failure }) => failure === null).length, died });
  };
  tell();
  for await (const _line of createInterface({ input: process.stdin })) {
    await Promise.all(members.map((member) => member.ask()));
    tell();
  }
  process.exit(0);
}

const [role, address, count = '0'] = process.argv.slice(2);
if (role === 'server' && address) serve(address);
else if (role === 'client' && address) await crowd(address, Number(count));
else {
  process.stderr.write('say crowd.mjs server|client ADDRESS [COUNT]\n');
  process.exit(2);
}

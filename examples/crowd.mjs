#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/*
 * Many connections that live: each asks now and then, and must be answered by whoever it began with.
 *
 *   crowd.mjs server ADDRESS            answers each question at port 7002 with its address
 *   crowd.mjs client ADDRESS COUNT      opens so many connections, and does what the lines on standard input say:
 *
 *     ask      on all of them
 *     try N    opens N more, asks on each, and closes them again
 */
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const PORT = 7002;
/** Opened at a time. */
const OPENING_MAX = 200;
/** For one answer; TCP may have to send again several times. */
const ANSWER_MS = 20_000;

const say = (facts) => process.stdout.write(`${JSON.stringify(facts)}\n`);

function serve(address) {
  const server = createServer((socket) => {
    socket.on('error', () => {}).on('data', () => socket.write(`${address}\n`));
  });
  server.listen({ port: PORT, host: address, backlog: 4096 }, () => say({ ready: true }));
}

class Member {
  #socket;
  #heard = '';
  #waiting = null;
  /** Who answered first. */
  home = null;
  failure = null;

  /** Resolves when it was answered, or has failed. */
  async open(address) {
    await this.#within((done) => {
      this.#socket = connect(PORT, address, done).setNoDelay(true).setEncoding('latin1');
      this.#socket.on('data', (text) => this.#hear(text));
      this.#socket.on('error', ({ code }) => this.#fail(code));
      this.#socket.on('close', () => this.#fail('closed by the other side'));
    });
    await this.ask();
  }

  async ask() {
    if (this.failure === null) await this.#within(() => this.#socket.write('?'));
  }

  close() {
    this.failure ??= 'closed';
    this.#socket.destroy();
  }

  #hear(text) {
    this.#heard += text;
    if (!this.#heard.endsWith('\n')) return;
    const who = this.#heard.trim();
    this.#heard = '';
    this.home ??= who;
    if (who !== this.home) this.failure ??= 'answered by another';
    this.#waiting?.();
  }

  #fail(reason) {
    this.failure ??= reason;
    this.#waiting?.();
  }

  async #within(begin) {
    let late;
    await new Promise((resolve) => {
      this.#waiting = resolve;
      late = setTimeout(() => this.#fail('not answered'), ANSWER_MS);
      begin(resolve);
    });
    clearTimeout(late);
    this.#waiting = null;
  }
}

async function open(address, count) {
  const members = Array.from({ length: count }, () => new Member());
  for (let at = 0; at < count; at += OPENING_MAX)
    await Promise.all(members.slice(at, at + OPENING_MAX).map((member) => member.open(address)));
  return members;
}

function tally(names) {
  const counts = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** How many live, and with whom; what the others died of. */
function facts(members) {
  const living = members.filter(({ failure }) => failure === null);
  const died = members.filter(({ failure }) => failure !== null);
  return {
    living: living.length,
    at: tally(living.map(({ home }) => home)),
    died: tally(died.map(({ failure }) => failure)),
  };
}

async function crowd(address, count) {
  const members = await open(address, count);
  say(facts(members));
  for await (const line of createInterface({ input: process.stdin })) {
    const [verb, more] = line.split(' ');
    if (verb === 'ask') {
      await Promise.all(members.map((member) => member.ask()));
      say(facts(members));
      continue;
    }
    const others = await open(address, Number(more));
    say({ tried: facts(others) });
    for (const other of others) other.close();
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

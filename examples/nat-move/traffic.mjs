#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/*
 * Traffic for a gateway that moves.
 *
 *   traffic.mjs server ADDRESS   HTTP at 8080: GET /N sends N octets; TCP at 7000 and UDP at 7001 give back what they get
 *   traffic.mjs client ADDRESS [EVERY]   one TCP connection with a question every 5 ms, a datagram every millisecond, or EVERY ms
 *
 * Both write lines of JSON. The client tells how it went, and ends, when its standard input ends; the server tells who its peers are.
 */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const HTTP_PORT = 8080;
const ECHO_PORT = 7000;
const DATAGRAM_PORT = 7001;
const BLOCK_BYTES = 65_536;
const ASK_EVERY_MS = 5;
/** After the last question, for answers that are under way. */
const LATE_MS = 500;

const say = (facts) => process.stdout.write(`${JSON.stringify(facts)}\n`);

/** No two blocks are the same, so that one that is lost or comes twice shows in the digest. */
const block = (number) => Buffer.alloc(BLOCK_BYTES, createHash('sha256').update(`${number}`).digest());

async function send(bytes, response) {
  const hash = createHash('sha256');
  response.setHeader('content-length', bytes);
  for (let at = 0; at < bytes && !response.destroyed; at += BLOCK_BYTES) {
    const piece = block(at).subarray(0, bytes - at);
    hash.update(piece);
    if (!response.write(piece))
      await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
  }
  response.end();
  say({ sent: bytes, sha256: hash.digest('hex') });
}

function serve(address) {
  const listening = (server, port) => new Promise((resolve) => server.listen(port, address, resolve));
  const http = createHttpServer((request, response) => {
    send(Number(request.url.slice(1)), response).catch((error) => say({ failed: error.message }));
  });
  const echo = createServer((socket) => {
    say({ peer: `${socket.remoteAddress}:${socket.remotePort}` });
    socket.setNoDelay(true).on('error', (error) => say({ lost: error.code }));
    socket.pipe(socket);
  });
  const datagrams = createSocket('udp4');
  const senders = new Set();
  datagrams.on('message', (octets, { port, address: from }) => {
    datagrams.send(octets, port, from);
    const sender = `${from}:${port}`;
    if (senders.has(sender)) return;
    senders.add(sender);
    say({ datagramsFrom: sender });
  });
  const bound = new Promise((resolve) => datagrams.bind(DATAGRAM_PORT, address, resolve));
  void Promise.all([listening(http, HTTP_PORT), listening(echo, ECHO_PORT), bound]).then(() =>
    say({ ready: true }),
  );
}

/** Questions by number: when each was asked, and answered. */
class Questions {
  #askedMs = [];
  #answeredMs = [];

  /** @returns its number */
  ask() {
    return this.#askedMs.push(performance.now()) - 1;
  }

  answered(number) {
    this.#answeredMs[number] = performance.now();
  }

  get isAnswered() {
    return this.#answeredMs.length === this.#askedMs.length;
  }

  /** Longest time from the first of some that got no answer to the next that got one; who asks may be late himself. */
  told() {
    const asked = this.#askedMs;
    let [lossMs, waitMs, answered, lostSinceMs] = [0, 0, 0, null];
    for (const [number, askedMs] of asked.entries()) {
      const answeredMs = this.#answeredMs[number];
      if (answeredMs === undefined) {
        lostSinceMs ??= askedMs;
        continue;
      }
      answered += 1;
      waitMs = Math.max(waitMs, answeredMs - askedMs);
      if (lostSinceMs !== null) lossMs = Math.max(lossMs, askedMs - lostSinceMs);
      lostSinceMs = null;
    }
    const rounded = (ms) => Math.round(ms * 10) / 10;
    return { sent: asked.length, answered, longestLossMs: rounded(lossMs), longestWaitMs: rounded(waitMs) };
  }

  /** When those without an answer were asked, by the wall clock, ms. */
  lostAtMs() {
    const lost = this.#askedMs.filter((_, number) => this.#answeredMs[number] === undefined);
    return lost.map((askedMs) => Math.round(performance.timeOrigin + askedMs));
  }
}

function ask(address, everyMs) {
  const [questions, datagrams] = [new Questions(), new Questions()];
  let isReady = false;
  let failure = null;
  const socket = connect(ECHO_PORT, address).setNoDelay(true);
  socket.on('error', (error) => {
    failure = error.code;
  });
  socket.once('end', () => {
    failure ??= 'ended by the other side';
  });
  createInterface({ input: socket })
    // Of the socket, which tells of it itself.
    .on('error', () => {})
    .on('line', (line) => {
      questions.answered(Number(line));
      if (!isReady) say({ ready: true });
      isReady = true;
    });
  const udp = createSocket('udp4');
  udp.on('message', (octets) => datagrams.answered(Number(octets))).on('error', () => {});
  udp.connect(DATAGRAM_PORT, address);
  // At its own pace: the loop of the other may be late.
  const timers = [
    setInterval(() => {
      if (questions.isAnswered) socket.write(`${questions.ask()}\n`);
    }, ASK_EVERY_MS),
  ];
  udp.once('connect', () => {
    timers.push(setInterval(() => udp.send(`${datagrams.ask()}`), everyMs));
  });
  process.stdin.resume().once('end', () => {
    for (const timer of timers) clearInterval(timer);
    setTimeout(() => {
      const told = { ...datagrams.told(), lostAtMs: datagrams.lostAtMs() };
      say({ connection: { ...questions.told(), failure }, datagrams: told });
      process.exit(failure === null ? 0 : 1);
    }, LATE_MS);
  });
}

const [role, address, every = '1'] = process.argv.slice(2);
if (role === 'server' && address) serve(address);
else if (role === 'client' && address) ask(address, Number(every));
else {
  process.stderr.write('say traffic.mjs server|client ADDRESS [EVERY]\n');
  process.exit(2);
}

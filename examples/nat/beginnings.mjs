#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/*
 * Flows that begin all the time, each of one datagram that nobody answers or sends again; and connections among them, which have to be answered.
 *
 *   beginnings.mjs server ADDRESS   puts down who sent what at port 7003, and says it when a line comes; answers connections
 *   beginnings.mjs client ADDRESS   begins until a line comes, then says what became of the connections
 *   beginnings.mjs again ADDRESS    begins a flow from each port of a line, a JSON list, and says when it has
 */
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

const PORT = 7003;
/** Flows begin so often, ms, and each so manieth time a connection. */
const EVERY_MS = 2;
const CONNECTION_EVERY = 20;
/** For the answer of a connection: TCP sends its first segment again after 1, 3, 7 s. */
const ANSWER_MS = 20_000;

const say = (facts) => process.stdout.write(`${JSON.stringify(facts)}\n`);

function serve(address) {
  const seen = [];
  const socket = createSocket('udp4', (datagram, { port }) => {
    seen.push({ inside: Number(datagram.toString()), outside: port });
  });
  const server = createServer((connection) => {
    connection.on('error', () => {}).on('data', (question) => connection.write(question));
  });
  createInterface({ input: process.stdin }).on('line', () => say({ seen: seen.splice(0) }));
  socket.bind(PORT, address, () =>
    server.listen({ port: PORT, host: address, backlog: 1024 }, () => say({ ready: true })),
  );
}

/** One datagram with the port that it comes from, from a socket of its own; none where somebody else has the port. */
function tell(address, from = 0) {
  const socket = createSocket('udp4');
  socket.once('error', () => socket.close());
  return new Promise((resolve) => {
    socket.once('close', resolve).bind(from, () => {
      socket.send(String(socket.address().port), PORT, address, () => socket.close());
    });
  });
}

/** Why a connection that begins now is not answered; null: it is. */
function ask(address) {
  return new Promise((resolve) => {
    const socket = connect(PORT, address, () => socket.write('?')).setTimeout(ANSWER_MS);
    const end = (reason) => {
      socket.destroy();
      resolve(reason);
    };
    socket.on('data', () => end(null));
    socket
      .on('error', ({ code }) => end(code))
      .on('timeout', () => end(socket.connecting ? 'not connected' : 'no answer'));
  });
}

async function begin(address) {
  let isOver = false;
  createInterface({ input: process.stdin }).once('line', () => {
    isOver = true;
  });
  const asked = [];
  say({ ready: true });
  let begun = 0;
  for (const startMs = performance.now(); !isOver; await pause(1)) {
    for (const due = (performance.now() - startMs) / EVERY_MS; begun < due; begun++) {
      if (begun % CONNECTION_EVERY === 0) asked.push(ask(address));
      else void tell(address);
    }
  }
  const failures = (await Promise.all(asked)).filter((reason) => reason !== null);
  say({ begun, connections: asked.length, failures });
  process.exit(0);
}

function beginAgain(address) {
  createInterface({ input: process.stdin }).on('line', (line) => {
    const ports = JSON.parse(line);
    void Promise.all(ports.map((port) => tell(address, port))).then(() => say({ begun: ports.length }));
  });
  say({ ready: true });
}

const [role, address] = process.argv.slice(2);
if (role === 'server') serve(address);
else if (role === 'again') beginAgain(address);
else await begin(address);

// SPDX-License-Identifier: Apache-2.0
// Servers that say again what they hear, and clients that count each datagram until it has come back.
import { createSocket } from 'node:dgram';
import { setTimeout as pause } from 'node:timers/promises';

const LOOPBACK = { address: '127.0.0.1', port: 0 };
const ANYWHERE = { address: '0.0.0.0', port: 0 };
/** From an answer to the next datagram of a client, and how long it waits for an answer before it goes on. */
const PAUSE_MS = 20;
const LATE_MS = 1_000;
/** For answers that are late, in the end. */
const REST_MS = 2_000;

async function open({ address, port }) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1_048_576 });
  await new Promise((resolve) => socket.bind(port, address, resolve));
  return socket;
}

/** `peers`: the addresses and ports that it has heard. */
export async function startServer(name, place = LOOPBACK) {
  const socket = await open(place);
  const peers = new Set();
  socket.on('message', (said, { port, address }) => {
    peers.add(`${address} ${port}`);
    socket.send(`${name} ${said.toString()}`, port, address);
  });
  return { port: socket.address().port, peers, close: () => socket.close() };
}

export class Clients {
  sent = 0;
  heard = 0;
  /** Never answered, so far. */
  lost = 0;
  /** Answered after the client had gone on. */
  late = 0;
  longestMs = 0;
  /** By client: which servers have answered it. */
  servers = [];
  #sockets = [];
  #says = [];
  #resting = false;
  #busy = 0;

  /** `count` clients of whoever is at this place; each begins to talk at once. */
  async start(count, { address, port }) {
    for (let at = 0; at < count; at += 1) {
      const socket = await open(ANYWHERE);
      this.#sockets.push(socket);
      this.servers.push(new Set());
      this.#talk(at, socket, { address, port });
    }
  }

  /** All have been answered at least once. */
  get allServed() {
    return this.servers.every((each) => each.size > 0);
  }

  /** No more is said; resolves when all is answered, or will not be. */
  async rest() {
    this.#resting = true;
    while (this.#busy > 0) await pause(PAUSE_MS);
    for (let left = REST_MS; left > 0 && this.lost > 0; left -= PAUSE_MS) await pause(PAUSE_MS);
  }

  goOn() {
    this.#resting = false;
    for (const say of this.#says) say();
  }

  close() {
    for (const socket of this.#sockets) socket.close();
  }

  #talk(at, socket, { address, port }) {
    let number = 0;
    let timer;
    let sentAt;
    const say = () => {
      if (this.#resting || timer !== undefined) return;
      number += 1;
      this.sent += 1;
      this.#busy += 1;
      sentAt = performance.now();
      socket.send(`${number}`, port, address);
      timer = setTimeout(() => {
        timer = undefined;
        this.lost += 1;
        this.#busy -= 1;
        say();
      }, LATE_MS);
    };
    socket.on('message', (answer) => {
      const [server, text] = answer.toString().split(' ');
      this.servers[at].add(server);
      this.heard += 1;
      if (Number(text) !== number || timer === undefined) {
        this.lost -= 1;
        this.late += 1;
        return;
      }
      clearTimeout(timer);
      this.#busy -= 1;
      this.longestMs = Math.max(this.longestMs, performance.now() - sentAt);
      timer = undefined;
      setTimeout(say, PAUSE_MS);
    });
    this.#says.push(say);
    // Not all in one moment.
    setTimeout(say, (at % 50) * 5);
  }
}

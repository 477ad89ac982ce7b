// SPDX-License-Identifier: Apache-2.0
import { createSocket, type Socket } from 'node:dgram';
import type { RelayPlace } from '@vnfpool/core/relay';
import { runRelay } from '@vnfpool/daemons/relay';
import { silentLogger } from '@vnfpool/runtime/logging';
import { onTestFinished } from 'vitest';
import type { RelayConfig } from '../../src/relay/config.ts';

export const HOST = '127.0.0.1';
export const WAIT = { timeout: 20_000 };

export function relayConfig(more: Partial<RelayConfig> & Pick<RelayConfig, 'backends'>): RelayConfig {
  return {
    protocol: 'udp',
    listen: { address: HOST, port: 0 },
    service: null,
    from: null,
    forward: { address: HOST, port: 0 },
    idleMs: 60_000,
    sessionsMax: 10_000,
    heldMax: 8_192,
    cutConnections: false,
    ...more,
  };
}

/** A relay that runs alone, and the port where it listens. */
export async function startRelay(more: Partial<RelayConfig> & Pick<RelayConfig, 'backends'>) {
  const relay = await runRelay(relayConfig(more), silentLogger, {});
  onTestFinished(() => relay.stop());
  await relay.listening;
  const { listen } = relay.status();
  return { relay, port: Number(listen?.split(':').at(-1)), status: () => relay.status() };
}

export async function bindUdp(address: string = HOST, port = 0): Promise<Socket> {
  const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1_048_576 });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, resolve);
  });
  onTestFinished(() => {
    try {
      socket.close();
    } catch {
      // The test has closed it.
    }
  });
  return socket;
}

/** A server that says what it hears with its own number before it; `peers` are the places that it heard from. */
export async function echoServer(number: number, address: string = HOST) {
  const socket = await bindUdp(address);
  const peers = new Set<string>();
  socket.on('message', (payload, from) => {
    peers.add(`${from.address} ${from.port}`);
    socket.send(Buffer.concat([Buffer.from(`${number} `), payload]), from.port, from.address);
  });
  const place: RelayPlace = { address, port: socket.address().port };
  return { place, peers, socket };
}

/** A client of UDP that remembers what it was told. */
export async function udpClient(port: number, address: string = HOST) {
  const socket = await bindUdp(address);
  const heard: string[] = [];
  socket.on('message', (payload, from) => {
    heard.push(from.port === port ? payload.toString('latin1') : `from ${from.address} ${from.port}`);
  });
  const say = (text: string | Uint8Array): void => socket.send(text, port, address);
  return { socket, heard, say };
}

/**
 * Many clients that talk at once, each in its own session: so many packets are under way at a time, and each packet is
 * counted when it comes back. None is repeated: one that is lost is missing in the end.
 */
export class Talk {
  readonly sent: number[] = [];
  readonly heard: number[] = [];
  /** Backends by client: a client should know one only. */
  readonly servers: Set<string>[] = [];
  strange = 0;
  readonly #clients: Socket[] = [];
  #underWay = 0;
  #next = 0;
  #ended = false;
  readonly #port: number;
  readonly #atOnce: number;

  constructor(port: number, atOnce = 32) {
    this.#port = port;
    this.#atOnce = atOnce;
  }

  get total(): { readonly sent: number; readonly heard: number } {
    const sum = (numbers: readonly number[]): number => numbers.reduce((one, other) => one + other, 0);
    return { sent: sum(this.sent), heard: sum(this.heard) };
  }

  async open(clients: number): Promise<void> {
    for (let at = 0; at < clients; at += 1) {
      const socket = await bindUdp();
      this.#clients.push(socket);
      this.sent.push(0);
      this.heard.push(0);
      this.servers.push(new Set());
      socket.on('message', (payload, { port }) => this.#hear(at, payload.toString('latin1'), port));
    }
  }

  start(): void {
    this.#ended = false;
    this.#fill();
  }

  /** Resolves with true when all that was said has come back. */
  async end(withinMs = 20_000): Promise<boolean> {
    this.#ended = true;
    const until = performance.now() + withinMs;
    while (this.#underWay > 0 && performance.now() < until)
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    return this.#underWay === 0;
  }

  /** Waits no longer for what is under way; gives how many that are. */
  giveUp(): number {
    const lost = this.#underWay;
    this.#underWay = 0;
    return lost;
  }

  #fill(): void {
    while (!this.#ended && this.#underWay < this.#atOnce) {
      const at = this.#next % this.#clients.length;
      this.#next += 1;
      this.#underWay += 1;
      this.sent[at] = (this.sent[at] ?? 0) + 1;
      this.#clients[at]?.send(`${at}:${this.sent[at]}`, this.#port, HOST);
    }
  }

  #hear(at: number, text: string, port: number): void {
    const [, server = '', client, number] = /^(\d+) (\d+):(\d+)$/.exec(text) ?? [];
    if (port !== this.#port || Number(client) !== at || Number(number) > (this.sent[at] ?? 0)) {
      this.strange += 1;
      return;
    }
    this.servers[at]?.add(server);
    this.heard[at] = (this.heard[at] ?? 0) + 1;
    this.#underWay -= 1;
    this.#fill();
  }
}

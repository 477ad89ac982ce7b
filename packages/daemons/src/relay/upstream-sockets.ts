// SPDX-License-Identifier: Apache-2.0
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { type RelaySession, samePlace } from '@vnfpool/core/relay';

/** Packets of a session that wait until its socket is open. */
const WAITING_MAX = 64;

interface Upstream {
  readonly socket: Socket;
  isOpen: boolean;
  readonly waiting: Uint8Array[];
}

export interface UpstreamOptions {
  /** Own address; null: the system chooses. */
  readonly from: string | null;
  readonly onPacket: (session: number, payload: Uint8Array) => void;
}

/** A socket for each session towards its backend: the backend tells sessions apart as it tells clients apart. */
export class UpstreamSockets {
  readonly counters = { toBackends: 0, fromBackends: 0, backendErrors: 0, foreign: 0, portsChanged: 0 };
  readonly #options: UpstreamOptions;
  readonly #upstreams = new Map<number, Upstream>();

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#upstreams.size;
  }

  send(session: RelaySession, payload: Uint8Array): void {
    const upstream = this.#upstreams.get(session.number) ?? this.#open(session, session.upstreamPort ?? 0);
    if (upstream.isOpen) this.#transmit(upstream.socket, session, payload);
    else if (upstream.waiting.length < WAITING_MAX) upstream.waiting.push(payload);
    else this.counters.backendErrors += 1;
  }

  close(session: number): void {
    const upstream = this.#upstreams.get(session);
    this.#upstreams.delete(session);
    upstream?.socket.close();
  }

  closeAll(): void {
    for (const number of this.#upstreams.keys()) this.close(number);
  }

  /** @param port That of the instance before; if it is not to be had, any. */
  #open(session: RelaySession, port: number, waiting: Uint8Array[] = []): Upstream {
    const { from, onPacket } = this.#options;
    const { number, backend } = session;
    const socket = createSocket(isIPv6(backend.address) ? 'udp6' : 'udp4');
    const upstream: Upstream = { socket, isOpen: false, waiting };
    this.#upstreams.set(number, upstream);
    socket.on('message', (payload, sender) => {
      if (samePlace(sender, backend)) {
        this.counters.fromBackends += 1;
        onPacket(number, payload);
      } else this.counters.foreign += 1;
    });
    socket.on('error', () => {
      if (this.#upstreams.get(number) !== upstream) return;
      if (upstream.isOpen) {
        this.counters.backendErrors += 1;
        return;
      }
      socket.close();
      this.#upstreams.delete(number);
      if (port !== 0) {
        this.counters.portsChanged += 1;
        this.#open(session, 0, waiting);
      } else this.counters.backendErrors += waiting.length;
    });
    const onOpen = (): void => {
      if (this.#upstreams.get(number) !== upstream) return;
      upstream.isOpen = true;
      session.upstreamPort = socket.address().port;
      for (const payload of waiting.splice(0)) this.#transmit(socket, session, payload);
    };
    if (from === null) socket.bind(port, onOpen);
    else socket.bind(port, from, onOpen);
    return upstream;
  }

  #transmit(socket: Socket, { backend }: RelaySession, payload: Uint8Array): void {
    this.counters.toBackends += 1;
    socket.send(payload, backend.port, backend.address, (error) => {
      if (error) this.counters.backendErrors += 1;
    });
  }
}

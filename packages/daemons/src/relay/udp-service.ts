// SPDX-License-Identifier: Apache-2.0
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { ForwardingPort } from '@vnfpool/client/forwarding';
import { formatPlace, type RelayPlace, UdpRelay } from '@vnfpool/core/relay';
import type { RelayConfig, RelayService, RelayStatus } from './config.ts';
import { Listening } from './listening.ts';
import { UpstreamSockets } from './upstream-sockets.ts';

const RECEIVE_BUFFER_BYTES = 4 * 1_048_576;
/** How often idle sessions are looked for, at least. */
const SWEEP_MS_MAX = 5_000;

/** The relay for datagrams with its sockets. */
export class UdpService implements RelayService {
  readonly relay: UdpRelay;
  readonly #config: RelayConfig;
  readonly #listening: Listening<Socket>;
  readonly #upstreams: UpstreamSockets;
  readonly #sweep: NodeJS.Timeout;
  #port: ForwardingPort | null = null;
  #socketErrors = 0;

  private constructor(config: RelayConfig) {
    this.#config = config;
    const { backends, sessionsMax, idleMs, heldMax } = config;
    this.relay = new UdpRelay({
      service: config.service ?? config.listen,
      backends,
      sessionsMax,
      idleMs,
      heldMax,
      wallOffsetMs: Date.now() - performance.now(),
    });
    this.#listening = new Listening(() => this.#bind(config.listen));
    this.#upstreams = new UpstreamSockets({
      from: config.from,
      onPacket: (session, payload) => this.run((now) => this.relay.fromBackend(session, payload, now)),
    });
    this.#sweep = setInterval(
      () => this.run((now) => this.relay.expire(now)),
      Math.min(SWEEP_MS_MAX, Math.ceil(idleMs / 4)),
    );
  }

  /** @throws what the socket for forwarded packets says */
  static async open(config: RelayConfig): Promise<UdpService> {
    const service = new UdpService(config);
    const { relay } = service;
    service.#port = await ForwardingPort.open({
      ...config.forward,
      onArrived: (transfer, packet) => service.run((now) => relay.fromHome(transfer, packet, now)),
      onSend: (transfer, packet) => service.run((now) => relay.fromHolder(transfer, packet, now)),
      onEnded: (transfer, session) => service.run(() => relay.elsewhereEnded(transfer, session)),
      onOver: (transfer, waited) => service.run((now) => relay.transferOver(transfer, waited, now)),
    });
    return service;
  }

  get port(): ForwardingPort {
    if (this.#port === null) throw new Error('not open yet');
    return this.#port;
  }

  get sessionsMax(): number {
    return this.#config.sessionsMax;
  }

  get trouble(): string | null {
    return this.#listening.trouble;
  }

  listen(): void {
    this.#listening.start();
  }

  unlisten(): void {
    this.#listening.stop();
  }

  /** Does something with the relay, and then what the relay wants done. */
  run<Result>(act: (nowMs: number) => Result): Result {
    const result = act(performance.now());
    for (const output of this.relay.take()) {
      switch (output.type) {
        case 'to-client':
          this.#toClient(output.client, output.payload);
          break;
        case 'to-backend':
          this.#upstreams.send(output.session, output.payload);
          break;
        case 'close':
          this.#upstreams.close(output.session);
          break;
        case 'arrived':
        case 'send':
          this.port[output.type](output.transfer, output.packet);
          break;
        case 'ended':
          this.port.ended(output.transfer, output.session);
          break;
        case 'drop':
          this.port.drop(output.transfer);
      }
    }
    return result;
  }

  status(role: string | null): RelayStatus {
    const { table, counters } = this.relay;
    const { socket } = this.#listening;
    let fromElsewhere = 0;
    for (const { via, away } of table.sessions()) if (via !== null && away === null) fromElsewhere += 1;
    return {
      protocol: 'udp',
      role,
      listen: socket === null ? null : formatPlace(socket.address()),
      forward: formatPlace(this.port.place),
      sessions: { served: table.served, fromElsewhere, elsewhere: table.size - table.served },
      backends: Object.fromEntries(table.choice.sessions),
      counters: {
        ...counters,
        ...this.#upstreams.counters,
        socketErrors: this.#socketErrors,
        ...Object.fromEntries(
          Object.entries(this.port.counters).map(([name, value]) => [`forwarding.${name}`, value]),
        ),
      },
    };
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#listening.stop();
    this.#upstreams.closeAll();
    this.#port?.close();
  }

  #toClient({ address, port }: RelayPlace, payload: Uint8Array): void {
    const { socket } = this.#listening;
    if (socket === null) {
      this.#socketErrors += 1;
      return;
    }
    socket.send(payload, port, address, (error) => {
      if (error) this.#socketErrors += 1;
    });
  }

  async #bind({ address, port }: RelayPlace): Promise<Socket> {
    const socket = createSocket({
      type: isIPv6(address) ? 'udp6' : 'udp4',
      recvBufferSize: RECEIVE_BUFFER_BYTES,
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error) => {
        socket.close();
        reject(error);
      });
      socket.bind(port, address, () => {
        socket.removeAllListeners('error');
        resolve();
      });
    });
    socket.on('error', () => {
      this.#socketErrors += 1;
    });
    socket.on('message', (payload, { address: from, port: fromPort }) =>
      this.run((now) => this.relay.fromClient({ address: from, port: fromPort }, payload, now)),
    );
    return socket;
  }
}

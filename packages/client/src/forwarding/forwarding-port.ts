// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import {
  type ForwardLimits,
  ForwardLinks,
  type ForwardOutput,
  type ForwardPlace,
} from '@vnfpool/core/session-forward';
import { WireError } from '@vnfpool/wire/bytes';
import {
  decodeForward,
  encodeForward,
  FORWARD_MAC_BYTES,
  type ForwardedPacket,
} from '@vnfpool/wire/session-forward';
import { ForwardSeal } from './forward-seal.ts';
import type { ForwardGrant, ForwardingState } from './grant.ts';

export interface ForwardingPortOptions {
  /** An address of this host by which other instances reach it; one that does not move. */
  readonly address: string;
  /** 0: any. */
  readonly port?: number;
  readonly limits?: Partial<ForwardLimits>;
  /** At the holder: a packet that came in at the home. */
  readonly onArrived: (transfer: string, packet: ForwardedPacket) => void;
  /** At the home: a packet to be sent in the name of the holder. */
  readonly onSend: (transfer: string, packet: ForwardedPacket) => void;
  /** The other end does not have this session any more. */
  readonly onEnded: (transfer: string, session: number) => void;
  /**
   * At the home: its sessions are its own again, as the holder was not heard; packets that waited for it are given back. At
   * the holder: they are no more.
   */
  readonly onOver: (transfer: string, waited: readonly ForwardedPacket[]) => void;
}

/** Datagrams that were not taken, by reason, and those that were. */
export interface ForwardingCounters {
  received: number;
  sent: number;
  /** Not of our format. */
  malformed: number;
  /** Of a transfer that we do not know. */
  unknown: number;
  /** With a MAC that is not right. */
  forged: number;
  /** Repeated, too old, or not from the end that may say this. */
  refused: number;
  /** No room to wait for the holder. */
  heldDropped: number;
  /** Too large, or the socket could not. */
  unsendable: number;
}

const RECEIVE_BUFFER_BYTES = 4 * 1_048_576;

/**
 * Packets of sessions that moved, from instance to instance: over UDP, with a MAC by a secret of the transfer, each once.
 *
 * At the home: `offer` gives what must go with the state of the sessions; `commit` when the other instance has them (or `drop`);
 * `arrived` for each of their packets. At the holder: `claim`, then `send`. Both: `ended` for a session, `drop` for all.
 */
export class ForwardingPort {
  readonly #options: ForwardingPortOptions;
  readonly #socket: Socket;
  readonly #links: ForwardLinks;
  readonly #seals = new Map<string, ForwardSeal>();
  readonly #counters = { received: 0, sent: 0, malformed: 0, forged: 0, unknown: 0, unsendable: 0 };
  #timer: NodeJS.Timeout | undefined;
  #timerAt: number | undefined;
  #closed = false;

  private constructor(options: ForwardingPortOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.#links = new ForwardLinks(options.limits);
    // What cannot be delivered is told to whoever sent: it is lost, as datagrams may be.
    socket.on('error', () => {
      this.#counters.unsendable += 1;
    });
    socket.on('message', (bytes, { address, port }) => this.#receive(bytes, { address, port }));
  }

  /** @throws what the socket says: `EADDRINUSE`, `EADDRNOTAVAIL` */
  static async open(options: ForwardingPortOptions): Promise<ForwardingPort> {
    const socket = createSocket({
      type: isIPv6(options.address) ? 'udp6' : 'udp4',
      recvBufferSize: RECEIVE_BUFFER_BYTES,
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(options.port ?? 0, options.address, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    return new ForwardingPort(options, socket);
  }

  get place(): ForwardPlace {
    const { address, port } = this.#socket.address();
    return { address, port };
  }

  /** Transfers that are not over. */
  get open(): number {
    return this.#links.open;
  }

  get counters(): ForwardingCounters {
    const { dropped } = this.#links;
    return {
      ...this.#counters,
      unknown: this.#counters.unknown + dropped.unknown,
      refused: dropped.refused + dropped.replayed,
      heldDropped: dropped.held,
    };
  }

  /** Home: what has to go with the state of sessions. Null: there are too many transfers already. */
  offer(): ForwardGrant | null {
    if (this.#links.full) return null;
    const transfer = randomBytes(8).toString('hex');
    const seal = new ForwardSeal();
    this.#seals.set(transfer, seal);
    this.#links.offer(transfer, performance.now());
    return { transfer, secret: seal.secret, ...this.place };
  }

  /** Home: another instance has the sessions, and takes packets at `holder`; null: it will say where. */
  commit(transfer: string, holder: ForwardPlace | null = null): void {
    this.#do(this.#links.commit(transfer, performance.now(), holder));
  }

  /** Holder: the sessions are here. */
  claim({ transfer, secret, address, port }: ForwardGrant): void {
    this.#seals.set(transfer, new ForwardSeal(secret));
    this.#do(this.#links.claim(transfer, { address, port }, performance.now()));
  }

  /** Home: a packet for the holder. */
  arrived(transfer: string, packet: ForwardedPacket): void {
    this.#do(this.#links.arrived(transfer, packet), false);
  }

  /** Holder: a packet that the home is to send. */
  send(transfer: string, packet: ForwardedPacket): void {
    this.#do(this.#links.send(transfer, packet), false);
  }

  /** This session is over here. */
  ended(transfer: string, session: number): void {
    this.#do(this.#links.ended(transfer, session));
  }

  /** All of this transfer is. */
  drop(transfer: string): void {
    this.#do(this.#links.drop(transfer, performance.now()));
    if (!this.#links.remembers(transfer)) this.#seals.delete(transfer);
  }

  /** For an instance that goes on with all that this one has. */
  state(transfer: string): ForwardingState | null {
    const state = this.#links.state(transfer);
    const seal = this.#seals.get(transfer);
    if (!state || !seal) return null;
    const { end, generation, peer } = state;
    const { address = null, port = null } = peer ?? {};
    return { transfer, secret: seal.secret, end, generation, address, port };
  }

  /** Goes on with what the instance before had. */
  restore({ transfer, secret, end, generation, address, port }: ForwardingState): void {
    const peer = address === null || port === null ? null : { address, port };
    this.#seals.set(transfer, new ForwardSeal(secret));
    this.#do(this.#links.restore({ transfer, end, generation, peer }, performance.now()));
  }

  /** What was copied to another instance stays ours: the other ends hear us, and not the copy. */
  renew(): void {
    this.#do(this.#links.renew(performance.now()));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #receive(sealed: Uint8Array, from: ForwardPlace): void {
    const bytes = sealed.subarray(0, Math.max(0, sealed.length - FORWARD_MAC_BYTES));
    let datagram: ReturnType<typeof decodeForward>;
    try {
      datagram = decodeForward(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#counters.malformed += 1;
      return;
    }
    const seal = this.#seals.get(datagram.transfer);
    if (!seal) this.#counters.unknown += 1;
    else if (!seal.isRight(bytes, sealed.subarray(bytes.length))) this.#counters.forged += 1;
    else {
      this.#counters.received += 1;
      this.#do(this.#links.handle(datagram, from, performance.now()), false);
      if (!this.#links.remembers(datagram.transfer)) this.#seals.delete(datagram.transfer);
    }
  }

  /** @param isNearer False: deadlines were only put off; a timer that fires too early looks again. */
  #do(outputs: readonly ForwardOutput[], isNearer = true): void {
    const { onArrived, onSend, onEnded, onOver } = this.#options;
    for (const output of outputs) {
      switch (output.type) {
        case 'datagram':
          this.#transmit(output);
          break;
        case 'arrived':
          onArrived(output.transfer, output.packet);
          break;
        case 'send':
          onSend(output.transfer, output.packet);
          break;
        case 'ended':
          onEnded(output.transfer, output.session);
          break;
        case 'over':
          onOver(output.transfer, output.held);
          break;
        case 'silent':
          break;
      }
    }
    if (isNearer || this.#timerAt === undefined) this.#arm();
  }

  #transmit({ to, datagram }: ForwardOutput & { readonly type: 'datagram' }): void {
    const seal = this.#seals.get(datagram.transfer);
    if (!seal || this.#closed) return;
    try {
      this.#socket.send(seal.seal(encodeForward(datagram)), to.port, to.address, (error) => {
        if (error) this.#counters.unsendable += 1;
      });
      this.#counters.sent += 1;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#counters.unsendable += 1;
    }
  }

  #arm(): void {
    const next = this.#links.nextDeadline();
    if (next === this.#timerAt || this.#closed) return;
    clearTimeout(this.#timer);
    this.#timerAt = next;
    if (next === undefined) return;
    const delayMs = Math.max(1, Math.ceil(next - performance.now()));
    this.#timer = setTimeout(() => {
      this.#timerAt = undefined;
      this.#do(this.#links.expire(performance.now()));
      for (const transfer of this.#seals.keys())
        if (!this.#links.remembers(transfer)) this.#seals.delete(transfer);
    }, delayMs).unref();
  }
}

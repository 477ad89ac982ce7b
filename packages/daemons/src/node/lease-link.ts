// SPDX-License-Identifier: Apache-2.0
import { createSocket, type Socket } from 'node:dgram';
import { type LeaseDatagram, type ReplayState, type ReplayVerdict, ReplayWindow } from '@vnfpool/core/lease';
import { PlatformError } from '@vnfpool/platform';
import { openUdp, type UdpSocket } from '@vnfpool/platform/datagrams';
import { LeaseKeyError, type LeaseSeal } from '@vnfpool/runtime/lease-seal';
import { WireError } from '@vnfpool/wire/bytes';
import {
  batchLeaseMessages,
  claimedSender,
  decodeLeaseDatagram,
  encodeLeaseDatagram,
  LEASE_DATAGRAM_BYTES_MAX,
  type LeaseCouncilVersion,
  type LeaseMessage,
} from '@vnfpool/wire/lease';
import type { LeasePeer } from '@vnfpool/wire/mobility';

export interface LeaseLinkOptions {
  readonly node: number;
  readonly incarnation: bigint;
  readonly boottimeMs: () => number;
  /** Under which version of a council this node speaks; undefined: under none yet, and it does not. */
  readonly council: (councilId: number) => LeaseCouncilVersion | undefined;
  /** Makes the seal shared with one peer. @throws LeaseKeyError when its key is not usable */
  readonly sealFor: (peer: LeasePeer) => LeaseSeal;
  /** What it throws is our own fault, not the datagram's: it is not caught here. */
  readonly receive: (datagram: LeaseDatagram) => void;
  readonly count: (reason: DropReason) => void;
  /** Of the process before, which had the same incarnation. */
  readonly handedOn?: HandedOnLink;
}

/** What keeps datagrams of one incarnation in their order, across processes. */
export interface HandedOnLink {
  /** Where they were taken. */
  readonly port: number;
  /** The last sequence to each peer. */
  readonly sequences: readonly (readonly [node: number, sequence: bigint])[];
  /** What was let in from each peer. */
  readonly windows: readonly (readonly [node: number, state: ReplayState])[];
}

export type DropReason =
  | 'unknown-sender'
  | 'bad-seal'
  | Exclude<ReplayVerdict, 'fresh'>
  | 'malformed'
  | 'misaddressed'
  | 'too-long'
  /** Not a datagram: a peer of a configuration that cannot be spoken with, since its key is not usable. */
  | 'unusable-key'
  /** Not a datagram: a message of ours that cannot be written. */
  | 'unsendable'
  | 'send-failed';

interface Peer {
  readonly config: LeasePeer;
  readonly seal: LeaseSeal;
  readonly window: ReplayWindow;
}

/** Lease datagrams to and from other nodes: sealed, numbered, bounded. Loss is the engine's business. */
export class LeaseLink {
  readonly #options: LeaseLinkOptions;
  #socket: Socket;
  readonly #peers = new Map<number, Peer>();
  /**
   * Last sequence by peer. Stays when a peer leaves the configuration: it keeps our window, and would take everything
   * for a replay if we began anew under our incarnation.
   */
  readonly #sequences: Map<number, bigint>;
  /** Of peers that are not configured yet. */
  readonly #windows: Map<number, ReplayState>;
  /**
   * Where a peer's last datagram came from, while that is not where the configuration has it: its address has changed,
   * and the manager has not told us yet. It gets everything at both places: somebody who has seen a datagram, and sends it
   * from elsewhere before it is here, must not keep our answers from the peer.
   */
  readonly #heardAt = new Map<number, { readonly address: string; readonly port: number }>();
  /** Undefined where Node's own sends have to do. */
  #direct: UdpSocket | undefined;

  constructor(options: LeaseLinkOptions) {
    this.#options = options;
    this.#sequences = new Map(options.handedOn?.sequences);
    this.#windows = new Map(options.handedOn?.windows);
    this.#socket = this.#createSocket();
  }

  #createSocket(): Socket {
    const socket = createSocket({ type: 'udp4' });
    socket.on('message', (bytes, from) => this.#take(bytes, from));
    // A peer that is not there yet answers by ICMP.
    socket.on('error', () => this.#options.count('send-failed'));
    return socket;
  }

  /** Resolves with the port. `address` is an IPv4 address, not a name. */
  async listen(address: string, port: number): Promise<number> {
    this.#direct = await bound(this.#socket, address, port);
    return this.#socket.address().port;
  }

  /**
   * Takes datagrams at another address, at the same port; peers hear of it with the next one that they get. Where it
   * cannot, it stays where it was.
   */
  async move(address: string): Promise<void> {
    const former = this.#socket;
    const socket = this.#createSocket();
    try {
      this.#direct = await bound(socket, address, former.address().port);
    } catch (error) {
      socket.close();
      throw error;
    }
    this.#socket = socket;
    former.close();
  }

  /**
   * Windows and sequences of a peer that stays the same are kept. A peer with an unusable key is left out: the
   * configuration is kept on disk and comes again at every start, so it must not end all agents of the set.
   */
  configure(peers: readonly LeasePeer[]): void {
    const others = peers.filter(({ node }) => node !== this.#options.node);
    const named = new Set(others.map(({ node }) => node));
    for (const node of [...this.#peers.keys(), ...this.#heardAt.keys()]) {
      if (named.has(node)) continue;
      this.#peers.delete(node);
      this.#heardAt.delete(node);
    }
    for (const config of others) {
      this.#heard(config);
      const known = this.#peers.get(config.node);
      if (known && known.config.key === config.key) {
        this.#peers.set(config.node, { ...known, config });
        continue;
      }
      const seal = this.#sealFor(config);
      const window = new ReplayWindow(this.#windows.get(config.node));
      this.#windows.delete(config.node);
      if (seal) this.#peers.set(config.node, { config, seal, window });
      else this.#peers.delete(config.node);
    }
  }

  send(councilId: number, to: number, messages: readonly LeaseMessage[]): void {
    const peer = this.#peers.get(to);
    const council = this.#options.council(councilId);
    if (!peer || !council) return;
    for (const batch of this.#batches(messages)) {
      const sequence = (this.#sequences.get(to) ?? 0n) + 1n;
      this.#sequences.set(to, sequence);
      const bytes = encodeLeaseDatagram(
        {
          sender: this.#options.node,
          receiver: to,
          incarnation: this.#options.incarnation,
          sequence,
          councilId,
          council,
          clockUs: BigInt(Math.round(this.#options.boottimeMs() * 1000)),
        },
        batch,
      );
      const sealed = peer.seal.seal(bytes);
      this.#transmit(sealed, peer.config);
      const moved = this.#heardAt.get(to);
      if (moved) this.#transmit(sealed, moved);
    }
  }

  /**
   * A message that has no form on the wire is dropped like one that is lost, the others go: a peer that tells the last
   * possible round makes our next one impossible, and must not end us by it.
   */
  #batches(messages: readonly LeaseMessage[]): LeaseMessage[][] {
    try {
      return batchLeaseMessages(messages);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#options.count('unsendable');
      return batchLeaseMessages(messages.filter(hasForm));
    }
  }

  /** At once where that is possible: the write to the disk that often follows must not hold a datagram up. */
  #transmit(bytes: Uint8Array, { address, port }: Pick<LeasePeer, 'address' | 'port'>): void {
    const { count } = this.#options;
    if (!this.#direct) {
      this.#socket.send(bytes, port, address, (error) => {
        if (error) count('send-failed');
      });
      return;
    }
    try {
      this.#direct.send(bytes, address, port);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      count('send-failed');
    }
  }

  /** What the next process needs to go on as this incarnation. */
  handOn(): HandedOnLink {
    const windows = [...this.#peers].map(([node, { window }]) => [node, window.state] as const);
    return { port: this.#socket.address().port, sequences: [...this.#sequences], windows };
  }

  close(): void {
    this.#socket.close();
  }

  #sealFor(peer: LeasePeer): LeaseSeal | undefined {
    try {
      return this.#options.sealFor(peer);
    } catch (error) {
      if (!(error instanceof LeaseKeyError)) throw error;
      this.#options.count('unusable-key');
      return undefined;
    }
  }

  /** The configuration has a peer where it was heard. */
  #heard({ node, address, port }: LeasePeer): void {
    const at = this.#heardAt.get(node);
    if (at?.address === address && at.port === port) this.#heardAt.delete(node);
  }

  #take(bytes: Buffer, { address, port }: Pick<LeasePeer, 'address' | 'port'>): void {
    const { count, node, receive } = this.#options;
    if (bytes.length > LEASE_DATAGRAM_BYTES_MAX) return count('too-long');
    // The sender's number stands in the clear; whether it is true, its seal tells.
    const peer = this.#peers.get(claimedSender(bytes) ?? 0);
    if (!peer) return count('unknown-sender');
    const opened = peer.seal.open(bytes);
    if (!opened) return count('bad-seal');
    let datagram: ReturnType<typeof decodeLeaseDatagram>;
    try {
      datagram = decodeLeaseDatagram(opened);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return count('malformed');
    }
    const { header, messages } = datagram;
    if (header.receiver !== node || header.sender !== peer.config.node) return count('misaddressed');
    const verdict = peer.window.accept(header.incarnation, header.sequence);
    if (verdict !== 'fresh') return count(verdict);
    if (address === peer.config.address && port === peer.config.port) this.#heardAt.delete(peer.config.node);
    else this.#heardAt.set(peer.config.node, { address, port });
    receive({ type: 'datagram', from: header.sender, header, messages });
  }
}

/** What sends at once from the bound socket; undefined where Node's own sends have to do. */
function bound(socket: Socket, address: string, port: number): Promise<UdpSocket | undefined> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    const direct = process.platform === 'linux' ? openUdp(address, port) : undefined;
    socket.bind(direct ? { fd: direct.fd } : { address, port }, () => {
      socket.off('error', reject);
      resolve(direct);
    });
  });
}

function hasForm(message: LeaseMessage): boolean {
  try {
    batchLeaseMessages([message]);
    return true;
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

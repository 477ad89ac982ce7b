// SPDX-License-Identifier: Apache-2.0
import { silentAfterMs } from '@vnfpool/core/gossip';
import type { Connection, StreamTransport } from '@vnfpool/transport';
import { WireError } from '@vnfpool/wire/bytes';
import { decodeGossip, decodePoolGossip, encodePoolGossip, type GossipMessage } from '@vnfpool/wire/gossip';
import type { Clock } from '../driver/index.ts';

export interface GossipLinksOptions {
  /** Of the frames of `replicationRule`: messages come and go at the port of replication. */
  readonly transport: StreamTransport;
  readonly clock: Clock;
  /** Which node is at the other end, by its certificate; null: none. */
  readonly nodeOf: (connection: Connection) => number | null;
  readonly onMessage: (from: number, pool: string, message: GossipMessage) => void;
  /** A connection was refused, or said what cannot be understood. */
  readonly onRefused: (reason: string) => void;
}

export interface GossipPlace {
  readonly node: number;
  readonly host: string;
  readonly port: number;
}

interface Link {
  readonly place: GossipPlace;
  readonly ending: AbortController;
  connection: Connection | null;
  openedAtMs: number;
}

const RECONNECT_MS = 50;
const RECONNECT_MS_MAX = 1_000;
/** Longer than a handshake takes: an attempt on a link that is down must not outlive the fault by minutes. */
const CONNECT_MS = 3_000;
const LOOK_MS = 1_000;

/**
 * Carries messages of gossip between nodes: each end has a connection of its own to each peer, over which it sends, and takes
 * what comes by connections of theirs. What cannot be sent now is not kept: the next round says it again.
 */
export class GossipLinks {
  readonly #options: GossipLinksOptions;
  readonly #links = new Map<number, Link>();
  readonly #accepted = new Set<Connection>();
  readonly #heardAtMs = new Map<number, number>();
  /** Before the next try of a connection. */
  readonly #pauses = new Set<() => void>();
  #cancelLook: (() => void) | null = null;

  constructor(options: GossipLinksOptions) {
    this.#options = options;
    this.#lookAgain();
  }

  /** These nodes, and no others, have a connection of ours. */
  meet(places: readonly GossipPlace[]): void {
    const wanted = new Map(places.map((place) => [place.node, place]));
    for (const [node, link] of this.#links) {
      const place = wanted.get(node);
      if (place?.host === link.place.host && place.port === link.place.port) continue;
      this.#end(node, link);
    }
    for (const place of wanted.values()) {
      if (this.#links.has(place.node)) continue;
      const link: Link = { place, ending: new AbortController(), connection: null, openedAtMs: 0 };
      this.#links.set(place.node, link);
      void this.#keepConnected(link);
    }
  }

  /** Whether it is on its way: not where there is no connection now. */
  send(node: number, pool: string, message: Uint8Array): boolean {
    return this.#links.get(node)?.connection?.send(encodePoolGossip({ pool, message })) ?? false;
  }

  /** A frame of a connection that a peer opened. */
  read(connection: Connection, frame: Uint8Array): void {
    if (!this.#accepted.has(connection)) {
      this.#accepted.add(connection);
      connection.onClose(() => this.#accepted.delete(connection));
    }
    const from = this.#options.nodeOf(connection);
    if (from === null) {
      this.#refuse(connection, 'it is no node of this set');
      return;
    }
    let pool: string;
    let message: GossipMessage;
    try {
      const carried = decodePoolGossip(frame);
      ({ pool } = carried);
      message = decodeGossip(carried.message);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#refuse(connection, error.message);
      return;
    }
    // A node speaks for itself only.
    if (message.sender.origin !== from) {
      this.#refuse(connection, `node ${from} speaks for origin ${message.sender.origin}`);
      return;
    }
    this.#heardAtMs.set(from, this.#options.clock.nowMs());
    this.#options.onMessage(from, pool, message);
  }

  close(): void {
    this.#cancelLook?.();
    this.#cancelLook = null;
    for (const [node, link] of this.#links) this.#end(node, link);
    for (const connection of this.#accepted) connection.close();
  }

  #refuse(connection: Connection, reason: string): void {
    this.#options.onRefused(reason);
    connection.close(reason);
  }

  #end(node: number, link: Link): void {
    this.#links.delete(node);
    this.#heardAtMs.delete(node);
    link.ending.abort();
    for (const goOn of this.#pauses) goOn();
    link.connection?.close();
  }

  async #keepConnected(link: Link): Promise<void> {
    const { signal } = link.ending;
    const { node, host, port } = link.place;
    let waitMs = RECONNECT_MS;
    while (!signal.aborted) {
      const connection = await this.#connect(host, port, signal);
      if (connection !== null && signal.aborted) connection.close();
      else if (connection !== null && this.#options.nodeOf(connection) !== node)
        // Its address may have gone to another one.
        this.#refuse(connection, `${host}:${port} is not node ${node}`);
      else if (connection !== null) {
        await this.#used(link, connection);
        // Who ends it at once would be asked without end.
        if (this.#options.clock.nowMs() - link.openedAtMs > RECONNECT_MS_MAX) waitMs = RECONNECT_MS;
      }
      await this.#pause(waitMs, signal);
      waitMs = Math.min(2 * waitMs, RECONNECT_MS_MAX);
    }
  }

  /** Null: it is tried again; that the peer is silent the replicas tell. */
  async #connect(host: string, port: number, signal: AbortSignal): Promise<Connection | null> {
    const late = new AbortController();
    const { clock, transport } = this.#options;
    const cancel = clock.at(clock.nowMs() + CONNECT_MS, () => late.abort());
    try {
      return await transport.connect({ host, port, signal: AbortSignal.any([signal, late.signal]) });
    } catch {
      return null;
    } finally {
      cancel();
    }
  }

  #used(link: Link, connection: Connection): Promise<void> {
    link.connection = connection;
    link.openedAtMs = this.#options.clock.nowMs();
    // The other end has its own connection to say something.
    connection.onFrame(() => this.#refuse(connection, 'nothing is to be said over this connection'));
    return new Promise((resolve) => {
      connection.onClose(() => {
        if (link.connection === connection) link.connection = null;
        resolve();
      });
    });
  }

  /** What is silent is connected anew: after a fault the kernel repeats what was lost only now and then, for minutes. */
  #lookAgain(): void {
    const { clock } = this.#options;
    this.#cancelLook = clock.at(clock.nowMs() + LOOK_MS, () => {
      const nowMs = clock.nowMs();
      const silentMs = silentAfterMs(this.#links.size);
      for (const [node, { connection, openedAtMs }] of this.#links) {
        const since = Math.max(openedAtMs, this.#heardAtMs.get(node) ?? 0);
        if (connection !== null && nowMs - since > silentMs) connection.close('its other end is silent');
      }
      this.#lookAgain();
    });
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const goOn = (): void => {
        cancel();
        this.#pauses.delete(goOn);
        resolve();
      };
      const cancel = clock.at(clock.nowMs() + ms, goOn);
      this.#pauses.add(goOn);
    });
  }
}

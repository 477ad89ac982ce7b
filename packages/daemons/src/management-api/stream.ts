// SPDX-License-Identifier: Apache-2.0
import type { ServerResponse } from 'node:http';
import type { StreamMessages } from '@vnfpool/core/management';
import { ApiError } from './api-error.ts';
import type { BackendChange, ManagementBackend } from './backend.ts';
import { Paced } from './paced.ts';

export type StreamKind = keyof StreamMessages;
export const streamKinds: readonly StreamKind[] = ['state', 'traffic', 'event'];

export interface StreamBounds {
  /** Clients at a time; one more is refused with 503. */
  readonly clientsMax: number;
  /** Unsent bytes of one client; beyond it the client is cut off, and may come back by `Last-Event-ID`. */
  readonly clientBytesMax: number;
  readonly stateIntervalMs: number;
  readonly trafficIntervalMs: number;
  /** How often a comment is sent, so that a dead connection is noticed. */
  readonly beatIntervalMs: number;
}

export const defaultStreamBounds: StreamBounds = {
  clientsMax: 64,
  clientBytesMax: 4 * 1024 * 1024,
  stateIntervalMs: 250,
  trafficIntervalMs: 200,
  beatIntervalMs: 5_000,
};

const REPLAYED_EVENTS_MAX = 1_000;

interface Client {
  readonly response: ServerResponse;
  readonly kinds: ReadonlySet<StreamKind>;
}

/** Spreads the backend's changes to every client of GET /v1/stream. Each message is put into bytes once for all. */
export class StreamHub {
  /** Clients cut off because they read too slowly. */
  clientsDropped = 0;

  readonly #backend: ManagementBackend;
  readonly #bounds: StreamBounds;
  readonly #clients = new Set<Client>();
  readonly #state: Paced;
  readonly #traffic: Paced;
  readonly #unsubscribe: () => void;
  readonly #beat: NodeJS.Timeout;

  constructor(backend: ManagementBackend, bounds: StreamBounds) {
    this.#backend = backend;
    this.#bounds = bounds;
    this.#state = new Paced(bounds.stateIntervalMs, () => this.#sendState());
    this.#traffic = new Paced(bounds.trafficIntervalMs, () => this.#sendTraffic());
    this.#beat = setInterval(() => this.#spread(undefined, ': beat\n\n'), bounds.beatIntervalMs);
    this.#beat.unref();
    this.#unsubscribe = backend.subscribe((change) => this.#onChange(change));
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** @throws ApiError 503 when there are too many clients; nothing has been written then. */
  checkRoom(): void {
    if (this.#clients.size >= this.#bounds.clientsMax) {
      throw new ApiError(503, 'too-many-streams', `${this.#bounds.clientsMax} streams are open already`);
    }
  }

  /**
   * Takes over an answer whose head has been written. Events above `sinceId` come first; there is none
   * missing and none twice between them and what follows, as nothing happens in between.
   */
  add(response: ServerResponse, kinds: ReadonlySet<StreamKind>, sinceId: number | undefined): void {
    const client: Client = { response, kinds };
    this.#clients.add(client);
    response.on('close', () => this.#clients.delete(client));
    response.on('error', () => this.#clients.delete(client));
    this.#write(client, 'retry: 1000\n\n');
    if (sinceId !== undefined && kinds.has('event')) {
      for (const event of this.#backend.eventsSince(sinceId, REPLAYED_EVENTS_MAX)) {
        this.#write(client, frame('event', event, event.id));
      }
    }
    if (kinds.has('state')) this.#write(client, frame('state', this.#backend.state()));
  }

  close(): void {
    this.#unsubscribe();
    clearInterval(this.#beat);
    this.#state.stop();
    this.#traffic.stop();
    for (const client of this.#clients) client.response.end();
    this.#clients.clear();
  }

  #onChange(change: BackendChange): void {
    if (this.#clients.size === 0) return;
    switch (change.type) {
      case 'state':
        this.#state.request();
        return;
      case 'traffic':
        this.#traffic.request();
        return;
      case 'event':
        this.#spread('event', frame('event', change.event, change.event.id));
        return;
    }
  }

  #sendState(): void {
    if (this.#wanted('state')) this.#spread('state', frame('state', this.#backend.state()));
  }

  #sendTraffic(): void {
    if (this.#wanted('traffic')) this.#spread('traffic', frame('traffic', this.#backend.state().traffic));
  }

  #wanted(kind: StreamKind): boolean {
    for (const client of this.#clients) if (client.kinds.has(kind)) return true;
    return false;
  }

  #spread(kind: StreamKind | undefined, text: string): void {
    for (const client of this.#clients) {
      if (kind === undefined || client.kinds.has(kind)) this.#write(client, text);
    }
  }

  #write(client: Client, text: string): void {
    if (!this.#clients.has(client)) return;
    client.response.write(text);
    if (client.response.writableLength > this.#bounds.clientBytesMax) {
      this.clientsDropped += 1;
      this.#clients.delete(client);
      client.response.destroy();
    }
  }
}

function frame<K extends StreamKind>(kind: K, value: StreamMessages[K], id?: number): string {
  // JSON has no line breaks outside of strings, and escapes those inside: one data line is enough.
  const idLine = id === undefined ? '' : `id: ${id}\n`;
  return `event: ${kind}\n${idLine}data: ${JSON.stringify(value)}\n\n`;
}

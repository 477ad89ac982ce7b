// SPDX-License-Identifier: Apache-2.0
import type { StateView, TrafficView } from '@vnfpool/core/management';
import { EventStreamParser, type StreamMessage } from './event-stream.ts';
import { refusal } from './requests.ts';

export type LiveStatus =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** `retryAt` in milliseconds since 1970 by this browser's clock; null: an attempt runs now. */
  | { readonly kind: 'lost'; readonly why: string; readonly retryAt: number | null }
  /** The token is not accepted: nothing is tried again. */
  | { readonly kind: 'refused' };

export interface LiveListener {
  status(status: LiveStatus): void;
  state(state: StateView): void;
  traffic(traffic: readonly TrafficView[]): void;
}

export interface Live {
  /** Ends the wait for the next attempt. */
  retry(): void;
  close(): void;
}

/** A stream without a byte for this long is taken for dead; the server sends at least a comment more often. */
export const silenceMsMax = 10_000;

/** Wait before attempt `n` (from 1) after a loss: 0.5 s doubling up to 8 s. */
export function retryDelayMs(attempt: number): number {
  return Math.min(8_000, 500 * 2 ** Math.min(attempt - 1, 10));
}

/** Follows GET /v1/stream, and connects again for as long as it is open and the token is accepted. */
export function openLive(
  token: string,
  listener: LiveListener,
  send: typeof fetch = fetch.bind(globalThis),
): Live {
  const closing = new AbortController();
  let wake = (): void => {};

  async function follow(): Promise<void> {
    let attempt = 0;
    let why = '';
    listener.status({ kind: 'connecting' });
    while (!closing.signal.aborted) {
      if (attempt > 0) {
        const delayMs = retryDelayMs(attempt);
        listener.status({ kind: 'lost', why, retryAt: Date.now() + delayMs });
        await pause(delayMs);
        if (closing.signal.aborted) return;
        listener.status({ kind: 'lost', why, retryAt: null });
      }
      attempt += 1;
      const silence = new Silence();
      try {
        const response = await send('/v1/stream?kinds=state,traffic', {
          headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
          cache: 'no-store',
          signal: AbortSignal.any([closing.signal, silence.signal]),
        });
        if (response.status === 401 || response.status === 403) {
          listener.status({ kind: 'refused' });
          return;
        }
        if (!response.ok || response.body === null) {
          const answer = refusal(response.status, await response.text());
          throw new Error(answer.ok ? 'the answer is empty' : answer.message);
        }
        await readMessages(response.body, silence, (message) => {
          if (attempt > 0 && message.event === 'state') {
            attempt = 0;
            listener.status({ kind: 'live' });
          }
          deliver(message, listener);
        });
        why = 'the manager ended the connection';
      } catch (error) {
        why = silence.signal.aborted ? `nothing heard for ${silenceMsMax / 1000} s` : plainReason(error);
      } finally {
        silence.stop();
      }
      attempt = Math.max(attempt, 1);
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  void follow();
  return {
    retry: () => wake(),
    close: () => {
      closing.abort();
      wake();
    },
  };
}

async function readMessages(
  body: ReadableStream<Uint8Array>,
  silence: Silence,
  take: (message: StreamMessage) => void,
): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventStreamParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      silence.heard();
      for (const message of parser.push(decoder.decode(value, { stream: true }))) take(message);
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

function deliver(message: StreamMessage, listener: LiveListener): void {
  if (message.event === 'state') listener.state(JSON.parse(message.data) as StateView);
  if (message.event === 'traffic') listener.traffic(JSON.parse(message.data) as readonly TrafficView[]);
}

function plainReason(error: unknown): string {
  if (error instanceof SyntaxError || error instanceof RangeError) return 'the stream cannot be read';
  // Browsers word a failed fetch each in their own way, none of them helpful.
  return error instanceof TypeError ? 'the manager cannot be reached' : (error as Error).message;
}

/** Aborts its signal when nothing was heard for too long: a paused peer keeps its connection open. */
class Silence {
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.heard();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(), silenceMsMax);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

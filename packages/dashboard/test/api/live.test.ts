// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Live, type LiveStatus, openLive, retryDelayMs, silenceMsMax } from '../../src/api/live.ts';
import { Scenario } from '../support/scenario.ts';

const state = new Scenario(0).state(0);

/** A stream that a test writes to and ends, and that its reader's signal cuts. */
class FakeStream {
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly response: Response;

  constructor(signal: AbortSignal | null | undefined) {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
    });
    signal?.addEventListener('abort', () => this.#controller?.error(signal.reason));
    this.response = new Response(body);
  }

  write(event: string, data: unknown): void {
    this.#controller?.enqueue(this.#encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
  }

  end(): void {
    this.#controller?.close();
  }
}

describe('the live connection', () => {
  let streams: FakeStream[];
  let statuses: LiveStatus[];
  let states: number;
  let answer: (stream: FakeStream) => Response;
  let live: Live;

  beforeEach(() => {
    vi.useFakeTimers();
    streams = [];
    statuses = [];
    states = 0;
    answer = (stream) => stream.response;
  });
  afterEach(() => {
    live.close();
    vi.useRealTimers();
  });

  async function open(): Promise<void> {
    const send: typeof fetch = (_input, init) => {
      const stream = new FakeStream(init?.signal);
      streams.push(stream);
      return Promise.resolve().then(() => answer(stream));
    };
    const listener = {
      status: (status: LiveStatus) => statuses.push(status),
      state: () => {
        states += 1;
      },
      traffic: () => {},
    };
    live = openLive('secret', listener, send);
    await vi.advanceTimersByTimeAsync(0);
  }

  const kinds = (): string[] => statuses.map(({ kind }) => kind);

  test('is live with the first state, and lost when the stream ends; then it connects again', async () => {
    await open();
    expect(kinds()).toEqual(['connecting']);
    streams[0]?.write('state', state);
    await vi.advanceTimersByTimeAsync(0);
    expect(kinds()).toEqual(['connecting', 'live']);
    streams[0]?.end();
    await vi.advanceTimersByTimeAsync(0);
    expect(statuses.at(-1)).toMatchObject({ kind: 'lost', why: 'the manager ended the connection' });
    await vi.advanceTimersByTimeAsync(retryDelayMs(1));
    streams[1]?.write('state', state);
    await vi.advanceTimersByTimeAsync(0);
    expect(statuses.at(-1)).toEqual({ kind: 'live' });
    expect(states).toBe(2);
  });

  test('a connection on which nothing is heard counts as lost', async () => {
    await open();
    streams[0]?.write('state', state);
    await vi.advanceTimersByTimeAsync(silenceMsMax - 1);
    expect(statuses.at(-1)).toEqual({ kind: 'live' });
    await vi.advanceTimersByTimeAsync(2);
    expect(statuses.at(-1)).toMatchObject({ kind: 'lost', why: 'nothing heard for 10 s' });
  });

  test('waits longer from attempt to attempt, and not at all when told to try', async () => {
    answer = () => new Response(null, { status: 503 });
    await open();
    await vi.advanceTimersByTimeAsync(retryDelayMs(1));
    expect(streams.length).toBe(2);
    await vi.advanceTimersByTimeAsync(retryDelayMs(2) - 1);
    expect(streams.length).toBe(2);
    live.retry();
    await vi.advanceTimersByTimeAsync(0);
    expect(streams.length).toBe(3);
    expect([1, 2, 3, 4, 5, 6, 99].map(retryDelayMs)).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000]);
  });

  test('a token that is not accepted ends it', async () => {
    answer = () => new Response(null, { status: 401 });
    await open();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(kinds()).toEqual(['connecting', 'refused']);
    expect(streams.length).toBe(1);
  });

  test('what cannot be read is a reason to connect again, not an exception', async () => {
    await open();
    const broken = streams[0];
    broken?.write('state', state);
    await vi.advanceTimersByTimeAsync(0);
    answer = () => new Response('event: state\ndata: {oops\n\n');
    broken?.end();
    await vi.advanceTimersByTimeAsync(retryDelayMs(1));
    expect(statuses.at(-1)).toMatchObject({ kind: 'lost', why: 'the stream cannot be read' });
  });

  test('closed, it tries no more', async () => {
    await open();
    live.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(streams.length).toBe(1);
    expect(kinds()).toEqual(['connecting']);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import {
  closing,
  collect,
  concat,
  frame,
  header,
  type TransportCase,
  turn,
  withPair,
} from './transport-pair.ts';

/** What transports of a byte stream keep beside `transportCases`: they cut it into frames by the rule. */
export const streamCases: readonly TransportCase[] = [
  {
    name: 'puts a frame together from pieces and takes several from one',
    run: (factory) =>
      withPair(factory, {}, async ({ near, far }) => {
        const atFar = collect(far);
        const sent = [frame(10, 1), frame(0, 0), frame(20_000, 2), frame(3, 3)];
        const stream = concat(sent);
        for (let from = 0, size = 1; from < stream.length; from += size, size = size * 3 + 1) {
          ok(near.send(stream.subarray(from, from + size)));
          await turn();
        }
        deepEqual(await atFar.take(sent.length), sent);
      }),
  },
  {
    name: 'refuses a frame that announces too much as soon as its header is there',
    run: (factory) =>
      withPair(factory, {}, async ({ near, far, server }) => {
        collect(far);
        collect(near);
        const end = closing(near);
        near.send(header(65_537));
        equal((await closing(far)).code, 'frame-too-large');
        await end;
        equal(server.counters.frameFaults, 1);
      }),
  },
  {
    name: 'refuses a header that cannot be one, after the good frames before it',
    run: (factory) =>
      withPair(factory, {}, async ({ near, far }) => {
        const atFar = collect(far);
        near.send(concat([frame(2, 1), header(3)]));
        equal((await closing(far)).code, 'frame-malformed');
        deepEqual(await atFar.take(1), [frame(2, 1)]);
      }),
  },
  lastWords('what cannot be framed may be answered before the end', header(3)),
  {
    name: 'says so when the peer ends within a frame',
    run: (factory) =>
      withPair(factory, {}, async ({ near, far }) => {
        collect(far);
        near.send(frame(100, 1).subarray(0, 50));
        near.close();
        equal((await closing(far)).code, 'frame-truncated');
      }),
  },
  {
    name: 'closes on a peer that does not finish a frame',
    run: (factory) =>
      withPair(factory, { frameTimeoutMs: 30 }, async ({ near, far }) => {
        const atFar = collect(far);
        near.send(concat([frame(1, 1), header(100)]));
        await atFar.take(1);
        equal((await closing(far)).code, 'frame-timeout');
      }),
  },
  {
    name: 'where there is flow control: a frame is not late while we do not read',
    run: (factory) =>
      withPair(factory, { frameTimeoutMs: 100 }, async ({ near, far }) => {
        const { flow } = far;
        if (flow === undefined) return;
        const atFar = collect(far);
        const late = frame(100, 2);
        near.send(concat([frame(1, 1), late.subarray(0, 50)]));
        await atFar.take(1);
        flow.pause();
        // One that begins later and is read is cut for it: by then this one would have been as well.
        await withPair(factory, { frameTimeoutMs: 100 }, async (other) => {
          collect(other.far);
          other.near.send(late.subarray(0, 50));
          equal((await closing(other.far)).code, 'frame-timeout');
        });
        equal(far.closed, null);
        near.send(late.subarray(50));
        flow.resume();
        deepEqual(await atFar.take(1), [late]);
        near.send(header(100));
        equal((await closing(far)).code, 'frame-timeout');
      }),
  },
];

/** Whoever is told of a fault still speaks, and hears no more. */
function lastWords(name: string, fault: Uint8Array): TransportCase {
  return {
    name,
    run: (factory) =>
      withPair(factory, {}, async ({ near, far }) => {
        if (far.onFault === undefined) return;
        const atNear = collect(near);
        const atFar = collect(far);
        far.onFault(() => {
          ok(far.send(frame(5, 9)));
          far.close('said why');
        });
        near.send(frame(2, 1));
        near.send(fault);
        equal((await closing(far)).code, 'local');
        deepEqual(await atNear.take(1), [frame(5, 9)]);
        deepEqual(await atFar.take(1), [frame(2, 1)]);
      }),
  };
}

/** What transports of messages keep beside `transportCases`: one frame is one message, whatever is in it. */
export const messageCases: readonly TransportCase[] = [
  {
    name: 'gives on what the rule would refuse, and never two frames in one',
    run: (factory) =>
      withPair(factory, {}, async ({ near, far }) => {
        const atFar = collect(far);
        const sent = [Uint8Array.of(1), header(3), header(65_537), concat([frame(1, 1), frame(1, 2)])];
        for (const each of sent) ok(near.send(each));
        deepEqual(await atFar.take(sent.length), sent);
      }),
  },
  lastWords('what is longer than admitted may be answered before the end', new Uint8Array(200_000)),
  {
    name: 'refuses a message that is longer than admitted',
    run: (factory) =>
      withPair(factory, {}, async ({ near, far, server }) => {
        collect(near);
        const atFar = collect(far);
        const end = closing(near);
        ok(near.send(frame(5, 1)));
        ok(near.send(new Uint8Array(200_000)));
        equal((await closing(far)).code, 'frame-too-large');
        deepEqual(await atFar.take(1), [frame(5, 1)]);
        equal(server.counters.frameFaults, 1);
        match((await end).code, /^(peer|failed)$/);
      }),
  },
];

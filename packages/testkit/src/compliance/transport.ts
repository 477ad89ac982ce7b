// SPDX-License-Identifier: Apache-2.0
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import type { FrameRule } from '@vnfpool/transport/framing';
import {
  type CloseReason,
  type Connection,
  type ConnectionLimits,
  type Listener,
  type ListenOptions,
  type StreamTransport,
  TransportError,
} from '@vnfpool/transport/stream';

/** Frames of the suite: 4 octets of length (of the whole frame), then anything; at most 64 KiB. */
export const complianceRule: FrameRule = {
  headerBytes: 4,
  frameBytes: (header) => new DataView(header.buffer, header.byteOffset, 4).getUint32(0),
  frameBytesMax: 65_536,
};

/** Makes the two ends to test: one listens, one connects. */
export type TransportFactory = (limits: Partial<ConnectionLimits>) => {
  readonly server: StreamTransport;
  readonly client: StreamTransport;
};

/** One promise of the interface. Throws when it is not kept. */
export interface TransportCase {
  readonly name: string;
  run(factory: TransportFactory): Promise<void>;
}

/** What every `StreamTransport` keeps. Run each as a test of its own. */
export const transportCases: readonly TransportCase[] = [
  {
    name: 'carries frames both ways, in order and unchanged',
    run: (factory) =>
      withPair(factory, {}, async ({ near, far }) => {
        const atFar = collect(far);
        const atNear = collect(near);
        const sent = [0, 1, 5, 1000, 65_532].map((bytes, index) => frame(bytes, index));
        for (const each of sent) ok(near.send(each));
        for (const each of sent.toReversed()) ok(far.send(each));
        deepEqual(await atFar.take(sent.length), sent);
        deepEqual(await atNear.take(sent.length), sent.toReversed());
      }),
  },
  {
    name: 'keeps many frames of one turn apart, small and large',
    run: (factory) =>
      withPair(factory, { sendQueueBytesMax: 2 ** 23 }, async ({ near, far }) => {
        const atFar = collect(far);
        const sent = Array.from({ length: 300 }, (_, index) => frame(index % 60 === 59 ? 65_532 : 12, index));
        for (const each of sent) ok(near.send(each));
        deepEqual(await atFar.take(sent.length), sent);
      }),
  },
  {
    name: 'gives the payload protocol of each frame where there is one, else 0',
    run: (factory) =>
      withPair(factory, {}, async ({ near, far, server }) => {
        const seen: number[] = [];
        const all = new Promise<void>((resolve) => {
          far.onFrame((_, protocol) => {
            if (seen.push(protocol) === 3) resolve();
          });
        });
        for (const protocol of [11, 12, 0xfffffffe]) near.send(frame(1, 1), protocol);
        await all;
        deepEqual(seen, server.kind === 'sctp' ? [11, 12, 0xfffffffe] : [0, 0, 0]);
      }),
  },
  {
    name: 'delivers all to a peer that begins to read late, while the queue has room',
    run: (factory) =>
      withPair(factory, { sendQueueBytesMax: 2 ** 23 }, async ({ near, far }) => {
        const sent = Array.from({ length: 100 }, (_, index) => frame(40_000, index));
        for (const each of sent) ok(near.send(each));
        for (let each = 0; each < 5; each += 1) await turn();
        deepEqual(await collect(far).take(sent.length), sent);
        equal(near.closed, null);
      }),
  },
  {
    name: 'cuts a peer off that does not read to the end, some time after close',
    run: (factory) =>
      withPair(
        factory,
        { sendQueueBytesMax: 2 ** 24, closeTimeoutMs: 20 },
        async ({ near, far, listener }) => {
          for (let each = 0; each < 200; each += 1) ok(near.send(frame(60_000, each)));
          near.close();
          await listener.close();
          ok(far.closed !== null);
        },
      ),
  },
  {
    name: 'keeps what came before anyone took over the frames',
    run: (factory) =>
      withPair(factory, {}, async ({ near, far }) => {
        ok(near.send(frame(7, 7)));
        for (let each = 0; each < 5; each += 1) await turn();
        deepEqual(await collect(far).take(1), [frame(7, 7)]);
      }),
  },
  {
    name: 'tells each end where the other is',
    run: (factory) =>
      withPair(factory, {}, async ({ near, far, listener }) => {
        equal(near.peer.port, listener.address.port);
        equal(far.local.port, listener.address.port);
        equal(far.peer.port, near.local.port);
        equal(far.peer.address, near.local.address);
        for (const end of [near.peer, near.local, far.peer, far.local]) {
          ok(end.addresses.includes(end.address));
        }
        deepEqual(far.peer.addresses.toSorted(), near.local.addresses.toSorted());
        deepEqual(near.peer.addresses.toSorted(), far.local.addresses.toSorted());
      }),
  },
  {
    name: 'delivers what was sent before close, then the end, once',
    run: (factory) =>
      withPair(factory, {}, async ({ near, far }) => {
        const atFar = collect(far);
        const ends: CloseReason[] = [];
        far.onClose((reason) => ends.push(reason));
        const own = closing(near);
        const sent = Array.from({ length: 50 }, (_, index) => frame(1000, index));
        for (const each of sent) ok(near.send(each));
        near.close('enough');
        equal(near.send(frame(1, 1)), false);
        deepEqual(await own, { code: 'local', message: 'enough' });
        deepEqual(await atFar.take(sent.length), sent);
        equal((await closing(far)).code, 'peer');
        equal(ends.length, 1);
        equal(far.send(frame(1, 1)), false);
        equal(far.closed?.code, 'peer');
      }),
  },
  {
    name: 'closes on a peer that sends no first frame',
    run: (factory) =>
      withPair(factory, { frameTimeoutMs: 30 }, async ({ far, server }) => {
        collect(far);
        equal((await closing(far)).code, 'frame-timeout');
        equal(server.counters.frameTimeouts, 1);
      }),
  },
  {
    name: 'closes on a peer that does not read, at the bound of the queue',
    run: (factory) =>
      withPair(factory, { sendQueueBytesMax: 256 * 1024 }, async ({ near, client }) => {
        // `far` never takes over its frames: it does not read.
        const block = frame(60_000, 1);
        let sent = 0;
        while (near.send(block)) {
          sent += 1;
          ok(sent < 10_000, 'the queue has no bound');
          await turn();
        }
        equal(near.closed?.code, 'send-queue-full');
        equal(client.counters.sendQueueFull, 1);
      }),
  },
  {
    name: 'closing within a handler delivers nothing more',
    run: (factory) =>
      withPair(factory, {}, async ({ near, far }) => {
        let seen = 0;
        far.onFrame(() => {
          seen += 1;
          far.close();
        });
        near.onFrame(() => {});
        const end = closing(near);
        for (const fill of [1, 2, 3]) near.send(frame(1, fill));
        await end;
        equal(seen, 1);
      }),
  },
  {
    name: 'drops connections above the cap and counts them',
    run: async (factory) => {
      const { server, client } = factory({});
      const accepted: Connection[] = [];
      const listener = await listen(server, {
        connectionsMax: 1,
        onConnection: (connection) => {
          accepted.push(connection);
          connection.onFrame(() => {});
        },
      });
      const first = await client.connect(to(listener));
      first.onFrame(() => {});
      const dropped = client.connect(to(listener)).then(async (second) => {
        second.onFrame(() => {});
        throw new TransportError('refused', (await closing(second)).message);
      });
      await rejects(dropped, TransportError);
      equal(accepted.length, 1);
      equal(server.counters.droppedAtCap, 1);
      await listener.close();
    },
  },
  {
    name: 'refuses to listen twice on one port, and frees it on close',
    run: async (factory) => {
      const { server, client } = factory({});
      const first = await listen(server);
      const { port } = first.address;
      await rejects(listen(server, { port }), { name: 'TransportError', code: 'address-in-use' });
      await first.close();
      await rejects(client.connect({ host: '127.0.0.1', port }), { name: 'TransportError', code: 'refused' });
      const second = await listen(server, { port });
      await second.close();
    },
  },
  {
    name: 'closing the listener closes what it accepted',
    run: (factory) =>
      withPair(factory, {}, async ({ near, far, listener }) => {
        near.onFrame(() => {});
        far.onFrame(() => {});
        const end = closing(near);
        await listener.close();
        equal(far.closed?.code, 'local');
        equal((await end).code, 'peer');
      }),
  },
  {
    name: 'an aborted connect rejects',
    run: async (factory) => {
      const { server, client } = factory({});
      const listener = await listen(server);
      const controller = new AbortController();
      const attempt = client.connect({ ...to(listener), signal: controller.signal });
      controller.abort();
      await rejects(attempt, { name: 'TransportError', code: 'aborted' });
      await rejects(client.connect({ ...to(listener), signal: controller.signal }), {
        name: 'TransportError',
        code: 'aborted',
      });
      await listener.close();
    },
  },
];

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
];

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

interface Pair {
  readonly near: Connection;
  readonly far: Connection;
  readonly listener: Listener;
  readonly server: StreamTransport;
  readonly client: StreamTransport;
}

async function withPair(
  factory: TransportFactory,
  limits: Partial<ConnectionLimits>,
  use: (pair: Pair) => Promise<void>,
): Promise<void> {
  const { server, client } = factory({ closeTimeoutMs: 100, ...limits });
  let accept: (connection: Connection) => void = () => {};
  const accepted = new Promise<Connection>((resolve) => {
    accept = resolve;
  });
  const listener = await listen(server, { onConnection: (connection) => accept(connection) });
  const near = await client.connect(to(listener));
  try {
    await use({ near, far: await accepted, listener, server, client });
  } finally {
    near.close();
    await listener.close();
  }
}

function listen(server: StreamTransport, options: Partial<ListenOptions> = {}): Promise<Listener> {
  return server.listen({ host: '127.0.0.1', port: 0, onConnection: () => {}, ...options });
}

function to(listener: Listener): { host: string; port: number } {
  return { host: listener.address.address, port: listener.address.port };
}

function closing(connection: Connection): Promise<CloseReason> {
  return new Promise((resolve) => {
    connection.onClose(resolve);
  });
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Takes over a connection's frames and hands them out. */
function collect(connection: Connection): { take(count: number): Promise<Uint8Array[]> } {
  const frames: Uint8Array[] = [];
  let wake: (() => void) | null = null;
  connection.onFrame((each) => {
    frames.push(each.slice());
    wake?.();
  });
  return {
    take: async (count) => {
      while (frames.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return frames.splice(0, count).map((each) => new Uint8Array(each));
    },
  };
}

function header(bytes: number): Uint8Array {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, bytes);
  return octets;
}

function frame(payloadBytes: number, fill: number): Uint8Array {
  return concat([header(4 + payloadBytes), new Uint8Array(payloadBytes).fill(fill)]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

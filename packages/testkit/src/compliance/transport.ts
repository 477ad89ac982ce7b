// SPDX-License-Identifier: Apache-2.0
import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { type CloseReason, type Connection, TransportError } from '@vnfpool/transport/stream';
import { closing, collect, frame, listen, type TransportCase, to, turn, withPair } from './transport-pair.ts';

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
    name: 'where there is flow control: tells when the queue is worked off, and reads no more while paused',
    run: (factory) =>
      withPair(factory, { sendQueueBytesMax: 2 ** 23 }, async ({ near, far }) => {
        const { flow } = near;
        if (flow === undefined || far.flow === undefined) return;
        const atFar = collect(far);
        far.flow.pause();
        for (let each = 0; each < 100; each += 1) ok(near.send(frame(60_000, each)));
        for (let each = 0; each < 20; each += 1) await turn();
        ok(flow.queuedBytes > 0);
        let drained = 0;
        const empty = new Promise<void>((resolve) => {
          flow.onDrained(() => {
            drained += 1;
            resolve();
          });
        });
        await turn();
        equal(drained, 0);
        far.flow.resume();
        await empty;
        equal((await atFar.take(100)).length, 100);
        equal(drained, 1);
        await new Promise<void>((resolve) => {
          flow.onDrained(resolve);
        });
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

// SPDX-License-Identifier: Apache-2.0
import { SctpSocket } from '@vnfpool/platform/sctp';
import {
  type PathChange,
  type SctpConnection,
  SctpTransport,
  type SctpTransportOptions,
  sctpMissing,
} from '@vnfpool/transport/sctp';
import type { CloseReason, Connection, Listener, ListenOptions } from '@vnfpool/transport/stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { absentAddress, blockAddress, blockMissing, delayLoopback } from './faulty-loopback.ts';

const quick = {
  tuning: {
    rtoInitialMs: 100,
    rtoMinMs: 50,
    rtoMaxMs: 200,
    heartbeatIntervalMs: 100,
    pathRetransmissionsMax: 1,
  },
};
const ASAP = 11;
const ENRP = 12;
const missing = sctpMissing();
const unblockable = missing === null ? blockMissing() : '';
if (missing !== null) console.warn(`skipped: ${missing}`);

const frame = Uint8Array.of(3, 0, 0, 8, 1, 2, 3, 4);

function transport(options: Partial<SctpTransportOptions> = {}): SctpTransport {
  return new SctpTransport({ rule: { frameBytesMax: 65_536 }, protocol: ASAP, ...options });
}

async function listening(
  server: SctpTransport,
  options: Partial<ListenOptions> = {},
): Promise<{ readonly listener: Listener; readonly next: () => Promise<SctpConnection> }> {
  const accepted: Connection[] = [];
  let wake: () => void = () => {};
  const listener = await server.listen({
    host: '127.0.0.1',
    port: 0,
    onConnection: (connection) => {
      accepted.push(connection);
      wake();
    },
    ...options,
  });
  onTestFinished(() => listener.close());
  return {
    listener,
    next: async () => {
      while (accepted.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return accepted.shift() as SctpConnection;
    },
  };
}

const to = (listener: Listener) => ({ host: listener.address.address, port: listener.address.port });

const first = (connection: Connection) =>
  new Promise<{ frame: Uint8Array; protocol: number }>((resolve) => {
    connection.onFrame((each, protocol) => resolve({ frame: each, protocol }));
  });

const closing = (connection: Connection) =>
  new Promise<CloseReason>((resolve) => {
    connection.onClose(resolve);
  });

describe.skipIf(missing !== null)('kernel SCTP', () => {
  test('the payload protocol is that of the transport, unless one is given', async () => {
    const server = transport({ protocol: ENRP });
    const { listener, next } = await listening(server);
    const near = await transport().connect(to(listener));
    const far = await next();
    const atFar = first(far);
    near.send(frame);
    expect(await atFar).toEqual({ frame, protocol: ASAP });
    const atNear = first(near);
    far.send(frame);
    expect(await atNear).toEqual({ frame, protocol: ENRP });
    near.close();
  });

  test('a payload protocol that is not admitted ends the association', async () => {
    const server = transport({ protocols: [ASAP] });
    const { listener, next } = await listening(server);
    const near = await transport().connect(to(listener));
    const far = await next();
    const atFar = first(far);
    near.send(frame);
    near.send(frame, 0);
    expect((await closing(far)).code).toBe('frame-malformed');
    expect((await closing(far)).message).toContain('payload protocol 0');
    expect(await atFar).toEqual({ frame, protocol: ASAP });
    expect(server.counters.frameFaults).toBe(1);
    near.close();
  });

  test('an association leaves from the port of a listener, which goes on accepting', async () => {
    const registrar = await listening(transport());
    const element = await listening(transport());
    const { port } = element.listener.address;
    const out = await transport().connect({
      ...to(registrar.listener),
      localAddress: '127.0.0.1',
      localPort: port,
    });
    const seen = await registrar.next();
    expect(out.local.port).toBe(port);
    expect(seen.peer.port).toBe(port);
    // The registrar, or its successor, finds the element where it saw it.
    const back = await transport().connect({ host: seen.peer.address, port: seen.peer.port });
    const inward = await element.next();
    const arrived = first(inward);
    back.send(frame);
    expect((await arrived).frame).toEqual(frame);
    // And the first association is still another one.
    const later = first(seen);
    out.send(frame, ENRP);
    expect((await later).protocol).toBe(ENRP);
    out.close();
    back.close();
  });

  test('both connect from their listening ports to each other: two ends see what they sent', async () => {
    const a = await listening(transport());
    const b = await listening(transport());
    const out = await transport().connect({
      ...to(b.listener),
      localAddress: '127.0.0.1',
      localPort: a.listener.address.port,
    });
    const atB = await b.next();
    const arrived = first(atB);
    out.send(frame);
    expect((await arrived).frame).toEqual(frame);
    // The other way round there is an association between these two ports already.
    await expect(
      transport().connect({
        ...to(a.listener),
        localAddress: '127.0.0.1',
        localPort: b.listener.address.port,
      }),
    ).rejects.toMatchObject({ name: 'TransportError' });
    await expect(
      transport().connect({
        ...to(b.listener),
        localAddress: '127.0.0.1',
        localPort: a.listener.address.port,
      }),
    ).rejects.toMatchObject({ name: 'TransportError' });
    expect([out.closed, atB.closed]).toEqual([null, null]);
    out.close();
  });

  test.skipIf(unblockable !== '')(
    `both connect at once from their listening ports: one association ${unblockable}`,
    async () => {
      // So that each has asked before it hears the other.
      onTestFinished(delayLoopback(50));
      const accepted: Connection[] = [];
      const onConnection = (connection: Connection): void => void accepted.push(connection);
      const a = await listening(transport(), { onConnection });
      const b = await listening(transport(), { onConnection });
      const from = (near: Listener, far: Listener) =>
        transport().connect({ ...to(far), localAddress: '127.0.0.1', localPort: near.address.port });
      const [atA, atB] = await Promise.all([from(a.listener, b.listener), from(b.listener, a.listener)]);
      const arrived = first(atB);
      atA.send(frame);
      expect((await arrived).frame).toEqual(frame);
      const answered = first(atA);
      atB.send(frame, ENRP);
      expect((await answered).protocol).toBe(ENRP);
      expect(accepted).toEqual([]);
      atA.close();
    },
  );

  test('each end knows every address of the other', async () => {
    const { listener, next } = await listening(transport(), { addresses: ['127.0.0.2'] });
    expect(listener.address.addresses).toEqual(['127.0.0.1', '127.0.0.2']);
    const near = await transport().connect({
      ...to(listener),
      localAddress: '127.0.0.3',
      localAddresses: ['127.0.0.4'],
    });
    const far = await next();
    expect(near.multipath && far.multipath).toBe(true);
    expect(near.peer.addresses.toSorted()).toEqual(['127.0.0.1', '127.0.0.2']);
    expect(near.local.addresses.toSorted()).toEqual(['127.0.0.3', '127.0.0.4']);
    expect(far.peer.addresses.toSorted()).toEqual(['127.0.0.3', '127.0.0.4']);
    expect(near.paths().map(({ address }) => address)).toEqual(near.peer.addresses);

    near.close();
  });

  test.skipIf(unblockable !== '')(`a dead path is told and survived ${unblockable}`, async () => {
    const { listener, next } = await listening(transport(quick), { addresses: ['127.0.0.2'] });
    const near = await transport(quick).connect({ ...to(listener), localAddress: '127.0.0.3' });
    const far = await next();
    const lost = new Promise<PathChange>((resolve) => {
      near.onPath((change) => {
        if (change.state === 'unreachable') resolve(change);
      });
    });
    near.onFrame(() => {});
    const arrived: number[] = [];
    const all = new Promise<void>((resolve) => {
      far.onFrame((each) => {
        if (arrived.push(each[0] ?? 0) === 5) resolve();
      });
    });
    onTestFinished(blockAddress('127.0.0.1'));
    for (let each = 0; each < 5; each += 1) near.send(Uint8Array.of(each));
    await all;
    expect(arrived).toEqual([0, 1, 2, 3, 4]);
    expect(await lost).toEqual({ address: '127.0.0.1', state: 'unreachable' });
    expect(near.paths().map(({ address, state }) => [address, state])).toEqual([
      ['127.0.0.1', 'inactive'],
      ['127.0.0.2', 'active'],
    ]);
    expect([near.closed, far.closed]).toEqual([null, null]);
    near.close();
  });

  test('the kernel has measured the way after the first answer', async () => {
    const { listener, next } = await listening(transport());
    const near = await transport().connect(to(listener));
    const far = await next();
    far.onFrame((each) => void far.send(each));
    const echoed = first(near);
    near.send(frame);
    await echoed;
    expect(near.roundTripMs()).toBeGreaterThanOrEqual(0);
    near.close();
    await closing(far);
    expect([near.closed?.code, far.closed?.code]).toEqual(['local', 'peer']);
    expect(far.paths()).toEqual([]);
    expect(far.roundTripMs()).toBeNull();
  });

  test('an aborted association is a failure, not an end', async () => {
    const { listener, next } = await listening(transport());
    const raw = SctpSocket.open(['127.0.0.1'], { sharesPort: false });
    raw.connect(['127.0.0.1'], listener.address.port);
    const far = await next();
    far.onFrame(() => {});
    const end = closing(far);
    raw.abort();
    const reason = await end;
    expect([reason.code, reason.error?.code]).toEqual(['failed', 'unreachable']);
    expect(far.send(frame)).toBe(false);
  });

  test.skipIf(unblockable !== '')(
    `a peer that nobody knew when it was first asked for is connected to all the same ${unblockable}`,
    async () => {
      const place = absentAddress('10.98.0.1/24', '10.98.0.2');
      onTestFinished(place.remove);
      const { listener, next } = await listening(transport(), { host: '0.0.0.0' });
      const tuning = { rtoInitialMs: 300, rtoMinMs: 300, rtoMaxMs: 300 };
      const asked = transport({ tuning }).connect({ host: '10.98.0.2', port: listener.address.port });
      while (!place.wasMissed()) await new Promise((resolve) => setImmediate(resolve));
      place.add();
      const near = await asked;
      const far = await next();
      far.onFrame((each) => void far.send(each));
      const echoed = first(near);
      expect(near.send(frame)).toBe(true);
      await echoed;
      expect([near.closed, far.closed]).toEqual([null, null]);
    },
  );

  test.skipIf(unblockable !== '')(`a peer that started anew is a new one ${unblockable}`, async () => {
    const { listener, next } = await listening(transport());
    const { port } = listener.address;
    const before = SctpSocket.open(['127.0.0.1'], { sharesPort: false });
    before.bind(['127.0.0.5'], 0);
    const own = before.localAddresses()[0]?.port ?? 0;
    before.connect(['127.0.0.1'], port);
    const far = await next();
    far.onFrame(() => {});
    const end = closing(far);
    // It goes without a word: what it says does not arrive.
    const unblock = blockAddress('127.0.0.1');
    before.abort();
    unblock();
    const after = SctpSocket.open(['127.0.0.1'], { sharesPort: false });
    after.bind(['127.0.0.5'], own);
    after.connect(['127.0.0.1'], port);
    expect(await end).toEqual({ code: 'peer', message: 'the peer restarted the association' });
    after.close();
  });

  test('a message that comes in parts arrives whole; one beyond the send buffer ends the association', async () => {
    const large = { rule: { frameBytesMax: 2 ** 18 } };
    const { listener, next } = await listening(transport(large));
    const near = await transport(large).connect(to(listener));
    const far = await next();
    const message = Uint8Array.from({ length: 200_000 }, (_, index) => (index * 31) >> 3);
    const arrived = first(far);
    near.send(message);
    const got = await arrived;
    expect([got.protocol, Buffer.compare(got.frame, message)]).toEqual([ASAP, 0]);
    expect(near.send(new Uint8Array(2 ** 26))).toBe(false);
    expect(near.closed?.message).toContain('EMSGSIZE');
  });

  test.skipIf(unblockable !== '')(`who does not answer is given up in time ${unblockable}`, async () => {
    onTestFinished(blockAddress('127.0.0.9'));
    const client = transport({ limits: { handshakeTimeoutMs: 100 } });
    await expect(client.connect({ host: '127.0.0.9', port: 1 })).rejects.toMatchObject({ code: 'timeout' });
  });

  test('what cannot be connected to, or bound, says why', async () => {
    await expect(transport().connect({ host: '127.0.0.1', port: 1 })).rejects.toMatchObject({
      code: 'refused',
    });
    await expect(
      transport().listen({ host: '192.0.2.1', port: 0, onConnection: () => {} }),
    ).rejects.toMatchObject({
      code: 'unreachable',
    });
  });

  test('IPv6, and both families in one association', async () => {
    const { listener, next } = await listening(transport(), { host: '::1', addresses: ['127.0.0.1'] });
    const near = await transport().connect({
      host: '::1',
      port: listener.address.port,
      addresses: ['127.0.0.1'],
    });
    const far = await next();
    expect(near.peer.addresses.toSorted()).toEqual(['127.0.0.1', '::1']);
    const arrived = first(far);
    near.send(frame);
    expect((await arrived).frame).toEqual(frame);
    near.close();
  });
});

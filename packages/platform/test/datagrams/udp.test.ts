// SPDX-License-Identifier: Apache-2.0
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { openUdp } from '@vnfpool/platform/datagrams';
import { libc, MSG_DONTWAIT } from '@vnfpool/platform/libc';
import { describe, expect, test } from 'vitest';

describe.skipIf(process.platform !== 'linux')('a UDP socket whose sends are done on return', () => {
  test('a datagram is at its receiver when send returns', () => {
    const peer = openUdp('127.0.0.1', 0);
    const named = createSocket('udp4');
    named.bind({ fd: peer.fd });
    const into = new Uint8Array(16);
    openUdp('127.0.0.1', 0).send(Uint8Array.of(7, 8), '127.0.0.1', named.address().port);
    // Node's loop has had no turn: what is there, the kernel has.
    expect(libc().receive(peer.fd, into, MSG_DONTWAIT)).toBe(2);
    named.close();
  });

  test('goes out from the port at which Node receives', async () => {
    const raw = openUdp('127.0.0.1', 0);
    const ours = createSocket('udp4');
    ours.bind({ fd: raw.fd });
    const peer = openUdp('127.0.0.1', 0);
    const receiver = createSocket('udp4');
    receiver.bind({ fd: peer.fd });

    const arrived = once(receiver, 'message');
    raw.send(Uint8Array.of(1, 2, 3), '127.0.0.1', receiver.address().port);
    const [bytes, from] = await arrived;
    expect([...bytes]).toEqual([1, 2, 3]);
    expect(from.port).toBe(ours.address().port);

    const answered = once(ours, 'message');
    peer.send(Uint8Array.of(4), '127.0.0.1', from.port);
    expect([...(await answered)[0]]).toEqual([4]);
    ours.close();
    receiver.close();
  });

  test('tells by name what the kernel refuses', () => {
    expect(() => openUdp('192.0.2.77', 0)).toThrow(expect.objectContaining({ code: 'EADDRNOTAVAIL' }));
    expect(() => openUdp('not an address', 0)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
    expect(() => openUdp('127.0.0.1', 70_000)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
  });
});

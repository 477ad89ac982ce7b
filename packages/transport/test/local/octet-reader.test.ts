// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect as plainConnect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OctetReader } from '@vnfpool/transport/local';
import { describe, expect, onTestFinished, test } from 'vitest';

/** A listening local socket, and where. */
async function listening(options: { readonly pauseOnConnect?: boolean } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'octets-'));
  const server = createServer(options);
  server.listen(join(folder, 's'));
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  return { path: join(folder, 's'), server, accepted: once(server, 'connection') as Promise<[Socket]> };
}

/** Both ways to a reader, with the plain socket at its other end. */
const WAYS = {
  'that connects': async () => {
    const { path, accepted } = await listening();
    const reader = OctetReader.connect(path);
    const [other] = await accepted;
    return { reader, other };
  },
  'of a socket that was accepted': async () => {
    const { path, accepted } = await listening({ pauseOnConnect: true });
    const other = plainConnect(path);
    const [socket] = await accepted;
    return { reader: OctetReader.adopt(socket), other };
  },
};

describe.each(Object.entries(WAYS))('a reader %s', (_name, open) => {
  async function rig() {
    const { reader, other } = await open();
    other.on('error', () => undefined);
    onTestFinished(() => {
      reader.socket.destroy();
      other.destroy();
    });
    return { reader, other };
  }

  test('gives all octets in order, and then the end', async () => {
    const { reader, other } = await rig();
    const sent = Buffer.alloc(1_000_000, 'abcdefg');
    other.end(sent);
    const taken: Buffer[] = [];
    for (let octets = await reader.next(); octets !== null; octets = await reader.next())
      taken.push(Buffer.from(octets));
    expect(Buffer.concat(taken).equals(sent)).toBe(true);
    expect(await reader.next()).toBeNull();
  });

  test('leaves them as they are until the next are asked for', async () => {
    const { reader, other } = await rig();
    other.write('one');
    const octets = await reader.next();
    await new Promise((resolve) => other.write('two', resolve));
    await new Promise(setImmediate);
    expect(Buffer.from(octets ?? []).toString()).toBe('one');
    expect(Buffer.from((await reader.next()) ?? []).toString()).toBe('two');
  });

  test('writes, too', async () => {
    const { reader, other } = await rig();
    reader.socket.write('hello');
    const [chunk] = (await once(other, 'data')) as [Buffer];
    expect(chunk.toString()).toBe('hello');
  });

  test('tells why it broke', async () => {
    const { reader } = await rig();
    const next = reader.next();
    reader.socket.destroy(new Error('given up'));
    await expect(next).rejects.toThrow('given up');
    await expect(reader.next()).rejects.toThrow('given up');
  });
});

test('that nobody listens is told by the first call', async () => {
  await expect(OctetReader.connect('/nonexistent/s').next()).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a server can close when its socket has been taken over', async () => {
  const { path, server, accepted } = await listening({ pauseOnConnect: true });
  const other = plainConnect(path);
  const [socket] = await accepted;
  const reader = OctetReader.adopt(socket);
  const closed = once(server, 'close');
  server.close();
  await closed;
  other.end('still here');
  expect(Buffer.from((await reader.next()) ?? []).toString()).toBe('still here');
});

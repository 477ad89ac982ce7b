// SPDX-License-Identifier: Apache-2.0
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { readProcessStat } from '@vnfpool/platform/processes';
import { describe, expect, onTestFinished, test } from 'vitest';
import { checkHealth } from '../../src/health/health-check.ts';

const AT = '127.0.0.1';

describe('a command', () => {
  const run = (script: string, timeoutMs = 10_000) =>
    checkHealth({ type: 'command', command: { command: ['/bin/sh', '-c', script] }, timeoutMs }, AT, null);

  test('with exit code 0 is healthy, with another one not, and its last words are told', async () => {
    expect(await run('exit 0')).toEqual({ ok: true, reason: 'exit code 0' });
    expect(await run('echo the disk is full >&2; exit 3')).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/^exit code 3(: the disk is full)?$/),
    });
  });

  test('that is not there is not healthy', async () => {
    const check = { type: 'command', command: { command: ['/no/such/program'] }, timeoutMs: 10_000 } as const;
    expect((await checkHealth(check, AT, null)).ok).toBe(false);
  });

  test.runIf(process.platform === 'linux')(
    'without a result in time is killed with its children',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'vnfpool-'));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const result = await run(`sleep 600 & echo $! > ${folder}/child; wait`, 300);
      expect(result).toEqual({ ok: false, reason: 'no result within 300 ms' });
      const child = Number(readFileSync(`${folder}/child`, 'utf8'));
      await expect.poll(() => readProcessStat(child)?.state ?? 'Z').toBe('Z');
    },
  );
});

test('an agent that stood still itself for longer than the deadline accuses nobody', async () => {
  // Answers by itself: the loop that stands still is ours.
  const server = new Worker(
    `const server = require('node:http').createServer((_, answer) => answer.end());
     server.listen(0, '${AT}', () => require('node:worker_threads').parentPort.postMessage(server.address().port));`,
    { eval: true },
  );
  onTestFinished(async () => void (await server.terminate()));
  const [port] = (await once(server, 'message')) as [number];
  const types = ['tcp', 'http'] as const;
  const results = types.map((type) => checkHealth({ type, timeoutMs: 2_000 }, AT, port));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
  expect(await Promise.all(results)).toEqual([
    { ok: true, reason: 'connected' },
    { ok: true, reason: 'status 200' },
  ]);
});

describe('a check that misbehaves is bounded', () => {
  const run = (script: string, timeoutMs: number) =>
    checkHealth({ type: 'command', command: { command: ['/bin/sh', '-c', script] }, timeoutMs }, AT, null);

  /** A server that does this with every request. */
  async function serverThat(act: (answer: Socket) => void): Promise<number> {
    const open = new Set<Socket>();
    const server = createServer((socket) => {
      open.add(socket);
      socket.on('error', () => {});
      socket.once('data', () => act(socket));
    });
    server.listen(0, AT);
    await once(server, 'listening');
    onTestFinished(() => {
      for (const socket of open) socket.destroy();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }

  test('megabytes of output, in lines or in one, make no long reason and no late result', async () => {
    const lines = await run('yes "no room at all" | head -c 8000000; exit 1', 60_000);
    expect(lines.reason).toMatch(/^exit code 1(: .*)?$/);
    const line = await run("head -c 8000000 /dev/zero | tr '\\0' x; exit 1", 60_000);
    expect(line.reason).toMatch(/^exit code 1/);
    expect(line.reason.length).toBeLessThan(1_000);
  });

  test('a command that prints without end is killed at its time', async () => {
    expect(await run('yes', 300)).toEqual({ ok: false, reason: 'no result within 300 ms' });
  });

  test('an HTTP answer without end is not read to its end', async () => {
    const port = await serverThat((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const more = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536))) {}
      };
      socket.on('drain', more);
      more();
    });
    expect(await checkHealth({ type: 'http', timeoutMs: 10_000 }, AT, port)).toEqual({
      ok: false,
      reason: 'the answer is longer than 65536 octets',
    });
  });

  test('one that hangs after its first octets has failed at its time', async () => {
    const port = await serverThat((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nh'));
    expect(await checkHealth({ type: 'http', timeoutMs: 200 }, AT, port)).toEqual({
      ok: false,
      reason: 'no answer within 200 ms',
    });
  });

  test('headers without end are an error', async () => {
    const port = await serverThat((socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(200_000)}`));
    const { ok, reason } = await checkHealth({ type: 'http', timeoutMs: 10_000 }, AT, port);
    expect([ok, reason.length < 200]).toEqual([false, true]);
  });
});

describe('SIP OPTIONS', () => {
  /** A SIP element that answers each datagram by `answers`. */
  async function sipElement(answers: (request: string, count: number) => readonly string[]) {
    const socket = createSocket('udp4');
    const requests: string[] = [];
    socket.on('message', (datagram: Buffer, { port, address }: RemoteInfo) => {
      requests.push(datagram.toString());
      for (const answer of answers(datagram.toString(), requests.length)) socket.send(answer, port, address);
    });
    socket.bind(0, AT);
    await once(socket, 'listening');
    onTestFinished(() => void socket.close());
    return { port: socket.address().port, requests };
  }
  const reply = (request: string, status: string): string =>
    [
      `SIP/2.0 ${status}`,
      ...request.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq):/.test(line)),
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n');
  const ask = (port: number, timeoutMs = 10_000) => checkHealth({ type: 'sip-options', timeoutMs }, AT, port);

  test('answered by 200 is healthy; the request has what RFC 3261 §8.1.1 demands', async () => {
    const { port, requests } = await sipElement((request) => [
      reply(request, '100 Trying'),
      reply(request, '200 OK'),
    ]);
    expect(await ask(port)).toEqual({ ok: true, reason: 'status 200' });
    const [request = ''] = requests;
    expect(request.startsWith(`OPTIONS sip:${AT}:${port} SIP/2.0\r\n`)).toBe(true);
    for (const header of ['To', 'From', 'CSeq', 'Call-ID', 'Max-Forwards', 'Via'])
      expect(request).toContain(`\r\n${header}: `);
    expect(request.endsWith('\r\n\r\n')).toBe(true);
  });

  test('answered by 299 is healthy, by 302, 404 or 503 not', async () => {
    for (const [status, ok] of [
      ['299 Fine', true],
      ['302 Moved', false],
      ['404 Not Found', false],
      ['503 Busy', false],
    ] as const) {
      const { port } = await sipElement((request) => [reply(request, status)]);
      expect(await ask(port)).toEqual({ ok, reason: `status ${status.slice(0, 3)}` });
    }
  });

  test('an answer to another request does not count, nor does what is no SIP', async () => {
    const { port } = await sipElement((request) => [
      reply(request, '200 OK').replace(/branch=\w+/, 'branch=z9hG4bKother'),
      'HTTP/1.1 200 OK\r\n\r\n',
      reply(request, '480 Temporarily Unavailable'),
    ]);
    expect(await ask(port)).toEqual({ ok: false, reason: 'status 480' });
  });

  test('is sent again when the first datagram is lost', async () => {
    const { port, requests } = await sipElement((request, count) =>
      count < 2 ? [] : [reply(request, '200 OK')],
    );
    expect(await ask(port)).toMatchObject({ ok: true });
    expect(requests).toHaveLength(2);
    expect(requests[0]).toBe(requests[1]);
  });

  test('without an answer, or at a closed port, is not healthy', async () => {
    const { port } = await sipElement(() => []);
    expect(await ask(port, 50)).toEqual({ ok: false, reason: 'no answer within 50 ms' });
    const closed = createSocket('udp4');
    closed.bind(0, AT);
    await once(closed, 'listening');
    const { port: free } = closed.address();
    closed.close();
    expect((await ask(free, 2_000)).ok).toBe(false);
  });

  test('of a function without a port cannot be asked', async () => {
    expect(await checkHealth({ type: 'sip-options', timeoutMs: 10 }, AT, null)).toMatchObject({ ok: false });
  });
});

describe('a port that refuses, or resets, connections is told apart from one that does not answer', () => {
  async function listening(
    act: (socket: Socket) => void,
  ): Promise<{ port: number; close: () => Promise<void> }> {
    const server = createServer(act);
    server.listen(0, AT);
    await once(server, 'listening');
    const close = async (): Promise<void> => {
      server.close();
      await once(server, 'close');
    };
    return { port: (server.address() as AddressInfo).port, close };
  }

  test.each(['tcp', 'http'] as const)('%s: refused', async (type) => {
    const { port, close } = await listening(() => {});
    await close();
    expect(await checkHealth({ type, timeoutMs: 10_000 }, AT, port)).toEqual({
      ok: false,
      reason: 'ECONNREFUSED',
      isRefused: true,
    });
  });

  test('http: reset in the middle', async () => {
    const { port, close } = await listening((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.resetAndDestroy());
    });
    const found = await checkHealth({ type: 'http', timeoutMs: 10_000 }, AT, port);
    expect(found).toEqual({ ok: false, reason: 'ECONNRESET', isRefused: true });
    await close();
  });

  test('sip-options: nobody is there', async () => {
    const closed = createSocket('udp4');
    closed.bind(0, AT);
    await once(closed, 'listening');
    const { port } = closed.address();
    closed.close();
    const found = await checkHealth({ type: 'sip-options', timeoutMs: 10_000 }, AT, port);
    expect(found).toMatchObject({ ok: false, isRefused: true });
  });

  test('silence and a bad answer are neither', async () => {
    const { port, close } = await listening((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n'));
    });
    expect(await checkHealth({ type: 'http', timeoutMs: 10_000 }, AT, port)).toEqual({
      ok: false,
      reason: 'status 503',
    });
    await close();
    const silent = await listening((socket) => socket.on('data', () => {}));
    expect(await checkHealth({ type: 'http', timeoutMs: 50 }, AT, silent.port)).toEqual({
      ok: false,
      reason: 'no answer within 50 ms',
    });
    await silent.close();
  });
});

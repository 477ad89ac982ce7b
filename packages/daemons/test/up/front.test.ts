// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFront } from '../../src/up/front.ts';
import { ask, type Target } from '../management-api/http.ts';

const token = 'a-token-that-is-long-enough';
let folder: string;
let servers: Server[];
let reached: string[];
let page: Target;

async function listen(server: Server, at: string | number): Promise<void> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(at, () => resolve()));
}

/** Answers everything, as the manager does over its Unix socket, and as soon as it has the body. */
function backend(name: string): Server {
  return createServer((incoming, outgoing) => {
    reached.push(`${name} ${incoming.method} ${incoming.url}`);
    incoming.resume();
    incoming.on('end', () => outgoing.writeHead(204).end());
  });
}

beforeEach(async () => {
  folder = mkdtempSync(`${tmpdir()}/front-`);
  servers = [];
  reached = [];
  const sockets = { managerSocket: `${folder}/manager.sock`, labSocket: `${folder}/lab.sock` };
  await listen(backend('manager'), sockets.managerSocket);
  await listen(backend('lab'), sockets.labSocket);
  const front = createFront({ ...sockets, token });
  await listen(front, 0);
  page = { host: '127.0.0.1', port: (front.address() as AddressInfo).port };
});

afterEach(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  rmSync(folder, { recursive: true });
});

test.each([
  '/v1/state',
  '/v1/lab',
  '/%76%31/state',
  '/%2576%2531/state',
  '//v1/state',
  '/./v1/state',
  '/x/../v1/state',
  '/V1/state',
  'http://127.0.0.1/v1/state',
  'http://127.0.0.1:80/%76%31/state',
])('%s is not relayed without token', async (path) => {
  for (const method of ['GET', 'POST', 'DELETE']) {
    expect((await ask(page, method, path)).status).toBe(401);
  }
  expect(reached).toEqual([]);
});

test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('%s is never relayed without token', async (method) => {
  expect((await ask(page, method, '/')).status).toBe(401);
  expect(reached).toEqual([]);
});

test.each(['/', '/index.html', '/assets/page-1a2b.js', '/favicon.svg', '/healthz'])(
  '%s needs no token',
  async (path) => {
    expect((await ask(page, 'GET', path)).status).toBe(204);
    expect(reached).toEqual([`manager GET ${path}`]);
  },
);

test('with the token the manager and the lab are reached', async () => {
  const headers = { authorization: `Bearer ${token}` };
  await ask(page, 'GET', '/v1/state', { headers });
  await ask(page, 'POST', '/v1/lab', { headers, body: {} });
  expect(reached).toEqual(['manager GET /v1/state', 'lab POST /v1/lab']);
});

test('a name that a stranger made resolve to us is refused, token or not', async () => {
  const headers = { authorization: `Bearer ${token}`, host: 'evil.example' };
  expect((await ask(page, 'GET', '/v1/state', { headers })).status).toBe(401);
  expect((await ask(page, 'GET', '/', { headers: { host: 'evil.example' } })).status).toBe(401);
  expect(reached).toEqual([]);
});

test('an answer counts, also of who hangs up right after it', async () => {
  // A thread of its own: it answers while the front is still busy with the request.
  const code = `
    const { createServer } = require('node:http');
    const { parentPort, workerData } = require('node:worker_threads');
    const server = createServer((incoming, outgoing) => {
      incoming.resume();
      incoming.on('end', () => outgoing.writeHead(204).end());
    });
    server.listen(workerData, () => parentPort.postMessage('ready'));`;
  const managerSocket = `${folder}/other.sock`;
  const worker = new Worker(code, { eval: true, workerData: managerSocket });
  await new Promise((resolve) => worker.once('message', resolve));
  const front = createFront({ managerSocket, labSocket: managerSocket, token: null });
  await listen(front, `${folder}/front.sock`);
  const statuses = new Set<number>();
  for (let each = 0; each < 100; each += 1) {
    const body = '{"action":"pause","target":"node-b"}';
    const headers = { 'content-length': String(body.length) };
    const answer = await ask({ socketPath: `${folder}/front.sock` }, 'POST', '/v1/lab', { headers, body });
    statuses.add(answer.status);
  }
  await worker.terminate();
  expect([...statuses]).toEqual([204]);
});

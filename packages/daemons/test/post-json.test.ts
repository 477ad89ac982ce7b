// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { postJson } from '../src/post-json.ts';

const cleanUps: (() => void)[] = [];

afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

async function serve(listener: RequestListener): Promise<string> {
  const folder = mkdtempSync(`${tmpdir()}/post-json-`);
  const server = createServer(listener).listen(`${folder}/api.sock`);
  await once(server, 'listening');
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return `${folder}/api.sock`;
}

test('gives the JSON of the answer, and {} for an empty one', async () => {
  const socket = await serve((incoming, outgoing) => {
    if (incoming.url === '/empty') outgoing.writeHead(204).end();
    else incoming.pipe(outgoing);
  });
  expect(await postJson(socket, '/echo', { set: 'edge' })).toEqual({ set: 'edge' });
  expect(await postJson(socket, '/empty', {})).toEqual({});
});

test.each([
  ['the words of a refusal', 409, '{"error":{"code":"busy","message":"Try again."}}', 'Try again.'],
  ['the status of one without words', 500, '{}', 'status 500'],
  ['an answer that is no JSON', 200, '<html>', 'status 200 with a body that is no JSON'],
])('fails with %s', async (_name, status, body, message) => {
  const socket = await serve((_incoming, outgoing) => outgoing.writeHead(status).end(body));
  await expect(postJson(socket, '/', {})).rejects.toThrow(message);
});

test('fails when the answer is cut', async () => {
  const socket = await serve((_incoming, outgoing) => {
    outgoing.writeHead(200, { 'content-length': '100' });
    outgoing.write('{', () => outgoing.destroy());
  });
  await expect(postJson(socket, '/', {})).rejects.toThrow(/aborted|hang up/);
});

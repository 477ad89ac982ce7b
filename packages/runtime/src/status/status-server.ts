// SPDX-License-Identifier: Apache-2.0
import { chmodSync, mkdirSync, unlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';

/** An answer; an object goes out as JSON. */
export type StatusAnswer =
  | { readonly contentType: string; readonly text: string }
  | { readonly json: unknown };

export interface StatusServer {
  readonly path: string;
  close(): Promise<void>;
}

/** Longest path of a Unix socket on Linux, without the final zero. */
const socketPathMax = 107;

/**
 * Serves read-only views over HTTP on a Unix socket that only its owner can open (0600). A socket that a dead
 * process left behind is replaced; a living one is an error.
 * @param routes Path → answer, GET only.
 */
export async function startStatusServer(
  path: string,
  routes: Readonly<Record<string, () => StatusAnswer | Promise<StatusAnswer>>>,
): Promise<StatusServer> {
  if (Buffer.byteLength(path) > socketPathMax) {
    throw new RangeError(`the socket's path has more than ${socketPathMax} octets: ${path}`);
  }
  const server = createServer({ requestTimeout: 5_000 }, (request, response) => {
    const route = routes[(request.url ?? '').split('?')[0] ?? ''];
    const send = (status: number, contentType: string, text: string): void => {
      response.writeHead(status, { 'content-type': contentType });
      response.end(text);
    };
    if (route === undefined) return send(404, 'text/plain', 'no such path\n');
    if (request.method !== 'GET') return send(405, 'text/plain', 'GET only\n');
    void Promise.resolve()
      .then(route)
      .then(
        (answer) =>
          'json' in answer
            ? send(200, 'application/json', `${JSON.stringify(answer.json)}\n`)
            : send(200, answer.contentType, answer.text),
        (error: unknown) =>
          send(500, 'text/plain', `${error instanceof Error ? error.message : String(error)}\n`),
      );
  });
  server.maxConnections = 32;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await listen(server, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') || (await answers(path)))
      throw error;
    unlinkSync(path);
    await listen(server, path);
  }
  chmodSync(path, 0o600);
  return {
    path,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

// SPDX-License-Identifier: Apache-2.0
import { timingSafeEqual } from 'node:crypto';
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';

export interface FrontOptions {
  /** Socket of the manager's management API. */
  readonly managerSocket: string;
  /** Socket of the lab's API. */
  readonly labSocket: string;
  /** Asked of callers over TCP; callers over the Unix socket have shown their right by opening it. */
  readonly token: string | null;
}

/** More than the manager itself takes; it refuses what is too long in its own words. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

/**
 * The set's face in the caller's own namespace: relays HTTP over Unix sockets, which cross network
 * namespaces, to the manager and the lab inside. It stands while the manager is dead, so that faults
 * can be undone.
 */
export function createFront(options: FrontOptions): Server {
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '/';
    if (options.token !== null && !allowed(incoming, options.token, path)) {
      refuse(
        outgoing,
        401,
        'unauthorized',
        'a bearer token is needed: open the address that "vnfpool up" printed',
      );
      return;
    }
    const lab = path === '/v1/lab' || path.startsWith('/v1/lab/') || path.startsWith('/v1/lab?');
    relay(
      incoming,
      outgoing,
      lab ? options.labSocket : options.managerSocket,
      lab ? 'the lab' : 'the manager',
    );
  });
  server.maxConnections = 256;
  return server;
}

/**
 * Files of the page, plainly spelled; everything else needs the token. Named is what is open, not what is closed:
 * the manager behind us decodes and normalises paths, and takes callers over its Unix socket at their word.
 */
const OPEN_PATH = /^\/(?!v1(?:[/?]|$))(?:assets\/)?[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*$/;

function allowed(incoming: IncomingMessage, token: string, path: string): boolean {
  if (!hostIsLocal(incoming.headers.host)) return false;
  if (incoming.method === 'GET' && OPEN_PATH.test(path)) return true;
  const given = Buffer.from(incoming.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** A page of another origin must not reach us by a name that it made resolve to 127.0.0.1. */
function hostIsLocal(host: string | undefined): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host ?? '');
}

function relay(incoming: IncomingMessage, outgoing: ServerResponse, socketPath: string, who: string): void {
  const headers = { ...incoming.headers };
  delete headers['authorization'];
  const upstream = request({ socketPath, path: incoming.url, method: incoming.method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
    answer.on('error', () => outgoing.destroy());
  });
  upstream.on('error', (error: NodeJS.ErrnoException) => {
    if (outgoing.headersSent) outgoing.destroy();
    else refuse(outgoing, 503, 'unreachable', `${who} does not answer (${error.code ?? error.message})`);
  });
  outgoing.on('close', () => upstream.destroy());
  sendWhole(incoming, upstream, () =>
    refuse(outgoing, 413, 'too-large', `the body is longer than ${BODY_BYTES_MAX} octets`),
  );
}

/**
 * Passes the body on in one piece. Piped, the end of it would be a write of its own, which fails when the other side
 * has answered and closed already; what was done would then be told as failed.
 */
function sendWhole(incoming: IncomingMessage, upstream: ClientRequest, onTooLarge: () => void): void {
  const chunks: Buffer[] = [];
  let octets = 0;
  incoming.on('data', (chunk: Buffer) => {
    octets += chunk.length;
    if (octets <= BODY_BYTES_MAX) chunks.push(chunk);
  });
  incoming.once('end', () => {
    if (octets <= BODY_BYTES_MAX) upstream.end(Buffer.concat(chunks));
    else onTooLarge();
  });
}

function refuse(outgoing: ServerResponse, status: number, code: string, message: string): void {
  outgoing.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  outgoing.end(`${JSON.stringify({ error: { code, message } })}\n`);
}

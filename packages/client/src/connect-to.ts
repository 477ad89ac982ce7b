// SPDX-License-Identifier: Apache-2.0
import { type Socket, connect as tcpConnect } from 'node:net';
import type { PoolElement as FoundElement } from '@vnfpool/wire/parameters';
import { PoolError } from './pool-error.ts';

const networkCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Errors of Node's sockets, also as the cause of a failed `fetch`. */
export function isNetworkError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && networkCodes.has(String(error.code))) return true;
  return error.cause !== undefined && isNetworkError(error.cause);
}

/** A TCP connection of the caller's own to an element. */
export function connectTo(element: FoundElement, signal: AbortSignal): Promise<Socket> {
  const { userTransport } = element;
  if (userTransport.type !== 'tcp') {
    return Promise.reject(
      new PoolError('unreachable', `the pool is served over ${userTransport.type}, not TCP`),
    );
  }
  return new Promise((resolve, reject) => {
    const socket = tcpConnect({ host: userTransport.address, port: userTransport.port });
    const onAbort = (): void => {
      socket.destroy();
      reject(new PoolError('aborted', 'connecting was aborted', signal.reason));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', (error) => {
      signal.removeEventListener('abort', onAbort);
      reject(error);
    });
    socket.once('connect', () => {
      signal.removeEventListener('abort', onAbort);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

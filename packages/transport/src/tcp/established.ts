// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import type { ConnectOptions } from '../stream/stream-transport.ts';
import { TransportError, transportError } from '../stream/transport-error.ts';

/**
 * Waits for `event` on a connecting socket, then makes the connection in the same turn, so that no event
 * falls between. A time-out, an abort or an error destroys the socket and rejects.
 */
export function established<T>(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  options: ConnectOptions,
  timeoutMs: number,
  make: () => T,
): Promise<T> {
  const where = `connecting to ${options.host}:${options.port}`;
  return new Promise<T>((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      socket.off('error', fail);
      socket.off('close', onEnd);
      socket.off(event, onEstablished);
    };
    const fail = (error: unknown): void => {
      settle();
      // Errors that a destroyed socket still has to tell concern nobody.
      socket.on('error', () => {});
      socket.destroy();
      reject(transportError(where, error));
    };
    const onAbort = (): void =>
      fail(new TransportError('aborted', `${where}: aborted`, options.signal?.reason));
    const onEnd = (): void =>
      fail(new TransportError('unreachable', `${where}: closed before it was established`));
    const onEstablished = (): void => {
      settle();
      try {
        resolve(make());
      } catch (error) {
        fail(error);
      }
    };
    const timer = setTimeout(
      () => fail(new TransportError('timeout', `${where}: not established within ${timeoutMs} ms`)),
      timeoutMs,
    );
    options.signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', fail);
    socket.once('close', onEnd);
    socket.once(event, onEstablished);
    // Aborted while the caller prepared the socket.
    if (options.signal?.aborted === true) onAbort();
  });
}

/** @throws TransportError `aborted`, before a socket is made */
export function refuseAborted(options: ConnectOptions): void {
  if (options.signal?.aborted !== true) return;
  throw new TransportError(
    'aborted',
    `connecting to ${options.host}:${options.port}: aborted`,
    options.signal.reason,
  );
}

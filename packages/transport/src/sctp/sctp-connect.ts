// SPDX-License-Identifier: Apache-2.0
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { WRITABLE, watch } from '@vnfpool/platform/readiness';
import { SctpSocket, type SctpTuning, sctpMissing } from '@vnfpool/platform/sctp';
import type { ConnectOptions } from '../stream/stream-transport.ts';
import { TransportError, transportError } from '../stream/transport-error.ts';

/**
 * Connects by every address of the peer at once: the kernel sends its INIT to the first, then to the next.
 * @throws TransportError
 */
export async function connectSctp(
  options: ConnectOptions,
  tuning: SctpTuning,
  timeoutMs: number,
): Promise<SctpSocket> {
  const where = `connecting to ${options.host}:${options.port}`;
  try {
    const remote = [...(await resolveHost(options.host)), ...(options.addresses ?? [])];
    if (options.signal?.aborted === true) {
      throw new TransportError('aborted', `${where}: aborted`, options.signal.reason);
    }
    return await established(begin(remote, options, tuning), where, options.signal, timeoutMs);
  } catch (error) {
    const missing = error instanceof TransportError ? null : sctpMissing();
    throw missing === null
      ? transportError(where, error)
      : new TransportError('failed', `${where}: ${missing}`, error);
  }
}

/** The numeric addresses of a host, itself if it is one. */
export async function resolveHost(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function begin(remote: readonly string[], options: ConnectOptions, tuning: SctpTuning): SctpSocket {
  const { localAddress, localAddresses = [], localPort = 0 } = options;
  const own = localAddress === undefined ? [] : [localAddress, ...localAddresses];
  const socket = SctpSocket.open([...remote, ...own], { sharesPort: localPort !== 0 });
  try {
    socket.tune(tuning);
    const anywhere = [...remote, ...own].some((address) => isIPv6(address)) ? '::' : '0.0.0.0';
    if (own.length > 0) socket.bind(own, localPort);
    else if (localPort !== 0) socket.bind([anywhere], localPort);
    socket.connect(remote, options.port);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

function established(
  socket: SctpSocket,
  where: string,
  signal: AbortSignal | undefined,
  timeoutMs: number,
): Promise<SctpSocket> {
  return new Promise((resolve, reject) => {
    const settle = (error: unknown): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      watched.end();
      if (error === null) return resolve(socket);
      socket.abort();
      reject(error);
    };
    const onAbort = (): void => settle(new TransportError('aborted', `${where}: aborted`, signal?.reason));
    const watched = watch(socket.fd, () => {
      const error = socket.takeError();
      // That an INIT before the one that was answered found nobody is no failure.
      settle(socket.isUp() ? null : error);
    });
    const timer = setTimeout(
      () => settle(new TransportError('timeout', `${where}: not established within ${timeoutMs} ms`)),
      timeoutMs,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    watched.want(WRITABLE);
  });
}

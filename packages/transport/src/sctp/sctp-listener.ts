// SPDX-License-Identifier: Apache-2.0
import { READABLE, watch } from '@vnfpool/platform/readiness';
import { SctpSocket, type SctpTuning } from '@vnfpool/platform/sctp';
import {
  type Connection,
  defaultConnectionsMax,
  type Listener,
  type ListenOptions,
  type TransportCounters,
} from '../stream/stream-transport.ts';
import { transportError } from '../stream/transport-error.ts';
import { resolveHost } from './sctp-connect.ts';

/** Associations accepted in one turn of the loop. */
const ACCEPTED_A_TURN = 64;
const BACKLOG_MAX = 1024;
/** After a failed accept, mostly for want of descriptors. */
const ACCEPT_PAUSE_MS = 100;

/** Makes a connection of an accepted socket, and calls `onReleased` when the socket is closed. */
export type MakeConnection = (socket: SctpSocket, onReleased: () => void) => Connection;

/** Listens at all the addresses, and gives the socket our face. @throws TransportError */
export async function listenSctp(
  options: ListenOptions,
  tuning: SctpTuning,
  counters: TransportCounters,
  make: MakeConnection,
): Promise<Listener> {
  const connectionsMax = options.connectionsMax ?? defaultConnectionsMax;
  const socket = await listening(options, tuning, Math.min(connectionsMax, BACKLOG_MAX));
  const connections = new Set<Connection>();
  let released: (() => void) | null = null;
  const admit = (accepted: SctpSocket): void => {
    if (connections.size >= connectionsMax) {
      counters.droppedAtCap += 1;
      accepted.abort();
      return;
    }
    let connection: Connection | undefined;
    try {
      connection = make(accepted, () => {
        if (connection !== undefined) connections.delete(connection);
        if (connections.size === 0) released?.();
      });
    } catch {
      // Gone before we looked at it.
      counters.handshakeFailed += 1;
      accepted.abort();
      return;
    }
    connections.add(connection);
    counters.accepted += 1;
    options.onConnection(connection);
  };
  let isClosed = false;
  let pause: NodeJS.Timeout | undefined;
  const watched = watch(socket.fd, () => {
    try {
      for (let count = 0; count < ACCEPTED_A_TURN && !isClosed; count += 1) {
        const accepted = socket.accept();
        if (accepted === null) return;
        admit(accepted);
      }
    } catch (error) {
      if (!(error instanceof Error && 'errno' in error)) throw error;
      counters.handshakeFailed += 1;
      watched.want(0);
      pause = setTimeout(() => watched.want(READABLE), ACCEPT_PAUSE_MS);
    }
  });
  watched.want(READABLE);

  const places = socket.localAddresses();
  return {
    address: {
      address: places[0]?.address ?? options.host,
      port: places[0]?.port ?? options.port,
      addresses: places.map(({ address }) => address),
    },
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      clearTimeout(pause);
      watched.end();
      socket.close();
      const over = new Promise<void>((resolve) => {
        released = resolve;
      });
      for (const connection of connections) connection.close('the listener was closed');
      if (connections.size > 0) await over;
    },
  };
}

async function listening(options: ListenOptions, tuning: SctpTuning, backlog: number): Promise<SctpSocket> {
  try {
    const addresses = [...(await resolveHost(options.host)), ...(options.addresses ?? [])];
    const prepare = (socket: SctpSocket): void => {
      socket.bind(addresses, options.port);
      socket.tune(tuning);
      socket.listen(backlog);
    };
    // Listeners that share their port do not notice each other: one that does not share it goes ahead.
    if (options.port !== 0) opened(addresses, false, prepare).close();
    return opened(addresses, true, prepare);
  } catch (error) {
    throw transportError(`listening on ${options.host}:${options.port}`, error);
  }
}

function opened(
  addresses: readonly string[],
  sharesPort: boolean,
  prepare: (socket: SctpSocket) => void,
): SctpSocket {
  const socket = SctpSocket.open(addresses, { sharesPort });
  try {
    prepare(socket);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

// SPDX-License-Identifier: Apache-2.0
import { type AddressInfo, isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Access } from './access.ts';
import type { ManagementBackend } from './backend.ts';
import { type ApiLog, createHttpServer } from './http-server.ts';
import { addPageRoute } from './page-route.ts';
import { addRoutes } from './routes.ts';
import { addStateRoutes } from './state-routes.ts';
import { defaultStreamBounds, type StreamBounds, StreamHub } from './stream.ts';
import { addStreamRoute } from './stream-route.ts';
import { listenOnUnixSocket, removeUnixSocket } from './unix-socket.ts';

export type { ApiLog } from './http-server.ts';

export interface ManagementApiOptions {
  readonly log: ApiLog;
  /** Folder with the built page (`index.html`, `assets/`); absent: `GET /` is 404. */
  readonly pageDirectory?: string;
  /** Names, without port, under which TCP callers may reach this API besides `127.0.0.1`, `[::1]` and `localhost`. */
  readonly hostNames?: readonly string[];
  readonly stream?: Partial<StreamBounds>;
}

export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

export interface ManagementApiCounters {
  readonly streamClients: number;
  /** Cut off because they read too slowly. */
  readonly streamClientsDropped: number;
}

export interface ManagementApi {
  /** Whoever may open the socket (mode 0600: its owner, and root) may do everything. */
  listenUnix(path: string): Promise<void>;
  /** Everything below /v1 needs the token. Port 0: any free one. @returns where it listens */
  listenTcp(host: string, port: number, bearerToken: string): Promise<TcpAddress>;
  counters(): ManagementApiCounters;
  /** Ends streams and connections; resolves when all listeners are gone. */
  close(): Promise<void>;
}

/** A shorter one could be guessed. */
const TOKEN_LENGTH_MIN = 16;
const LOCAL_NAMES = ['127.0.0.1', 'localhost', '[::1]'];

/** The pool manager's face to the service control entity, the command line and the page. */
export function createManagementApi(
  backend: ManagementBackend,
  options: ManagementApiOptions,
): ManagementApi {
  const hub = new StreamHub(backend, { ...defaultStreamBounds, ...options.stream });
  const servers: FastifyInstance[] = [];
  const sockets: string[] = [];

  async function serve(access: Access): Promise<FastifyInstance> {
    const app = createHttpServer(access, options.log);
    addRoutes(app, backend);
    addStateRoutes(app, backend);
    addStreamRoute(app, hub);
    addPageRoute(app, options.pageDirectory);
    await app.ready();
    return app;
  }

  return {
    async listenUnix(path: string): Promise<void> {
      const app = await serve({ kind: 'unix' });
      await listenOnUnixSocket(app.server, path);
      servers.push(app);
      sockets.push(path);
    },

    async listenTcp(host: string, port: number, bearerToken: string): Promise<TcpAddress> {
      if (bearerToken.length < TOKEN_LENGTH_MIN || /\s/.test(bearerToken)) {
        throw new RangeError(
          `the token of the API needs at least ${TOKEN_LENGTH_MIN} characters and no blanks`,
        );
      }
      const names = [...LOCAL_NAMES, ...(options.hostNames ?? []), ...ownName(host)];
      const hostNames = new Set(names.map((name) => name.toLowerCase()));
      const app = await serve({ kind: 'tcp', bearerToken, hostNames });
      await app.listen({ host, port });
      servers.push(app);
      const address = app.server.address() as AddressInfo;
      return { host: address.address, port: address.port };
    },

    counters(): ManagementApiCounters {
      return { streamClients: hub.clients, streamClientsDropped: hub.clientsDropped };
    },

    async close(): Promise<void> {
      hub.close();
      await Promise.all(servers.map(closeServer));
      await Promise.all(sockets.map(removeUnixSocket));
    },
  };
}

/** An address to which we were told to listen is a name of ours; a stranger's page cannot make its name one. */
function ownName(host: string): string[] {
  switch (isIP(host)) {
    case 4:
      return host === '0.0.0.0' ? [] : [host];
    case 6:
      return host === '::' ? [] : [`[${host}]`];
    default:
      return [host];
  }
}

/** A server that was not started by fastify is not stopped by it either. */
async function closeServer(app: FastifyInstance): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    if (app.server.listening) app.server.once('close', () => resolve());
    else resolve();
  });
  await app.close();
  if (app.server.listening) app.server.close();
  app.server.closeAllConnections();
  await closed;
}

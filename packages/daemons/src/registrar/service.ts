// SPDX-License-Identifier: Apache-2.0
import {
  type Authorize,
  type Identity,
  REGISTRAR_DEFAULTS,
  Registrar,
  type RegistrarOptions,
} from '@vnfpool/core/registrar';
import type { StatusReporter } from '@vnfpool/runtime/component-status';
import { type Clock, CoreDriver, systemClock } from '@vnfpool/runtime/driver';
import {
  endpointOfTransport,
  formatEndpoint,
  type ScopeEndpoint,
  transportOfEndpoint,
} from '@vnfpool/runtime/endpoint';
import { exitOnFault } from '@vnfpool/runtime/lifecycle';
import { FloodGuard, type Logger } from '@vnfpool/runtime/logging';
import { Metrics } from '@vnfpool/runtime/metrics';
import { type RegistrarFacts, registrarTables } from '@vnfpool/runtime/mib';
import { systemRandom } from '@vnfpool/runtime/random';
import type { ScopeTransports } from '@vnfpool/runtime/scope-transports';
import { type StatusServer, startStatusServer } from '@vnfpool/runtime/status';
import type { Connection, Listener } from '@vnfpool/transport/stream';
import { Announcements, type AnnounceOptions } from './announcements.ts';
import { Links, type Protocol } from './links.ts';
import { logEvent } from './log-event.ts';
import { type ReportTarget, reportTo } from './reports.ts';
import { dial, listenAt, reachableAt } from './sockets.ts';
import { eventCounter, mirrorTransports } from './telemetry.ts';
import { handlespaceView } from './views.ts';

/** Connections beyond the associations that the core admits: it sees them, and makes room or sends them away. */
const ARRIVING_MAX = 64;

export interface RegistrarServiceOptions {
  /** Names of the operational scope and of this registrar, for people. */
  readonly scope: string;
  readonly description: string;
  readonly core: RegistrarOptions;
  readonly authorize: Authorize;
  readonly identityOf: (connection: Connection) => Identity | null;
  readonly transports: { readonly [P in Protocol]: ScopeTransports };
  /** Where to listen. Without one for ENRP the registrar has no peers. */
  readonly listen: { readonly [P in Protocol]: readonly ScopeEndpoint[] };
  /** Registrars to join by. */
  readonly mentors: readonly ScopeEndpoint[];
  /** Address by which others reach a wildcard endpoint. */
  readonly address?: string;
  readonly announce: AnnounceOptions | null;
  /** Who is told how we are, by UDP, for display. */
  readonly reports?: ReportTarget;
  /** Path of the Unix socket of its views. */
  readonly statusSocket: string;
  readonly logger: Logger;
  readonly clock?: Clock;
}

export interface RegistrarService {
  readonly id: number;
  readonly listening: { readonly [P in Protocol]: readonly ScopeEndpoint[] };
  readonly statusSocket: string;
  stop(): Promise<void>;
}

/**
 * A registrar with its sockets: accepts elements, users and peers, joins its scope, shows its handlespace.
 * @throws TransportError when an endpoint cannot be listened on
 */
export async function startRegistrarService(options: RegistrarServiceOptions): Promise<RegistrarService> {
  const { logger, transports } = options;
  const clock = options.clock ?? systemClock();
  const registrar = new Registrar(options.core, systemRandom(), options.authorize);
  const snapshot = () => registrar.snapshot(clock.nowMs());
  const view = () => handlespaceView(snapshot(), clock.nowMs());
  const metrics = new Metrics({ component: 'registrar', process: true });
  const countEvent = eventCounter(metrics);
  const guard = new FloodGuard(logger);
  const driver = new CoreDriver({
    core: registrar,
    clock,
    effects: {
      send: ({ association, message }) => links.send(association, message),
      'peer-send': ({ association, message }) => links.sendToPeer(association, message),
      connect: ({ attempt, protocol, transport }) => links.connect(attempt, protocol, transport),
      close: ({ association, reason }) => links.close(association, reason),
      announce: ({ message }) => announcements?.announce(message),
      'presence-multicast': ({ message }) => announcements?.tellPresence(message),
      event: (event) => {
        logEvent({ logger, guard }, event);
        countEvent(event);
      },
    },
    onFault: exitOnFault(logger, view),
  });
  const tcp = options.transports.asap.tls !== undefined ? 'tls' : 'tcp';
  const links = new Links({
    guard,
    submit: (input) => driver.submit(input),
    logger,
    identityOf: options.identityOf,
    dial: async (protocol, transport, signal) => {
      const endpoint = endpointOfTransport(transport, tcp);
      const connection = await dial(
        transports[protocol],
        endpoint,
        protocol === 'enrp' ? listening.enrp : [],
        signal,
      );
      return { kind: endpoint.kind, connection };
    },
  });
  mirrorTransports(metrics, transports);
  metrics.mirror({ name: 'registrar_total', help: 'What the registrar did' }, () => ({
    ...snapshot().counters,
  }));
  metrics.gauge({ name: 'associations_count', help: 'Open associations', collect: () => links.count });
  metrics.gauge({
    name: 'elements_count',
    help: 'Elements in the handlespace',
    collect: () => snapshot().pools.reduce((count, pool) => count + pool.elements.length, 0),
  });

  const listeners: Listener[] = [];
  const listening: Record<Protocol, ScopeEndpoint[]> = { asap: [], enrp: [] };
  const startedMs = clock.nowMs();
  const facts = (): RegistrarFacts => ({
    scope: options.scope,
    description: options.description,
    uptimeMs: clock.nowMs() - startedMs,
    enrp: listening.enrp,
    announce: options.announce ?? { asap: null, enrp: null },
  });
  let announcements: Announcements | null = null;
  let status: StatusServer | null = null;
  let reporter: StatusReporter | null = null;
  const stop = async (): Promise<void> => {
    guard.close();
    await reporter?.stop();
    announcements?.close();
    links.stop();
    await Promise.all(listeners.map((listener) => listener.close()));
    driver.stop();
    await status?.close();
  };
  try {
    for (const protocol of ['asap', 'enrp'] as const) {
      for (const endpoint of options.listen[protocol]) {
        const listener = await listenAt(
          transports[protocol],
          endpoint,
          (options.core.associationsMax ?? REGISTRAR_DEFAULTS.associationsMax) + ARRIVING_MAX,
          (link) => links.open(protocol, link),
        );
        listeners.push(listener);
        listening[protocol].push({ ...endpoint, port: listener.address.port });
      }
    }
    if (options.announce !== null) {
      announcements = await Announcements.open(options.announce, (input) => driver.submit(input), logger);
    }
    const path = options.statusSocket;
    status = await startStatusServer(path, {
      '/v1/handlespace': () => ({ json: view() }),
      '/v1/mib': () => ({ json: registrarTables(snapshot(), facts(), clock.nowMs()) }),
      '/metrics': async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
      '/healthz': () => ({ json: { healthy: true } }),
    }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      throw new Error(`another registrar has ${path}: give this one a name or a folder of its own`);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const reachable = (endpoint: ScopeEndpoint) => transportOfEndpoint(reachableAt(endpoint, options.address));
  const [enrp] = listening.enrp;
  if (enrp !== undefined) {
    driver.submit({
      type: 'start',
      server: reachable(enrp),
      asap: listening.asap.map(reachable),
      mentors: options.mentors.map(transportOfEndpoint),
    });
  }
  if (options.reports !== undefined) reporter = reportTo(options.reports, snapshot, logger);
  logger.info(
    {
      asap: listening.asap.map(formatEndpoint),
      enrp: listening.enrp.map(formatEndpoint),
      statusSocket: status.path,
    },
    'serving',
  );
  let stopping: Promise<void> | null = null;
  return {
    id: options.core.registrarId,
    listening,
    statusSocket: status.path,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

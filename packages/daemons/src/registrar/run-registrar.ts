// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { Registrar } from '@vnfpool/core/registrar';
import { asapTls } from '@vnfpool/runtime/asap';
import { type Clock, CoreDriver, systemClock } from '@vnfpool/runtime/driver';
import { announceRegistrar, becomeMember, keepRenewed, type Membership } from '@vnfpool/runtime/join';
import { exitOnFault, pause, retry } from '@vnfpool/runtime/lifecycle';
import { createLogger, type Logger } from '@vnfpool/runtime/logging';
import { Metrics } from '@vnfpool/runtime/metrics';
import { systemRandom } from '@vnfpool/runtime/random';
import { startStatusServer } from '@vnfpool/runtime/status';
import type { Endpoint } from '@vnfpool/transport/stream';
import { Associations } from './associations.ts';
import type { RegistrarConfig } from './config.ts';
import { handlespaceView, logEvent } from './views.ts';

export interface RunningRegistrar {
  /** Where it serves ASAP over TLS. */
  readonly address: Endpoint;
  /** Unix socket of its views: GET /v1/handlespace, /metrics, /healthz. */
  readonly statusSocket: string;
  stop(): Promise<void>;
}

export interface RunRegistrarOptions {
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Wall clock, for certificates; default the system's. */
  readonly wallMs?: () => number;
  /** Gives up joining. */
  readonly signal?: AbortSignal;
}

/**
 * The registrar daemon: joins its set, serves ASAP, tells the manager where it is.
 * @throws JoinError, TransportError
 */
export async function runRegistrar(
  config: RegistrarConfig,
  options: RunRegistrarOptions = {},
): Promise<RunningRegistrar> {
  const clock = options.clock ?? systemClock();
  const random = systemRandom();
  const logger = (
    options.logger ??
    createLogger({
      component: 'registrar',
      level: config.log.level,
      ...(config.log.file === undefined ? {} : { to: config.log.file }),
    })
  ).child({ registrar: config.name });
  const ending = new AbortController();
  options.signal?.addEventListener('abort', () => ending.abort(options.signal?.reason), { once: true });
  mkdirSync(config.folder, { recursive: true, mode: 0o700 });

  const membership = {
    folder: config.folder,
    role: 'registrar',
    name: config.name,
    addresses: ownAddresses(config),
    signal: ending.signal,
    nowMs: options.wallMs ?? Date.now,
    onRetry: ({ what, error, waitMs }: { what: string; error: unknown; waitMs: number }) =>
      logger.warn({ what, err: error, waitMs }, 'the manager does not answer'),
    ...(config.token === undefined ? {} : { token: config.token }),
  } as const;
  const member = await becomeMember(membership);
  const { domain } = member.identity;
  logger.info({ domain, fresh: member.fresh }, 'member of the set');

  const registrar = new Registrar(
    {
      registrarId: drawIdentifier(() => random.u32()),
      lifeUnit: config.lifeUnit,
      keepAlivePeriodMs: config.keepAlive.periodMs,
      keepAliveTimeoutMs: config.keepAlive.timeoutMs,
      associationGraceMs: config.associationGraceMs,
      associationsMax: config.associationsMax,
    },
    random,
    // Who may register at all is decided by role, see `Associations`; a member's agent may register any address.
    () => true,
  );
  const metrics = new Metrics({ component: 'registrar', process: true });
  const eventCounter = metrics.counter({
    name: 'registrar_events_total',
    help: 'What happened to elements, by event and reason',
    labels: ['event', 'reason'],
  });
  const driver = new CoreDriver({
    core: registrar,
    clock,
    effects: {
      send: ({ association, message }) => associations.send(association, message),
      close: ({ association, reason }) => associations.close(association, reason),
      event: (event) => {
        logEvent(logger, event);
        // The reasons of reports and peer errors are the peers' words: no label.
        const words = event.event === 'element-reported' || event.event === 'peer-error';
        eventCounter.inc({ event: event.event, reason: words ? '' : event.reason });
      },
    },
    onFault: exitOnFault(logger, () => handlespaceView(registrar.snapshot(clock.nowMs()))),
  });
  const associations = new Associations({ submit: (input) => driver.submit(input), domain, logger });
  const transport = asapTls({
    credentials: member.credentials,
    domain,
    onHandshakeFailure: ({ address, reason }) => logger.warn({ address, reason }, 'peer refused'),
  });
  const snapshot = () => registrar.snapshot(clock.nowMs());
  metrics.mirror({ name: 'transport_total', help: 'What the transport did' }, () => ({
    ...transport.counters,
  }));
  metrics.mirror({ name: 'registrar_total', help: 'What the registrar did' }, () => ({
    ...snapshot().counters,
  }));
  metrics.gauge({ name: 'associations_count', help: 'Open associations', collect: () => associations.count });
  metrics.gauge({
    name: 'elements_count',
    help: 'Elements in the handlespace',
    collect: () => snapshot().pools.reduce((count, pool) => count + pool.elements.length, 0),
  });

  const listener = await transport.listen({
    ...config.listen,
    connectionsMax: config.associationsMax,
    onConnection: (connection) => associations.open(connection),
  });
  const status = await startStatusServer(join(config.folder, 'registrar.sock'), {
    '/v1/handlespace': () => ({ json: handlespaceView(snapshot()) }),
    '/metrics': async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
    '/healthz': () => ({ json: { healthy: true } }),
  }).catch(async (error: unknown) => {
    await listener.close();
    driver.stop();
    throw error;
  });
  logger.info({ ...listener.address, statusSocket: status.path }, 'serving');

  let credentials = member.credentials;
  const background = Promise.allSettled([
    keepRenewed(member, {
      ...membership,
      onRenewed: (renewed) => {
        credentials = renewed;
        transport.renew(renewed);
        logger.info('certificate renewed');
      },
    }).catch((error: unknown) =>
      endUnlessStopped(ending.signal, logger, error, 'the certificate will run out'),
    ),
    announce(config, member, () => credentials, listener.address, ending.signal, logger),
  ]);

  let stopping: Promise<void> | null = null;
  return {
    address: listener.address,
    statusSocket: status.path,
    stop: () => {
      stopping ??= (async () => {
        ending.abort(new Error('the registrar is stopped'));
        await background;
        await listener.close();
        driver.stop();
        await status.close();
        logger.info('stopped');
      })();
      return stopping;
    },
  };
}

/** Tells the manager where we serve, now and at times, so that a manager that forgot learns it again. */
async function announce(
  config: RegistrarConfig,
  member: Membership,
  credentials: () => Membership['credentials'],
  listening: Endpoint,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  const address = config.address ?? (isWildcard(listening.address) ? null : listening.address);
  if (address === null) {
    logger.warn('no address is known to announce: set `address`');
    return;
  }
  const at = { address, port: listening.port };
  try {
    for (let first = true; ; first = false) {
      await retry(() => announceRegistrar(member.manager, credentials(), at, signal), {
        signal,
        onFailure: ({ error, waitMs }) => logger.warn({ err: error, waitMs }, 'not announced to the manager'),
      });
      if (first) logger.info(at, 'announced to the manager');
      await pause(config.announceEveryMs, signal);
    }
  } catch (error) {
    endUnlessStopped(signal, logger, error, 'announcing ended');
  }
}

function endUnlessStopped(signal: AbortSignal, logger: Logger, error: unknown, message: string): void {
  if (!signal.aborted) logger.error({ err: error }, message);
}

/** What our certificate shall name. */
function ownAddresses(config: RegistrarConfig): string[] {
  const candidates = [config.address, config.listen.host].filter((each) => each !== undefined);
  return [...new Set(candidates)].filter((each) => isIP(each) !== 0 && !isWildcard(each));
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** Random, not 0. */
function drawIdentifier(u32: () => number): number {
  for (;;) {
    const id = u32();
    if (id !== 0) return id;
  }
}

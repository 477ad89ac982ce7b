// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Identity } from '@vnfpool/core/registrar';
import { asapTls } from '@vnfpool/runtime/asap';
import { parseIdentity } from '@vnfpool/runtime/certificates';
import { type Clock, systemClock } from '@vnfpool/runtime/driver';
import { parseEndpoint } from '@vnfpool/runtime/endpoint';
import { enrpTls } from '@vnfpool/runtime/enrp';
import { announceRegistrar, becomeMember, keepRenewed, type Membership } from '@vnfpool/runtime/join';
import { pause, retry } from '@vnfpool/runtime/lifecycle';
import { createLogger, FloodGuard, type Logger } from '@vnfpool/runtime/logging';
import { systemRandom } from '@vnfpool/runtime/random';
import { REGISTRAR_SOCKET } from '@vnfpool/runtime/runtime-folder';
import type { Connection, Endpoint } from '@vnfpool/transport/stream';
import type { RegistrarConfig } from './config.ts';
import { drawIdentifier } from './identifier.ts';
import { startRegistrarService } from './service.ts';
import { isWildcard } from './sockets.ts';

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

  const refusals = new FloodGuard(logger);
  const report = ({ address, reason }: { address: string; reason: string }): void =>
    refusals.warn('handshake', { address, reason }, 'peer refused');
  const trust = { credentials: member.credentials, domain, onHandshakeFailure: report };
  const asap = asapTls(trust);
  const enrp = enrpTls(trust);
  const { host, port } = config.listen;
  const service = await startRegistrarService({
    scope: domain,
    description: config.name,
    core: {
      registrarId: drawIdentifier(() => random.u32()),
      lifeUnit: config.lifeUnit,
      keepAlivePeriodMs: config.keepAlive.periodMs,
      keepAliveTimeoutMs: config.keepAlive.timeoutMs,
      associationGraceMs: config.associationGraceMs,
      associationsMax: config.associationsMax,
      ...config.tuning,
    },
    // Who may register at all is decided by role, see `memberIdentity`; a member's agent may register any address.
    authorize: () => true,
    identityOf: (connection) => memberIdentity(connection, domain),
    transports: { asap: { tls: asap }, enrp: { tls: enrp } },
    listen: {
      asap: [{ kind: 'tls', addresses: [host], port }],
      enrp: config.enrp.map((text) => parseEndpoint(text, 'enrp')),
    },
    mentors: config.peers.map((text) => parseEndpoint(text, 'enrp')),
    ...(config.address === undefined ? {} : { address: config.address }),
    announce: null,
    statusSocket: join(config.folder, REGISTRAR_SOCKET),
    logger,
    clock,
  });
  const [listening = { addresses: [host], port }] = service.listening.asap;
  const address = { address: listening.addresses[0] ?? host, port: listening.port };

  let credentials = member.credentials;
  const background = Promise.allSettled([
    keepRenewed(member, {
      ...membership,
      onRenewed: (renewed) => {
        credentials = renewed;
        asap.renew(renewed);
        enrp.renew(renewed);
        logger.info('certificate renewed');
      },
    }).catch((error: unknown) =>
      endUnlessStopped(ending.signal, logger, error, 'the certificate will run out'),
    ),
    announce(config, member, () => credentials, address, ending.signal, logger),
  ]);

  let stopping: Promise<void> | null = null;
  return {
    address,
    statusSocket: service.statusSocket,
    stop: () => {
      stopping ??= (async () => {
        ending.abort(new Error('the registrar is stopped'));
        await background;
        await service.stop();
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

/** A member's role and name, as its certificate says. */
function memberIdentity(connection: Connection, domain: string): Identity | null {
  const certificate = connection.peer.identity;
  if (certificate === null) return null;
  const { role, name } = parseIdentity(certificate, domain);
  return { role, name, mayRegister: role === 'node' || role === 'element' || role === 'manager' };
}

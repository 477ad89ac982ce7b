// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { nodeId } from '@vnfpool/core';
import {
  ManagerCore,
  type ManagerCoreInput,
  type ManagerCoreOutput,
  numbersWrite,
  ROWS_MAX,
  restoreNumbers,
  restoreState,
} from '@vnfpool/core/manager';
import {
  MobilityManager,
  type MobilityManagerInput,
  type MobilityManagerOutput,
} from '@vnfpool/core/mobility';
import { distPath } from '@vnfpool/dashboard/dist-path';
import { Authority } from '@vnfpool/runtime/authority';
import {
  createPrivateKeyPem,
  createRequestPem,
  parseIdentity,
  renewAtMs,
} from '@vnfpool/runtime/certificates';
import { CoreDriver, systemClock } from '@vnfpool/runtime/driver';
import { formatToken } from '@vnfpool/runtime/join';
import { type JoinEvent, startJoinServer } from '@vnfpool/runtime/join-server';
import { exitOnFault } from '@vnfpool/runtime/lifecycle';
import type { Logger } from '@vnfpool/runtime/logging';
import { Metrics } from '@vnfpool/runtime/metrics';
import { systemRandom } from '@vnfpool/runtime/random';
import { StoreFullError } from '@vnfpool/store';
import { type TlsCredentials, TlsTransport } from '@vnfpool/transport/tls';
import { createManagementApi } from '../management-api/index.ts';
import { mobilityRule } from '../mobility-frames.ts';
import { ManagerBackend } from './backend.ts';
import type { ManagerConfig } from './config.ts';
import { lead } from './leadership.ts';
import { StoreLedger } from './ledger.ts';
import { NodeConnections } from './node-connections.ts';
import { PoolRegistration } from './pool-registration.ts';
import { exportMerged, exportSharing } from './sharing-metrics.ts';

export interface RunningManager {
  readonly facts: { readonly port: number; readonly joinPort: number; readonly apiSocket: string };
  stop(): Promise<void>;
}

/** Looks so often whether its own certificate is due; it issues the next one itself. */
const CERTIFICATE_CHECK_MS = 60_000;

/**
 * Runs a pool manager; as a standby, once it leads.
 *
 * @throws PlatformError `LOCKED` when another one leads on the same folder and this is no standby; StoreError;
 *   AuthorityError
 */
export async function runManager(config: ManagerConfig, logger: Logger): Promise<RunningManager> {
  mkdirSync(config.state, { recursive: true, mode: 0o700 });
  mkdirSync(dirname(config.apiSocket), { recursive: true, mode: 0o700 });
  const leadership = await lead({
    folder: config.state,
    standby: config.standby ?? null,
    store: { rowsMax: ROWS_MAX },
    logger,
    onSuperseded: (error) => {
      logger.fatal({ err: error }, 'another manager leads');
      process.exit(1);
    },
  });
  const { store, term } = leadership;
  const restored = await restoreState((table) => store.list(table));
  const plainNumbers = restoreNumbers(await store.list('numbers'));
  const authority = await Authority.open(`${config.state}/authority`, config.set, Date.now());
  const credentials = await ownCredentials(authority, config.listen);
  const random = systemRandom();
  const clock = systemClock();
  const onFault = exitOnFault(logger);
  const wallMs = (nowMs: number): number => performance.timeOrigin + nowMs;

  const core = new ManagerCore({ random, wallMs, mode: config.mode }, restored);
  const metrics = new Metrics({ component: 'manager', process: true });
  const refusals = metrics.counter({
    name: 'refusals_total',
    help: 'Who was refused, by place and reason',
    labels: ['place', 'reason'],
  });
  exportSharing(metrics, () => core.views(clock.nowMs()).slots);
  exportMerged(metrics, () => core.views(clock.nowMs()).pools);
  const ledger = new StoreLedger(store, ({ nodeId: id, name }) => {
    manager.submit({ type: 'joined', node: nodeId(id), name, certificateSerial: '' });
  });
  const endpoint = new MobilityManager({ random, instance: random.u64(), term, plainNumbers });
  const backend = new ManagerBackend({
    core,
    submit: (input) => manager.submit(input),
    nowMs: () => clock.nowMs(),
    heardMs: (id) => endpoint.lastHeardMs(nodeId(id)),
    createToken: async ({ role, name, ttlMs }) => {
      const drawn = await ledger.create(role, name, ttlMs);
      return formatToken({
        address: config.listen,
        port: joinServer.port,
        caFingerprint: authority.fingerprint,
        ...drawn,
      });
    },
    tokens: () => ledger.list(),
    metrics: () => metrics.text(),
  });

  const manager: CoreDriver<ManagerCoreInput, ManagerCoreOutput> = new CoreDriver<
    ManagerCoreInput,
    ManagerCoreOutput
  >({
    core,
    clock,
    onFault,
    effects: {
      mobility: ({ input, reason }) => {
        // How far a task is gets asked many times a second.
        if (input.type === 'state-order') {
          const { slot, task, from, stop } = input.order;
          logger.debug({ node: input.node, slot, task, from, stop, reason }, 'order');
        } else
          logger.info({ order: input.type, node: input.node, functionId: input.functionId, reason }, 'order');
        mobility.submit(input);
      },
      // The core waits for the answer itself: what follows need not.
      persist: ({ id, writes }) => {
        store.write(writes).then(
          () => manager.submit({ type: 'persisted', id }),
          (error: Error) => {
            logger.error({ err: error }, 'the store did not take it');
            manager.submit({
              type: 'persist-failed',
              id,
              full: error instanceof StoreFullError,
              reason: error.message,
            });
          },
        );
      },
      event: (output) => {
        const { severity, type, subject, message } = output.event;
        logger[severity === 'warning' ? 'warn' : severity]({ event: type, subject }, message);
        backend.effects.event(output);
      },
      reply: (output) => backend.effects.reply(output),
      changed: () => backend.effects.changed(),
    },
  });
  const tell = (
    output: Exclude<MobilityManagerOutput, { type: 'send' | 'close' | 'reserve-numbers' }>,
  ): void => {
    manager.submit(output);
  };
  const mobility: CoreDriver<MobilityManagerInput, MobilityManagerOutput> = new CoreDriver<
    MobilityManagerInput,
    MobilityManagerOutput
  >({
    core: endpoint,
    clock,
    onFault,
    effects: {
      send: (output) => connections.send(output),
      close: (output) => connections.close(output),
      // Without the row the manager goes on: only after its restart could the node take an order for an old one.
      'reserve-numbers': (output) =>
        store.write([numbersWrite(output)]).catch((error: Error) => {
          logger.error({ err: error, node: output.node }, 'numbers of a plain node are not kept');
        }),
      'node-registered': tell,
      'node-functions': tell,
      'node-suspect': tell,
      'node-lost': tell,
      'node-back': tell,
      'node-left': tell,
      'node-moved': tell,
      'node-information': tell,
      'function-status': tell,
      'slot-report': tell,
      'operation-result': tell,
      event: (output) => {
        const { event, node, reason } = output;
        logger.warn({ event, node, reason }, 'service mobility');
        refusals.inc({ place: 'mobility', reason: event });
        // It may have said that another manager leads.
        if (event === 'peer-error') leadership.confirm();
        tell(output);
      },
    },
  });

  const connections = new NodeConnections(config.set, (input) => mobility.submit(input), logger);
  const transport = new TlsTransport({
    rule: mobilityRule,
    credentials,
    multipath: config.multipath ?? false,
    judgePeer: (names) => {
      const { role } = parseIdentity(names, config.set);
      return role === 'node' ? null : `a ${role} is no node`;
    },
    onHandshakeFailure: ({ address, reason }) => {
      logger.warn({ address, reason }, 'peer refused');
      refusals.inc({ place: 'mobility', reason: 'certificate' });
    },
  });
  const listener = await transport.listen({
    host: config.listen,
    port: config.port,
    onConnection: (connection) => connections.open(connection),
  });
  let current = credentials;
  const registration = new PoolRegistration({
    credentials: () => current,
    address: config.listen,
    port: listener.address.port,
    term,
    logger: logger.child({ part: 'registration' }),
  });
  for (const registrar of restored.registrars) registration.useRegistrar(registrar);
  const joinServer = await startJoinServer({
    host: config.listen,
    port: config.joinPort,
    authority,
    ledger,
    credentials,
    describeSet: () => ({ set: config.set, mobilityPort: listener.address.port }),
    onEvent: (event) => {
      logJoin(logger, event);
      if (event.type === 'registrar') {
        manager.submit({ type: 'registrar', ...event.at });
        registration.useRegistrar(event.at);
      }
      if (event.type === 'refused') refusals.inc({ place: 'join', reason: event.reason });
    },
  });
  const api = createManagementApi(backend, { log: logger, pageDirectory: distPath });
  await api.listenUnix(config.apiSocket);

  const renewing = setInterval(() => {
    if (Date.now() < renewAtMs(current.certificate)) return;
    ownCredentials(authority, config.listen).then(
      (renewed) => {
        current = renewed;
        transport.renew(renewed);
        joinServer.renew(renewed);
        registration.renewed();
        logger.info('certificate renewed');
      },
      (error: unknown) => logger.error({ err: error }, 'the certificate could not be renewed'),
    );
  }, CERTIFICATE_CHECK_MS);
  logger.info({ term: String(term), port: listener.address.port, joinPort: joinServer.port }, 'serving');

  return {
    facts: { port: listener.address.port, joinPort: joinServer.port, apiSocket: config.apiSocket },
    stop: async () => {
      clearInterval(renewing);
      await api.close();
      await registration.close();
      await joinServer.close();
      await listener.close();
      mobility.stop();
      await manager.idle();
      manager.stop();
      await leadership.close();
    },
  };
}

/** A new key each time: nobody but us has to know it. */
async function ownCredentials(authority: Authority, address: string): Promise<TlsCredentials> {
  const key = createPrivateKeyPem();
  const identity = { role: 'manager', name: 'manager' } as const;
  const order = { identity, addresses: [address] };
  const certificate = await authority.issue(createRequestPem(key, 'manager'), order, Date.now());
  return { key, certificate, ca: authority.certificatePem };
}

function logJoin(logger: Logger, event: JoinEvent): void {
  switch (event.type) {
    case 'joined':
    case 'renewed':
      logger.info({ who: event.identity, address: event.address }, event.type);
      return;
    case 'registrar':
      logger.debug({ who: event.identity, at: event.at }, 'registrar');
      return;
    case 'refused':
      logger.warn({ path: event.path, address: event.address, reason: event.reason }, event.message);
      return;
    case 'failed':
      logger.error({ err: event.error, path: event.path }, 'join port');
      return;
  }
}

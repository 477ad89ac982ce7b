// SPDX-License-Identifier: Apache-2.0
import {
  type MovableSessions,
  type MovableState,
  StatefulFunction,
  type StatefulFunctionOptions,
} from '@vnfpool/client/stateful';
import { pause } from '@vnfpool/runtime/lifecycle';
import type { Logger } from '@vnfpool/runtime/logging';
import { FUNCTION_SOCKET_VARIABLE } from '@vnfpool/wire/function-socket';
import type { RelayConfig, RelayService, RelayStatus } from './config.ts';
import { TcpService } from './tcp-service.ts';
import { TcpState } from './tcp-state.ts';
import { UdpService } from './udp-service.ts';
import { UdpSessions } from './udp-sessions.ts';
import { UdpState } from './udp-state.ts';

export interface RunningRelay {
  /** Settles when it listens for the first time, or is not meant to by now. */
  readonly listening: Promise<void>;
  /** Settles when it was stopped, or its agent refused it. */
  readonly ended: Promise<void>;
  status(): RelayStatus;
  stop(): Promise<void>;
}

/** How often the agent hears how we are. */
const HEALTH_MS = 500;
/** How often it is looked at whether it listens by now. */
const LOOK_MS = 10;

/** What differs between protocols. */
interface Parts {
  readonly service: RelayService;
  readonly state: MovableState;
  readonly sessions: MovableSessions | null;
  readonly takeOver: () => void;
  readonly quiesce: () => void;
  readonly resume: () => void;
}

/**
 * A relay: alone, and active, or a function of a node agent (`VNFPOOL_SOCKET` in `environment`), which tells its role and
 * moves its state.
 * @throws what sockets say: `EADDRNOTAVAIL` for the address of forwarded packets; PoolError when the agent refuses
 */
export async function runRelay(
  config: RelayConfig,
  logger: Logger,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<RunningRelay> {
  const { service, state, sessions, takeOver, quiesce, resume } =
    config.protocol === 'udp' ? await udpParts(config) : tcpParts(config);
  const closing = new AbortController();
  const path = environment[FUNCTION_SOCKET_VARIABLE];
  let over: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    over = resolve;
  });
  const options: StatefulFunctionOptions = {
    state,
    ...(sessions === null ? {} : { sessions }),
    ...(path === undefined ? {} : { path }),
    onRole: (role, epoch) => {
      logger.info({ role, epoch }, 'role');
      takeOver();
      if (role === 'active') service.listen();
      else service.unlisten();
    },
    onQuiesce: quiesce,
    onResume: resume,
    // One that is only gone may be starting anew; what we serve we go on serving.
    onEnd: (error) => {
      if (!closing.signal.aborted) logger.error({ reason: error.message }, 'the agent refuses us');
      over();
    },
  };
  let made: StatefulFunction;
  try {
    made = await StatefulFunction.start(options);
  } catch (error) {
    service.close();
    throw error;
  }
  const health = setInterval(() => {
    const { trouble } = service;
    made.tellHealth(trouble === null, trouble ?? '');
  }, HEALTH_MS);
  return {
    ended,
    listening: settled(() => service.trouble === null, closing.signal),
    status: () => service.status(made.role),
    stop: async () => {
      closing.abort(new Error('stopped'));
      clearInterval(health);
      made.close();
      service.close();
    },
  };
}

async function udpParts(config: RelayConfig): Promise<Parts> {
  const service = await UdpService.open(config);
  const state = new UdpState(service);
  return {
    service,
    state,
    sessions: new UdpSessions(service),
    takeOver: () => state.takeOver(),
    quiesce: () => service.relay.quiesce(),
    resume: () => service.run((now) => service.relay.resume(now)),
  };
}

function tcpParts(config: RelayConfig): Parts {
  const service = new TcpService(config);
  return {
    service,
    state: new TcpState(service, config.cutConnections),
    sessions: null,
    takeOver: () => undefined,
    quiesce: () => service.quiesce(),
    resume: () => service.resume(),
  };
}

async function settled(isSo: () => boolean, signal: AbortSignal): Promise<void> {
  while (!isSo() && !signal.aborted) await pause(LOOK_MS, signal).catch(() => undefined);
}

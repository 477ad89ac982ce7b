// SPDX-License-Identifier: Apache-2.0
import { type MovableSessions, type MovableState, StatefulFunction } from '@vnfpool/client/stateful';
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
  status(): RelayStatus;
  stop(): Promise<void>;
}

/** How often the agent hears how we are. */
const HEALTH_MS = 500;
/** How often it is looked at whether it listens by now. */
const LOOK_MS = 10;
/** Until the next attempt to find an agent that went away. */
const AGENT_AGAIN_MS = 500;

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
  let made: StatefulFunction | null = null;

  const connect = async (): Promise<StatefulFunction> =>
    await StatefulFunction.start({
      state,
      ...(sessions === null ? {} : { sessions }),
      ...(path === undefined ? {} : { path }),
      signal: closing.signal,
      onRole: (role, epoch) => {
        logger.info({ role, epoch }, 'role');
        takeOver();
        if (role === 'active') service.listen();
        else service.unlisten();
      },
      onQuiesce: quiesce,
      onResume: resume,
      onEnd: (error) => {
        if (closing.signal.aborted) return;
        logger.warn({ reason: error.message }, 'the agent is gone; going on without');
        void findAgain();
      },
    });
  // What we serve we go on serving: the agent may only be starting anew. Its node's fence holds whoever must not.
  const findAgain = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await pause(AGENT_AGAIN_MS, closing.signal).catch(() => undefined);
      try {
        made = await connect();
        return;
      } catch (error) {
        logger.debug({ reason: (error as Error).message }, 'no agent yet');
      }
    }
  };

  try {
    made = await connect();
  } catch (error) {
    service.close();
    throw error;
  }
  const health = setInterval(() => {
    const { trouble } = service;
    made?.tellHealth(trouble === null, trouble ?? '');
  }, HEALTH_MS);
  return {
    listening: settled(() => service.trouble === null, closing.signal),
    status: () => service.status(made?.role ?? null),
    stop: async () => {
      closing.abort(new Error('stopped'));
      clearInterval(health);
      made?.close();
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

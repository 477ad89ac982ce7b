// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs';
import { PoolUser } from '@vnfpool/client';
import { becomeMember, keepRenewed } from '@vnfpool/runtime/join';
import type { Logger } from '@vnfpool/runtime/logging';
import { Reporter } from './reporter.ts';
import { runTraffic, type TargetChoice } from './traffic.ts';

export interface TrafficConfig {
  readonly state: string;
  readonly listen: string;
  readonly name: string;
  readonly pool: string;
  /** Null: through the registrar. */
  readonly url: string | null;
  readonly path: string;
  readonly everyMs: number;
  readonly deadlineMs: number;
  readonly apiSocket: string;
  readonly registrars: readonly { readonly host: string; readonly port: number }[];
  readonly join: string | null;
}

/** Starts a traffic source; it runs until it is stopped. */
export async function startTraffic(
  config: TrafficConfig,
  logger: Logger,
): Promise<{ stop(): Promise<void> }> {
  mkdirSync(config.state, { recursive: true, mode: 0o700 });
  const ending = new AbortController();
  const { choice, path, close } =
    config.url === null ? await throughRegistrar(config, logger, ending.signal) : byUrl(config.url);
  const running = runTraffic({
    source: config.name,
    pool: config.pool,
    path,
    everyMs: config.everyMs,
    deadlineMs: config.deadlineMs,
    choice,
    reporter: new Reporter(config.apiSocket),
    signal: ending.signal,
  });
  return {
    stop: async () => {
      ending.abort();
      await running;
      close();
    },
  };
}

interface Chosen {
  readonly choice: TargetChoice;
  readonly path: string;
  readonly close: () => void;
}

/** @throws TypeError when it is no HTTP URL */
function byUrl(text: string): Chosen {
  const url = new URL(text);
  if (url.protocol !== 'http:') throw new TypeError(`${text} is not an http: URL`);
  const target = { address: url.hostname, port: Number(url.port || 80) };
  return {
    choice: { description: text, next: async () => target },
    path: url.pathname + url.search,
    close: () => {},
  };
}

/** A pool user's way: resolve (from the cache while fresh), choose by policy, report who does not answer. */
async function throughRegistrar(config: TrafficConfig, logger: Logger, signal: AbortSignal): Promise<Chosen> {
  const membership = {
    folder: config.state,
    role: 'user',
    name: config.name,
    addresses: [config.listen],
    signal,
    onRetry: ({ what, error }: { what: string; error: unknown }) =>
      logger.warn({ what, reason: (error as Error).message }, 'the manager does not answer'),
    ...(config.join === null ? {} : { token: config.join }),
  } as const;
  const member = await becomeMember(membership);
  const user = new PoolUser({
    registrars: config.registrars,
    credentials: member.credentials,
    // Fresh, or the news of a failover waits for the cache.
    tuning: { attemptsAtOnce: 1, staleMs: 500, requestTimeoutMs: 1_000 },
    onTrouble: ({ registrar, reason }) => logger.warn({ registrar, reason }, 'registrar'),
  });
  keepRenewed(member, {
    ...membership,
    onRenewed: (credentials) => user.renew(credentials),
  }).catch((error: unknown) => {
    if (!signal.aborted) logger.error({ err: error }, 'the certificate will run out');
  });
  const choice: TargetChoice = {
    description: `pool ${config.pool} through the registrar`,
    next: async () => {
      const { element } = await user.resolve(config.pool, { signal, timeoutMs: config.deadlineMs });
      const { userTransport, id } = element;
      if (userTransport.type !== 'tcp') return null;
      return {
        address: userTransport.address,
        port: userTransport.port,
        failed: () => user.reportUnreachable(config.pool, id),
      };
    },
  };
  return { choice, path: config.path, close: () => user.close() };
}

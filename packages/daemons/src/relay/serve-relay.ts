// SPDX-License-Identifier: Apache-2.0
import type { Logger } from '@vnfpool/runtime/logging';
import type { Metrics } from '@vnfpool/runtime/metrics';
import type { RelayConfig, RelayStatus } from './config.ts';
import { runRelay } from './run-relay.ts';

/** A relay as a process of its own: what `serve` of the daemons wants. */
export async function serveRelay(
  config: RelayConfig,
  statusPath: string | null,
  logger: Logger,
): Promise<{
  readonly facts: Readonly<Record<string, unknown>>;
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}> {
  const relay = await runRelay(config, logger);
  const server = statusPath === null ? null : await startStatus(statusPath, () => relay.status());
  let isStopping = false;
  void relay.ended.then(() => {
    // Nobody tells us what to be: the agent ends us, or starts another one.
    if (!isStopping) process.exit(1);
  });
  const facts: Record<string, unknown> = { protocol: config.protocol };
  return {
    facts,
    ready: relay.listening.then(() => {
      const { listen, forward, role } = relay.status();
      Object.assign(facts, { listen, forward, role });
    }),
    stop: async () => {
      isStopping = true;
      await server?.close();
      await relay.stop();
    },
  };
}

/** Loaded when it is wanted: an agent waits for the start of a function. */
async function startStatus(path: string, read: () => RelayStatus): Promise<{ close(): Promise<void> }> {
  const [{ Metrics }, { startStatusServer }] = await Promise.all([
    import('@vnfpool/runtime/metrics'),
    import('@vnfpool/runtime/status'),
  ]);
  const metrics = new Metrics({ component: 'relay' });
  describeMetrics(metrics, read);
  return await startStatusServer(path, {
    '/status': () => ({ json: read() }),
    '/metrics': async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
  });
}

function describeMetrics(metrics: Metrics, read: () => RelayStatus): void {
  metrics.gauge({
    name: 'relay_sessions_count',
    help: 'Sessions that are served here',
    collect: () => read().sessions.served,
  });
  metrics.gauge({
    name: 'relay_sessions_elsewhere_count',
    help: 'Sessions whose clients come here and that another relay serves',
    collect: () => read().sessions.elsewhere,
  });
  metrics.mirror({ name: 'relay_events_total', help: 'What a relay counts, by kind' }, () => read().counters);
}

// SPDX-License-Identifier: Apache-2.0
import { onShutdown, watchParent } from '@vnfpool/runtime/lifecycle';
import { createLogger, type Logger } from '@vnfpool/runtime/logging';

/** What a daemon says of itself when it serves. */
export interface Serving {
  /** Printed with `ready`, for whoever started it: where it listens. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** When it serves, if not at once. */
  readonly ready?: Promise<void>;
  stop(): Promise<void>;
}

/**
 * The life of a daemon as a process: log to standard error, one line `{"ready":true,…}` on standard output when
 * it serves, drained at SIGTERM, SIGINT or the end of its parent. Resolves when it serves, and leaves the
 * process running; a start that fails is logged and sets exit code 1.
 */
export async function serve(component: string, start: (logger: Logger) => Promise<Serving>): Promise<void> {
  const logger = createLogger({ component });
  let serving: Serving | null = null;
  const shutdown = onShutdown({ logger, drain: async () => await serving?.stop() });
  watchParent(() => shutdown.begin('the parent is gone'));
  try {
    serving = await start(logger);
  } catch (error) {
    logger.fatal({ err: error }, 'could not start');
    process.stderr.write(`vnfpool ${component}: ${(error as Error).message}\n`);
    process.exit(1);
  }
  await serving.ready;
  // Who started us may not be listening any more.
  process.stdout.on('error', () => {});
  process.stdout.write(`${JSON.stringify({ ready: true, ...serving.facts })}\n`);
}

// SPDX-License-Identifier: Apache-2.0
import { onShutdown, watchParent } from '@vnfpool/runtime/lifecycle';
import { createLogger, type Logger } from '@vnfpool/runtime/logging';

type Facts = Readonly<Record<string, unknown>>;

/** What a daemon says of itself when it serves. */
export interface Serving {
  /** Printed with `ready`, for whoever started it: where it listens. A function is asked when that is printed. */
  readonly facts: Facts | (() => Facts);
  /** When it serves, if not at once. */
  readonly ready?: Promise<void>;
  stop(): Promise<void>;
  /** In place of `stop` at SIGUSR2: what it runs goes on, and its next start comes back to it. */
  leave?(): Promise<void>;
}

/** Time for a start that is to be ended again. */
const START_MS = 3_000;

/**
 * The life of a daemon as a process: log to standard error, one line `{"ready":true,…}` on standard output when
 * it serves, drained at SIGTERM, SIGINT or the end of its parent, or left at SIGUSR2. Resolves when it serves, and leaves the
 * process running; a start that fails is logged and sets exit code 1.
 */
export async function serve(component: string, start: (logger: Logger) => Promise<Serving>): Promise<void> {
  const logger = createLogger({ component });
  let isLeft = false;
  const starting = start(logger);
  const shutdown = onShutdown({
    logger,
    drain: async () => {
      // Half a start may have taken over what only a whole one can end.
      const soon = new Promise<null>((resolve) => setTimeout(() => resolve(null), START_MS).unref());
      const begun = await Promise.race([starting.catch(() => null), soon]);
      await (isLeft && begun?.leave ? begun.leave() : begun?.stop());
    },
  });
  const leave = (): void => {
    isLeft = true;
    shutdown.begin('SIGUSR2: what runs stays');
  };
  process.on('SIGUSR2', leave);
  watchParent(() => shutdown.begin('the parent is gone'));
  let serving: Serving;
  try {
    serving = await starting;
  } catch (error) {
    logger.fatal({ err: error }, 'could not start');
    process.stderr.write(`vnfpool ${component}: ${(error as Error).message}\n`);
    process.exit(1);
  }
  if (!serving.leave) process.off('SIGUSR2', leave);
  await serving.ready;
  // Who started us may not be listening any more.
  process.stdout.on('error', () => {});
  const facts = typeof serving.facts === 'function' ? serving.facts() : serving.facts;
  process.stdout.write(`${JSON.stringify({ ready: true, ...facts })}\n`);
}

// SPDX-License-Identifier: Apache-2.0
import type { Logger } from '../logging/logger.ts';

export interface ShutdownOptions {
  readonly logger: Logger;
  /** Deregisters, sends what is queued, closes. */
  readonly drain: () => Promise<void>;
  /** Longest time for draining. Default 10 s. */
  readonly boundMs?: number;
  /** Default `process.exit`. */
  readonly exit?: (code: number) => void;
}

/** Why a daemon ends. */
export interface Shutdown {
  /** Drains and exits: with 0, or with 1 when draining failed or took too long. Later calls change nothing. */
  begin(reason: string): void;
  /** Takes the signal handlers away again. */
  dispose(): void;
}

/** Drains on SIGTERM and SIGINT. A second signal exits at once, with 1. */
export function onShutdown(options: ShutdownOptions): Shutdown {
  const exit = options.exit ?? ((code: number) => process.exit(code));
  const { logger, drain, boundMs = 10_000 } = options;
  let begun = false;
  const begin = (reason: string): void => {
    if (begun) return;
    begun = true;
    logger.info({ reason, boundMs }, 'stopping');
    const bound = setTimeout(() => {
      logger.error({ boundMs }, 'draining took too long');
      exit(1);
    }, boundMs);
    drain().then(
      () => {
        clearTimeout(bound);
        logger.info('stopped');
        exit(0);
      },
      (error: unknown) => {
        clearTimeout(bound);
        logger.error({ err: error }, 'draining failed');
        exit(1);
      },
    );
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (begun) {
      logger.warn({ signal }, 'second signal: exiting without draining');
      exit(1);
    } else begin(signal);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return {
    begin,
    dispose: () => {
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
import { PoolElement, type PoolElementClientOptions, type Transport } from '@vnfpool/client';
import { pause } from '@vnfpool/runtime/lifecycle';
import type { Logger } from '@vnfpool/runtime/logging';
import { checkElement, type ElementHealth } from './health.ts';
import { HealthRecord } from './health-record.ts';
import { PoolMembership } from './membership.ts';
import { type ElementReportTarget, reportElement } from './reports.ts';
import { ServerProgram } from './server-program.ts';

export interface RunElementOptions {
  readonly element: Omit<PoolElementClientOptions, 'transport' | 'listen' | 'onEvent' | 'onTrouble'>;
  /** Where the server program serves. */
  readonly transport: Extract<Transport, { port: number }>;
  /** The server program, started and watched by us; none: it runs already. */
  readonly command: readonly string[];
  readonly health: {
    readonly check: ElementHealth;
    readonly everyMs: number;
    readonly timeoutMs: number;
    /** Successes in a row before it joins the pool. */
    readonly rise: number;
    /** Failures in a row before it leaves. */
    readonly fall: number;
  };
  /** Whether a server program that ends is started again. */
  readonly restart: boolean;
  /** Who is told how it is. */
  readonly reports?: ElementReportTarget;
  readonly logger: Logger;
}

export interface RunningElement {
  readonly id: number;
  /** Settles when it is in its pool for the first time. */
  readonly ready: Promise<void>;
  /** Settles when all is over, with an exit code: the server program's, 0 after `stop`. */
  readonly ended: Promise<number>;
  stop(): Promise<void>;
}

/** First pause before a server program is started again; it doubles up to the second. */
const RESTART_MS = { first: 500, max: 30_000 } as const;

/**
 * Makes a server program, whatever it is, an element of a pool: in the pool while it is healthy, out of it when it is not.
 * @throws CredentialsError, ScopeSecurityError, RangeError for options
 */
export function runElement(options: RunElementOptions): RunningElement {
  const { logger, transport } = options;
  const ending = new AbortController();
  let inPool: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    inPool = resolve;
  });
  const element = new PoolElement({
    ...options.element,
    transport,
    onEvent: (event) => {
      const { event: what } = event;
      // Causes and warnings are told in words.
      logger.info('reason' in event ? { reason: event.reason } : {}, what);
      if (event.event === 'registered') inPool();
      if (event.event === 'rejected') membership.rejected(event.reason);
    },
    onTrouble: (trouble) => logger.warn(trouble, 'a registrar is not reached'),
  });
  const membership: PoolMembership = new PoolMembership(element, logger);
  const address = 'address' in transport ? transport.address : (transport.addresses[0] ?? '127.0.0.1');
  const at = { address, port: transport.port };

  const watch = async (program: ServerProgram | null, over: AbortSignal): Promise<void> => {
    const { check, everyMs, timeoutMs, rise, fall } = options.health;
    const record = new HealthRecord({ rise, fall });
    while (!over.aborted) {
      const result = await checkElement(check, at, timeoutMs);
      if (over.aborted) return;
      const healthy = record.take(result);
      if (healthy !== null) {
        const facts = { reason: result.reason, ...at, program: program?.pid };
        logger[healthy ? 'info' : 'warn'](facts, healthy ? 'healthy' : 'not healthy');
        void membership.want(healthy);
      }
      await pause(everyMs, over).catch(() => undefined);
    }
  };

  const once = async (): Promise<number> => {
    const over = new AbortController();
    const stopped = AbortSignal.any([over.signal, ending.signal]);
    if (options.command.length === 0) {
      await watch(null, stopped);
      return 0;
    }
    const program = new ServerProgram(options.command, { ADDRESS: address, PORT: String(at.port) });
    const watching = watch(program, stopped);
    const onStop = (): void => {
      // First out of the pool, then down.
      void membership.want(false).then(() => program.stop());
    };
    ending.signal.addEventListener('abort', onStop, { once: true });
    const code = await program.ended;
    ending.signal.removeEventListener('abort', onStop);
    over.abort();
    await watching;
    if (!ending.signal.aborted) logger.warn({ code }, 'the server program has ended');
    return code;
  };

  const run = async (): Promise<number> => {
    let code = 0;
    for (let pauseMs: number = RESTART_MS.first; ; pauseMs = Math.min(RESTART_MS.max, pauseMs * 2)) {
      const started = performance.now();
      code = await once();
      await leave();
      if (!options.restart || ending.signal.aborted) break;
      // It ran for a while: this is no loop of failures.
      if (performance.now() - started > RESTART_MS.max) pauseMs = RESTART_MS.first;
      await pause(pauseMs, ending.signal).catch(() => undefined);
    }
    await reporter?.stop();
    element.close();
    return ending.signal.aborted ? 0 : code;
  };
  const leave = (): Promise<void> => membership.want(false);

  const { reports } = options;
  const status = (): string => (element.registered ? 'in the pool' : 'not in the pool');
  const reporter = reports === undefined ? null : reportElement(reports, element.id, status, logger);
  const ended = run();
  return {
    id: element.id,
    ready,
    ended,
    stop: async () => {
      ending.abort(new Error('stopped'));
      await ended;
    },
  };
}

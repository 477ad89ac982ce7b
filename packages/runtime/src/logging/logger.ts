// SPDX-License-Identifier: Apache-2.0
import { type DestinationStream, destination, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';

/** Handed in, never global. Fixed message text, values in fields: `logger.info({ nodeId }, 'node joined')`. */
export type Logger = PinoLogger;

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  /** Daemon or part; `component` in every line. */
  readonly component: string;
  /** Default `info`. */
  readonly level?: LogLevel;
  /** A file to append to; default standard error. Give a stream in tests. */
  readonly to?: string | DestinationStream;
}

/**
 * JSON, one object a line, written synchronously: the last line before an exit is there. Fields that hold
 * secrets are cut out wherever they turn up.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { to } = options;
  const stream =
    typeof to === 'object'
      ? to
      : destination({ dest: to ?? 2, sync: true, append: true, mkdir: to !== undefined });
  return pino(
    {
      level: options.level ?? 'info',
      base: { component: options.component, pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['token', 'secret', 'key', '*.token', '*.secret', '*.key'], censor: '(cut out)' },
    },
    stream,
  );
}

/** Where nothing shall be logged. */
export const silentLogger: Logger = pino({ level: 'silent' });

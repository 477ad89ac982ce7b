// SPDX-License-Identifier: Apache-2.0
import { loadConfig } from '@vnfpool/runtime/config';
import { onShutdown, watchParent } from '@vnfpool/runtime/lifecycle';
import { createLogger } from '@vnfpool/runtime/logging';
import { registrarConfig } from './config.ts';
import { runRegistrar } from './run-registrar.ts';

/**
 * The registrar as a process of its own: configuration, signals, parent. Settles when it serves, or at once for
 * `--check-config`; the process then lives until a signal or its parent ends it.
 * @throws ConfigError, JoinError, TransportError
 */
export async function registrarMain(
  flags: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<'checked' | 'serving'> {
  const { config, checkOnly } = loadConfig(registrarConfig, { flags, environment });
  if (checkOnly) return 'checked';
  const { level, file } = config.log;
  const logger = createLogger({ component: 'registrar', level, ...(file === undefined ? {} : { to: file }) });
  const joining = new AbortController();
  let stop = async (): Promise<void> => joining.abort(new Error('stopped while joining'));
  const shutdown = onShutdown({ logger, drain: () => stop() });
  watchParent(() => shutdown.begin('the parent is gone'), environment);
  const running = await runRegistrar(config, { logger, signal: joining.signal });
  stop = () => running.stop();
  return 'serving';
}

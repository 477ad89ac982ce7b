// SPDX-License-Identifier: Apache-2.0
import { CliError } from '../errors.ts';

/** A `PoolError` as the end of a command: 3 when no registrar or element answers, 1 for the rest. */
export async function explained<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const { PoolError } = await import('@vnfpool/client');
    if (!(error instanceof PoolError)) throw error;
    const nobody = ['not-answered', 'timeout', 'unreachable'].includes(error.code);
    const why = error.cause instanceof Error ? `: ${error.cause.message}` : '';
    throw new CliError(nobody ? 3 : 1, `${error.message}${why}`);
  }
}

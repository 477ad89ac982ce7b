// SPDX-License-Identifier: Apache-2.0
import { CliError } from '../errors.ts';
import type { Troubles } from './troubles.ts';

/**
 * A `PoolError` as the end of a command that names the pool: 3 when no registrar or element answers, with what was
 * heard of registrars; 1 for the rest.
 */
export async function explained<T>(answer: Promise<T>, pool: string, troubles: Troubles): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const { PoolError } = await import('@vnfpool/client');
    if (!(error instanceof PoolError)) throw error;
    const nobody = ['not-answered', 'timeout', 'unreachable'].includes(error.code);
    const said = `${error.message}${error.cause instanceof Error ? `: ${error.cause.message}` : ''}`;
    const heard = nobody ? troubles.toString() : '';
    throw new CliError(nobody ? 3 : 1, `pool ${pool}: ${said}${heard === '' ? '' : `; ${heard}`}`);
  }
}

// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net';
import type { ManagerAddress, ManagerSource } from './manager-address.ts';

/** The addresses that a name has, for `signal`'s time. @throws Error */
export type ResolveHost = (host: string, signal: AbortSignal) => Promise<readonly string[]>;

/**
 * Addresses that were configured. With `resolve` a name becomes all its addresses; without, it stays a name, as where
 * the certificate must bear it.
 */
export function fixedManagers(managers: readonly ManagerAddress[], resolve?: ResolveHost): ManagerSource {
  return {
    name: 'configured',
    find: (signal) => resolveAll(managers, resolve, signal),
  };
}

/** Names become addresses; those that do not become faults. Order stays. */
export async function resolveAll(
  managers: readonly ManagerAddress[],
  resolve: ResolveHost | undefined,
  signal: AbortSignal,
): Promise<{ readonly addresses: readonly ManagerAddress[]; readonly faults: readonly string[] }> {
  if (resolve === undefined) return { addresses: managers, faults: [] };
  const faults: string[] = [];
  const resolved = await Promise.all(
    managers.map(async ({ host, port }) => {
      if (isIP(host) !== 0) return [{ host, port }];
      try {
        return (await resolve(host, signal)).map((address) => ({ host: address, port }));
      } catch (error) {
        faults.push(`${host}: ${(error as Error).message}`);
        return [];
      }
    }),
  );
  return { addresses: resolved.flat(), faults };
}

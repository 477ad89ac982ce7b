// SPDX-License-Identifier: Apache-2.0
import { PoolUser } from '@vnfpool/client';
import type { Credentials } from '@vnfpool/runtime/certificates';
import type { ManagerAddress, ManagerSource } from '@vnfpool/runtime/manager-discovery';
import { MANAGER_POOL } from '../manager-pool.ts';

export interface RegistrarManagersOptions {
  readonly credentials: () => Credentials;
  readonly registrars: () => readonly ManagerAddress[];
}

/** Managers asked for at once. */
const ITEMS = 16;
/** More registrars are not asked. */
const REGISTRARS_MAX = 8;

/** The managers that a registrar of the set knows, the one with the highest term first. */
export function registrarManagers({ credentials, registrars }: RegistrarManagersOptions): ManagerSource {
  return {
    name: `registrar, pool ${MANAGER_POOL}`,
    find: async (signal) => {
      const asked = registrars().slice(0, REGISTRARS_MAX);
      if (asked.length === 0) throw new Error('no registrar is known yet');
      const user = new PoolUser({ registrars: asked, credentials: credentials() });
      try {
        const { element, alternatives } = await user.resolve(MANAGER_POOL, { signal, items: ITEMS });
        const elements = [element, ...alternatives].toSorted((x, y) => priorityOf(y) - priorityOf(x));
        const addresses = elements.flatMap(({ userTransport }) =>
          userTransport.type === 'tcp' ? [{ host: userTransport.address, port: userTransport.port }] : [],
        );
        return { addresses, faults: [] };
      } finally {
        user.close();
      }
    },
  };
}

type Element = Awaited<ReturnType<PoolUser['resolve']>>['element'];

function priorityOf({ policy }: Element): number {
  return policy.type === 'priority' ? policy.priority : 0;
}

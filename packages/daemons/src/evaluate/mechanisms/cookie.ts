// SPDX-License-Identifier: Apache-2.0
import { CookieSeal, type CookieSession } from '@vnfpool/runtime/cookie-seal';
import type { Mechanism, Place } from '../mechanism.ts';

const POOL = new TextEncoder().encode('evaluated');
const STATE_OCTETS_MAX = 32_000;

function sealOf({ secret }: Place): CookieSeal {
  return new CookieSeal({ poolHandle: POOL, secrets: [secret], stateBytesMax: STATE_OCTETS_MAX });
}

/** The state of a session goes with each answer, sealed, and comes back with its client. */
export const cookie: Mechanism = {
  name: 'cookie',
  method: 'cookie',
  standbys: 1,
  loses: 'nothing',
  survivesAll: true,
  needs: 'users with RSerPool sessions',
  sharing: 'method: [cookie]\nloss: 0',
  valueOctetsMax: STATE_OCTETS_MAX,
  isByClients: true,
  standby: async (place) => {
    const seal = sealOf(place);
    return {
      takeOver: async () => [],
      open: (_key, octets) => seal.open(octets, Date.now()).state,
    };
  },
  holder: async (place) => {
    const seal = sealOf(place);
    const sessions = new Map<string, CookieSession>();
    let position = 0;
    return {
      carry: ({ key, value }) => {
        position += 1;
        if (value === null) {
          sessions.delete(key);
          return undefined;
        }
        const sealed = seal.seal(sessions.get(key) ?? seal.begin(), value, Date.now());
        sessions.set(key, sealed.session);
        return sealed.cookie;
      },
      get position() {
        return position;
      },
    };
  },
};

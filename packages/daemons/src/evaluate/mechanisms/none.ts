// SPDX-License-Identifier: Apache-2.0
import type { Mechanism } from '../mechanism.ts';

/** What the others are measured against. */
export const none: Mechanism = {
  name: 'none',
  method: 'none',
  standbys: 1,
  loses: 'everything',
  survivesAll: false,
  needs: null,
  sharing: 'method: [none]',
  standby: async () => ({ takeOver: async () => [] }),
  holder: async () => {
    let position = 0;
    return {
      carry: () => {
        position += 1;
        return undefined;
      },
      get position() {
        return position;
      },
    };
  },
};

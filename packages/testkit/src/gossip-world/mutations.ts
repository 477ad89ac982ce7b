// SPDX-License-Identifier: Apache-2.0
import { GossipRules } from '@vnfpool/core/gossip';
import type { GossipWorldOptions } from './options.ts';

/** Broken rules: the simulation has to find a violation for each of them. */
export const GOSSIP_MUTATIONS: ReadonlyMap<string, GossipWorldOptions> = new Map<string, GossipWorldOptions>([
  [
    'steps taken with a gap before them',
    {
      rules: new (class extends GossipRules {
        override takesRun(): boolean {
          return true;
        }
      })(),
    },
  ],
  [
    'steps that are known taken again',
    {
      rules: new (class extends GossipRules {
        override isNews(): boolean {
          return true;
        }
      })(),
    },
  ],
  [
    'cells that forget what they had seen beyond the vector',
    {
      rules: new (class extends GossipRules {
        override keepsSeen(): boolean {
          return false;
        }
      })(),
    },
  ],
  [
    'steps told though earlier ones are not kept',
    {
      rules: new (class extends GossipRules {
        override tellsSteps(): boolean {
          return true;
        }
      })(),
    },
  ],
  [
    'one part taken for everything',
    {
      rules: new (class extends GossipRules {
        override endsWalk(): boolean {
          return true;
        }
      })(),
    },
  ],
  [
    'what came ahead of steps that never come kept to oneself',
    {
      rules: new (class extends GossipRules {
        override retells(): boolean {
          return false;
        }
      })(),
    },
  ],
  [
    'former lives declared gone by one that knows less of them than others',
    {
      rules: new (class extends GossipRules {
        override inherits(): boolean {
          return true;
        }
      })(),
    },
  ],
  [
    'digests that are not compared',
    {
      rules: new (class extends GossipRules {
        override compares(): boolean {
          return false;
        }
      })(),
    },
  ],
  [
    'a damaged cell taken from one that knows less of it',
    {
      rules: new (class extends GossipRules {
        override mends(): boolean {
          return true;
        }
      })(),
    },
  ],
  ['an instance that starts again with the incarnation that it had', { reusesIncarnation: true }],
]);

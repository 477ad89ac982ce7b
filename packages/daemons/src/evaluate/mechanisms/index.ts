// SPDX-License-Identifier: Apache-2.0
import type { Mechanism } from '../mechanism.ts';
import { checkpoint } from './checkpoint.ts';
import { conntrack } from './conntrack.ts';
import { cookie } from './cookie.ts';
import { gossip } from './gossip.ts';
import { none } from './none.ts';
import { acknowledged, bounded, held } from './replicate.ts';
import { behind, through } from './shared.ts';

/** All that can be evaluated, in the order in which they are shown; `none` first, which the others are compared with. */
export const MECHANISMS: readonly Mechanism[] = [
  none,
  bounded,
  acknowledged,
  held,
  checkpoint,
  behind,
  through,
  conntrack,
  gossip,
  cookie,
];

export function mechanismNamed(name: string): Mechanism | undefined {
  return MECHANISMS.find((each) => each.name === name);
}

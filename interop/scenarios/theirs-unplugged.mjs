// SPDX-License-Identifier: Apache-2.0
import { loss } from './theirs-dies.mjs';

/** Nobody is told: silence is all there is. */
export const scenario = loss(
  'the cable of its registrar is pulled: ours takes its elements over, and they are served',
  ({ host }) => host.unplug(),
);

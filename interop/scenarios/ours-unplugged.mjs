// SPDX-License-Identifier: Apache-2.0
import { loss } from './ours-dies.mjs';

/** Nobody is told: silence is all there is. */
export const scenario = loss(
  'the cable of our registrar is pulled: its elements are served again through rsplib',
  ({ host }) => host.unplug(),
);

// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';

const DISABLED = 0;
const FORWARDING = 3;

/**
 * A host that is not heard and hears nothing, though its link has its carrier: its port at the bridge passes no frame.
 * Call in the namespace of the bridge. Ports are named by the bridge and the place of the host among those it was made with.
 */
export function silence(bridge, place) {
  const set = (state) => {
    const words = ['link', 'set', 'dev', `${bridge}p${place}`, 'state', String(state)];
    const { status, stderr } = spawnSync('bridge', words, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`bridge ${words.join(' ')}: ${stderr}`);
  };
  set(DISABLED);
  return () => set(FORWARDING);
}

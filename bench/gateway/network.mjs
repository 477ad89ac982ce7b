// SPDX-License-Identifier: Apache-2.0
import { bridge, command, host } from '../../examples/hosts.mjs';

export const SERVER = '10.78.0.40';
export const PORT = 7100;
export const OUTSIDE = '10.78.0.100';
export const INSIDE = '10.79.0.100';

/** Two bridges, and a client and a server on either side of whoever is the gateway. */
export async function networkOf(side) {
  const [wan, lan] = [`${side}-wan`, `${side}-lan`];
  for (const name of [wan, lan]) bridge(name);
  const links = (number) => ({ eth0: [wan, `10.78.0.${number}/24`], eth1: [lan, `10.79.0.${number}/24`] });
  const clientAt = await host({ eth0: [lan, '10.79.0.30/24'] });
  command(['ip', 'route', 'add', 'default', 'via', INSIDE], clientAt);
  const serverAt = await host({ eth0: [wan, `${SERVER}/24`] });
  return { wan, links, clientAt, serverAt };
}

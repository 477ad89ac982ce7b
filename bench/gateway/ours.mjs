// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { Site } from '../../examples/site.mjs';

const EXAMPLE = join(import.meta.dirname, '../../examples/nat');
const NODES = { 'node-a': 11, 'node-b': 12, 'node-c': 13 };

/** The gateways of the example `nat`. */
export async function startOurs({ folder, network }) {
  const site = new Site({ folder });
  const nodes = {};
  for (const [name, number] of Object.entries(NODES)) nodes[name] = network.links(number);
  const manager = { eth0: [network.wan, '10.78.0.2/24'] };
  const declaration = join(EXAMPLE, 'set.yaml');
  await site.build({ set: 'nat', manager, nodes, declaration, files: ['gateway.sh'] });
  return {
    /** The active one, as soon as the other one has all of so many connections. */
    whole: async (connections) => {
      const what = `the standby has ${connections} connections`;
      const { node } = await site.until(
        what,
        ({ holder, sharing }) =>
          holder !== null && sharing?.isProtected === true && (sharing.state?.keys ?? 0) >= connections,
      );
      return site.nodes.get(node);
    },
    die: (node) => node.die(),
    comeBack: (node) => node.comeBack(['conntrack', '-F']),
    /** How long the commit of the last failover took, ms. */
    commitMs: async () => {
      const [record] = await site.records();
      const at = (step) => record?.steps.find(({ name }) => name === step)?.at ?? Number.NaN;
      return at('committed') - at('decided');
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:net';
import type { FunctionSpecification } from '@vnfpool/wire/mobility';
import { placeOf, portInside } from './function-networks.ts';

/** Where a run of a function is reached; no port: nowhere. */
export interface Place {
  readonly address: string;
  readonly port: number | null;
}

/**
 * @param address of this node
 * @param freePorts any port in place of the declared one: several nodes share one address
 * @throws Error when there is no free port
 */
export async function choosePlace(
  specification: FunctionSpecification,
  address: string,
  freePorts: boolean,
): Promise<Place> {
  const { netns, port } = specification;
  if (netns) return { address: addressNow(specification, address), port: portInside(specification) };
  if (port === undefined) return { address, port: null };
  if (port !== 0 && !freePorts) return { address, port };
  try {
    return { address, port: await freePort(address) };
  } catch (error) {
    throw new Error(`no free port at ${address}: ${(error as Error).message}`);
  }
}

/** Where a function is reached while the node is at `address`: there, unless its network has an address of its own. */
export function addressNow({ netns }: Pick<FunctionSpecification, 'netns'>, address: string): string {
  return (netns && placeOf(netns)) ?? address;
}

/** Makes the replacements in a specification's texts. */
export function filler({ address, port }: Place, name: string): (text: string) => string {
  return (text) =>
    text
      .replaceAll('{port}', String(port ?? ''))
      .replaceAll('{address}', address)
      .replaceAll('{name}', name);
}

function freePort(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, address, () => {
      const at = server.address();
      server.close(() => resolve(typeof at === 'object' && at ? at.port : 0));
    });
  });
}

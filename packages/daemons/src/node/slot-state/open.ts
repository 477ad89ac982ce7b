// SPDX-License-Identifier: Apache-2.0
import { readOptionalFile, writeSecretFile } from '@vnfpool/runtime/files';
import { CopyServer } from '@vnfpool/runtime/replication';
import { plainAddress } from '@vnfpool/wire/mobility';
import type { FunctionSideOptions } from '../function-side.ts';
import type { FunctionStates } from '../function-states.ts';
import { OpenStores } from './open-stores.ts';
import { SlotStates } from './slot-states.ts';

/** Null where there is no transport for it. @throws TransportError when copies cannot be taken at the address */
export async function openSlotStates(
  options: FunctionSideOptions,
  states: FunctionStates,
): Promise<SlotStates | null> {
  const { replication, folder, peerOf, logger } = options;
  if (replication === undefined) return null;
  const { transport, port, post, sealKey } = replication;
  const listen = (at: number): Promise<CopyServer> =>
    CopyServer.listen({
      transport,
      host: options.address(),
      port: at,
      // Its certificate says so; which node may hold the slot the epoch decides.
      admits: (connection) => peerOf(connection) !== null,
      onRefused: (reason) => logger.warn({ reason }, 'a connection for copies of state'),
    });
  // Others know the former one, and are not told another at once.
  const file = `${folder}/replication-port`;
  const former = port === 0 ? Number(readOptionalFile(file) ?? 0) : port;
  const server = await listen(former).catch((error: Error) => {
    if (port !== 0) throw error;
    return listen(0);
  });
  writeSecretFile(file, `${server.address.port}\n`);
  return new SlotStates({
    ...options,
    self: options.self(),
    server,
    transport,
    stores: new OpenStores(),
    sealKey,
    post,
    sourceOf: async (functionId, { id, addresses }) => {
      const { source, connections } = await states.of(functionId);
      return connections?.of(id, addresses.map(plainAddress)) ?? source ?? null;
    },
  });
}

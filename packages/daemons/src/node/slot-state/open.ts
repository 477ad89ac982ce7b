// SPDX-License-Identifier: Apache-2.0
import { readOptionalFile, writeSecretFile } from '@vnfpool/runtime/files';
import { CopyServer } from '@vnfpool/runtime/replication';
import type { Connection } from '@vnfpool/transport';
import { plainAddress } from '@vnfpool/wire/mobility';
import type { FunctionSideOptions } from '../function-side.ts';
import type { FunctionStates } from '../function-states.ts';
import { OpenStores } from './open-stores.ts';
import { type RehearsedMethod, rehearseTaking } from './rehearsal.ts';
import { SlotStates } from './slot-states.ts';

const REHEARSED = 6;

/** Where state of others is taken; null where there is no transport for it. @throws TransportError when it cannot be at the address */
export async function openCopyServer(
  { folder, replication, peerOf, logger, address }: FunctionSideOptions,
  gossip: (connection: Connection, frame: Uint8Array) => void,
): Promise<CopyServer | null> {
  if (replication === undefined) return null;
  const { transport, port } = replication;
  const listen = (at: number): Promise<CopyServer> =>
    CopyServer.listen({
      transport,
      host: address(),
      port: at,
      // Its certificate says so; which of them may hold the slot its copy decides.
      admits: (connection) => peerOf(connection) !== null,
      gossip,
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
  return server;
}

/** @param server stays open when they are closed */
export function openSlotStates(
  options: FunctionSideOptions,
  server: CopyServer,
  states: FunctionStates,
): SlotStates | null {
  if (options.replication === undefined) return null;
  const { transport, post, sealKey } = options.replication;
  return new SlotStates({
    ...options,
    self: options.self(),
    server,
    transport,
    stores: new OpenStores(),
    sealKey,
    post,
    rehearse: (method) => void rehearse(method, options),
    sourceOf: async (functionId, { id, addresses }) => {
      const { source, connections } = await states.of(functionId);
      return connections?.of(id, addresses.map(plainAddress)) ?? source ?? null;
    },
  });
}

async function rehearse(method: RehearsedMethod, { clock, logger }: FunctionSideOptions): Promise<void> {
  const beganMs = clock.nowMs();
  const done = await rehearseTaking(method, REHEARSED, clock);
  const tookMs = Math.round(clock.nowMs() - beganMs);
  logger.debug({ method, done, of: REHEARSED, tookMs }, 'take-overs of state were rehearsed');
}

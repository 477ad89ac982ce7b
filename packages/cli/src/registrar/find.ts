// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { REGISTRAR_SOCKET, runningRegistrars } from '@vnfpool/runtime/runtime-folder';
import { CliError, NotReachableError } from '../errors.ts';
import type { CliIo } from '../io.ts';

/**
 * The status socket of the registrar that is meant: in `state`, or the one that runs here, or the one called
 * `name` of several.
 * @throws CliError
 */
export async function registrarSocket(
  said: { readonly state?: string; readonly name?: string },
  io: Pick<CliIo, 'env' | 'uid'>,
): Promise<string> {
  if (said.state !== undefined) return join(said.state, REGISTRAR_SOCKET);
  const running = await runningRegistrars({ env: io.env, uid: io.uid });
  const names = running.map(({ name }) => name).join(', ');
  const chosen = said.name === undefined ? running : running.filter(({ name }) => name === said.name);
  const [only, second] = chosen;
  if (second !== undefined) {
    throw new CliError(2, `several registrars are running here: ${names}; choose one with --name`);
  }
  if (only !== undefined) return only.socket;
  throw new NotReachableError(
    running.length === 0
      ? 'no registrar is running here: start one with `vnfpool registrar --open`, or say where with --state'
      : `no registrar ${said.name} is running here (running: ${names})`,
  );
}

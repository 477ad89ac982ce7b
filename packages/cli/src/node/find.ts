// SPDX-License-Identifier: Apache-2.0
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runningSets } from '@vnfpool/runtime/runtime-folder';
import { NotReachableError } from '../errors.ts';
import type { CliIo } from '../io.ts';

/** Name of an agent's socket in the folder that `vnfpool node --state` names. */
const AGENT_SOCKET = 'agent.sock';

/** A node agent of this machine. */
export interface FoundNode {
  /** For messages: its name in the set, or its folder. */
  readonly name: string;
  readonly socket: string;
}

/**
 * The node agents that are meant: the one in `state`, or those of the sets that `up` runs here.
 * @throws NotReachableError when there is none
 */
export async function findNodes(
  said: { readonly state?: string; readonly node?: string },
  io: Pick<CliIo, 'env' | 'uid'>,
): Promise<readonly FoundNode[]> {
  if (said.state !== undefined) return [{ name: said.state, socket: join(said.state, AGENT_SOCKET) }];
  const sets = await runningSets({ env: io.env, uid: io.uid });
  const nodes = (await Promise.all(sets.map(({ folder }) => nodesIn(folder)))).flat();
  const chosen = said.node === undefined ? nodes : nodes.filter(({ name }) => name === said.node);
  if (chosen.length > 0) return chosen;
  throw new NotReachableError(
    nodes.length === 0
      ? 'no node of a set runs here: say where its agent has its folder with --state'
      : `no node ${said.node} runs here (running: ${nodes.map(({ name }) => name).join(', ')})`,
  );
}

/** Folders of a set's processes lie side by side; only an agent has this socket. */
async function nodesIn(folder: string): Promise<FoundNode[]> {
  const names: string[] = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    names.toSorted().map(async (name): Promise<FoundNode | undefined> => {
      const socket = join(folder, name, AGENT_SOCKET);
      const isThere = await stat(socket).then(
        (info) => info.isSocket(),
        () => false,
      );
      return isThere ? { name, socket } : undefined;
    }),
  );
  return found.filter((each) => each !== undefined);
}

// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import type { DeclaredSet } from '@vnfpool/core/declared';

/**
 * Commands to begin with, as they work in another terminal: `npx vnfpool status    npx vnfpool kill web#1    …`.
 *
 * @param state folder that was named by `--state`, where nobody looks unasked; undefined: the set is found by itself
 */
export function tryLine({ pools, nodes }: Pick<DeclaredSet, 'pools' | 'nodes'>, state?: string): string {
  const where = state === undefined ? '' : ` --state ${shellWord(resolve(state))}`;
  const [pool] = pools;
  const node = nodes.find(({ witness }) => !witness);
  const commands = [
    'status',
    ...(pool ? [`kill ${pool.name}#1`] : []),
    ...(node ? [`pause ${node.name}`] : []),
  ];
  return commands.map((command) => `npx vnfpool ${command}${where}`).join('    ');
}

/** As a shell takes it for one word. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

// SPDX-License-Identifier: Apache-2.0
import type { RunningSet } from '../running-set.ts';

/** Hardware address of a node. */
export async function macOf(set: RunningSet, node: string): Promise<string> {
  const { stdout } = await set.inside(await set.pidOf(node), 'ip', '-o', 'link', 'show', 'dev', 'eth0');
  const mac = /link\/ether (\S+)/.exec(stdout)?.[1];
  if (mac === undefined) throw new Error(`no hardware address of ${node}`);
  return mac;
}

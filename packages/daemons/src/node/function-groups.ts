// SPDX-License-Identifier: Apache-2.0
import { realpathSync } from 'node:fs';
import { type FunctionGroups, GroupTraffic, openFunctionGroups } from '@vnfpool/platform/cgroups';
import type { Logger } from '@vnfpool/runtime/logging';
import { FunctionContainers } from './containers/index.ts';
import { FunctionNetworks } from './function-networks.ts';
import type { FunctionTable } from './function-table.ts';

export interface GroupsOfAgent {
  readonly groups: FunctionGroups;
  /** A text: why what functions send and receive is not counted. */
  readonly traffic: GroupTraffic | string;
  /** A text: why functions cannot have networks of their own. */
  readonly networks: FunctionNetworks | string;
  /** A text: why functions cannot be containers. */
  readonly containers: FunctionContainers | string;
}

/**
 * Groups and networks for the functions of the agent of this folder, which it has locked: nobody else has its label now. What a
 * former agent left is ended and removed, but for what the table knows and lives.
 */
export async function functionGroupsOf(
  folder: string,
  where: string,
  logger: Logger,
  { label, left, living }: Pick<FunctionTable, 'label' | 'left' | 'living'>,
): Promise<GroupsOfAgent> {
  const keep = new Set([...living.values()].map(({ name }) => name));
  const keptNetworks = left.flatMap(({ functionId, specification: { netns: network } }) => {
    const name = living.get(functionId)?.name;
    return network === undefined || name === undefined ? [] : [{ name, network }];
  });
  const groups = await openFunctionGroups({ label, where, keep });
  const traffic =
    groups.second === null
      ? 'functions have no groups of the second version'
      : await GroupTraffic.open({ label, mount: groups.second.mount, keep }, groups.second.path);
  // After the groups: what they ended of functions left behind kept its network.
  const networks = FunctionNetworks.open(
    label,
    (message) => logger.warn({ of: 'functions' }, message),
    keptNetworks,
  );
  const containers = await FunctionContainers.open(realpathSync(folder));
  if (typeof containers !== 'string')
    for (const failure of await containers.removeLeft(keep)) logger.warn({ of: 'functions' }, failure);
  logger.info(
    {
      way: groups.way,
      groups: groups.description,
      traffic: typeof traffic === 'string' ? traffic : 'counted',
      networks: typeof networks === 'string' ? networks : 'available',
      containers: typeof containers === 'string' ? containers : containers.description,
    },
    'groups of functions',
  );
  return { groups, traffic, networks, containers };
}

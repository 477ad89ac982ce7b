// SPDX-License-Identifier: Apache-2.0
import { ONLY_COUNCIL } from '@vnfpool/core/declared';
import { checkStateAccess, DocumentError } from '@vnfpool/wire/mobility';
import { checkAddresses, virtualAddresses } from './addresses.ts';
import { checkContainerFile } from './container.ts';
import { checkFailoverRules } from './detection.ts';
import { checkFailover } from './failover.ts';
import { checkNetns, hasRules } from './netns.ts';
import { checkOneKernel } from './one-kernel.ts';
import { checkRedundancy, normalRedundancy } from './redundancy.ts';
import { type DeclarationFile, NAME_PATTERN, type NodeFile, type PoolFile } from './schema.ts';
import { checkPoolSharing } from './sharing.ts';
import { checkOffers, normalHooks, normalState } from './state.ts';
import { suggestion } from './suggestion.ts';
import { checkUpgrade } from './upgrade.ts';

/** A mistake, before its place in the file is known. */
export interface Finding {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Octets that program, arguments, environment, check and network of one pool may have; a node is told them in one message. */
const FUNCTION_OCTETS_MAX = 24_576;

/** What no single key can tell: names that refer to each other, counts that must agree. */
export function checkMeaning(file: DeclarationFile): Finding[] {
  const nodes = nodeNames(file);
  return [
    ...duplicates(nodes, (index) => (Array.isArray(file.nodes) ? ['nodes', index] : ['nodes'])),
    ...checkCouncils(file, nodes),
    ...Object.entries(file.pools).flatMap(([name, pool]) =>
      checkPool(name, pool, nodes.filter((node) => !isWitness(file, node)).length, file.stores),
    ),
    ...checkOneKernel(file.pools),
    ...checkAddresses(file),
    ...checkProbes(file),
  ];
}

export function nodeNames(file: DeclarationFile): readonly string[] {
  // Array.isArray does not narrow a readonly array.
  return Array.isArray(file.nodes) ? (file.nodes as readonly string[]) : Object.keys(file.nodes);
}

export function isWitness({ nodes }: DeclarationFile, name: string): boolean {
  return (
    !Array.isArray(nodes) && (nodes as Readonly<Record<string, NodeFile | null>>)[name]?.witness === true
  );
}

function checkCouncils(file: DeclarationFile, nodes: readonly string[]): Finding[] {
  const { council, councils } = file;
  const findings = council ? checkMembers(council, ['council'], nodes) : [];
  if (council && councils)
    findings.push({ path: ['councils'], message: 'stands in place of council, not beside it' });
  for (const [name, members] of Object.entries(councils ?? {}))
    findings.push(...checkMembers(members, ['councils', name], nodes));
  const names = councils ? Object.keys(councils) : [ONLY_COUNCIL];
  for (const [pool, { council: own }] of Object.entries(file.pools)) {
    if (own !== undefined && !names.includes(own))
      findings.push({ path: ['pools', pool, 'council'], message: unknownName('council', own, names) });
  }
  return findings;
}

function checkMembers(
  members: readonly string[],
  path: Finding['path'],
  nodes: readonly string[],
): Finding[] {
  const findings: Finding[] = duplicates(members, (index) => [...path, index]);
  if (![1, 3, 5].includes(members.length))
    findings.push({ path, message: `must name 1, 3 or 5 nodes; it names ${members.length}` });
  members.forEach((member, index) => {
    if (!nodes.includes(member))
      findings.push({ path: [...path, index], message: unknownName('node', member, nodes) });
  });
  return findings;
}

function checkPool(
  name: string,
  pool: PoolFile,
  nodes: number,
  stores: DeclarationFile['stores'],
): Finding[] {
  const findings: Finding[] = [];
  const at = ['pools', name];
  const { slots, standbys, spares, instances: sharing } = normalRedundancy(pool.redundancy);
  const instances = sharing ?? slots + standbys + spares;
  findings.push(...checkRedundancy([...at, 'redundancy'], pool.redundancy));
  if (instances > nodes) {
    findings.push({
      path: [...at, 'redundancy'],
      message: `asks for ${instances} instances${sharing === undefined ? ` (${slots} slots, ${standbys} standbys, ${spares} spares)` : ''}, but there are ${nodes} nodes that run functions, and a node runs at most one instance of a pool`,
    });
  }
  if (pool.address !== undefined && pool.addresses !== undefined) {
    findings.push({ path: [...at, 'addresses'], message: 'give either address or addresses, not both' });
  }
  const given = virtualAddresses(pool);
  if (given.length > 0 && given.length !== slots) {
    const key = pool.addresses ? 'addresses' : 'address';
    const several = slots === 1 ? '; several of one slot are a list within the list' : '';
    findings.push({
      path: [...at, key],
      message: `must give one address for each of the ${slots} slots, or none; it gives ${given.length}${several}`,
    });
  }
  // A gateway is reached by nobody: packets go through it.
  const isGateway = pool.function.state?.via === 'conntrack';
  if (given.length > 0 && pool.function.port === 0 && !isGateway) {
    findings.push({
      path: [...at, 'function', 'port'],
      message: 'a pool with a virtual address needs a fixed port from 1 to 65535',
    });
  }
  for (const { path, message } of checkFailover(pool.failover))
    findings.push({ path: [...at, 'failover', ...path], message });
  const { health } = pool.function;
  if (health.timeout > health.every) {
    findings.push({
      path: [...at, 'function', 'health', 'timeout'],
      message: `must not be longer than every (${health.every}ms)`,
    });
  }
  findings.push(...checkFailoverRules([...at, 'failover'], pool.failover));
  findings.push(...checkHealth([...at, 'function', 'health'], health));
  findings.push(
    ...checkContainerFile([...at, 'function'], pool.function),
    ...checkNetwork(at, pool),
    ...checkState([...at, 'function'], pool.function),
    ...checkSharingOf(name, pool, stores),
    ...checkUpgrade([...at, 'upgrade'], pool.upgrade, pool.function.stop.grace),
  );
  const octets = Buffer.byteLength(
    JSON.stringify([
      pool.function.program ?? '',
      pool.function.arguments,
      pool.function.environment,
      health.command ?? [],
      pool.function.netns ?? null,
      pool.function.hooks ?? null,
      pool.function.container ?? null,
    ]),
  );
  if (octets > FUNCTION_OCTETS_MAX) {
    findings.push({
      path: [...at, 'function'],
      message: `program, arguments, environment, check, hooks, netns and container have ${octets} octets; at most ${FUNCTION_OCTETS_MAX} fit`,
    });
  }
  return findings;
}

function checkNetwork(at: readonly PropertyKey[], pool: PoolFile): Finding[] {
  const { netns, program, container } = pool.function;
  if (netns === undefined) return [];
  const findings = checkNetns([...at, 'function', 'netns'], netns);
  if (program === undefined && container === undefined && !hasRules(netns)) {
    findings.push({
      path: [...at, 'function', 'netns'],
      message: 'needs a program, or rules, sysctls or routes that do the work',
    });
  }
  if (virtualAddresses(pool).length > 0) {
    findings.push({
      path: [...at, 'function', 'netns'],
      message: 'does not go with a virtual address, which is given to the node and not to the namespace',
    });
  }
  return findings;
}

/** The offers of the function, and what the pool asks for beside them. */
function checkSharingOf(name: string, pool: PoolFile, stores: DeclarationFile['stores']): Finding[] {
  const { state } = pool.function;
  const at = ['pools', name];
  const offers = state ? checkOffers([...at, 'function', 'state'], state) : [];
  if (offers.length > 0 || pool.sharing === undefined) return offers;
  const inPlace = pool.restart?.inPlace ?? 0;
  const isCarried = pool.sharing.method.some((method) => method !== 'none' && method !== 'cookie');
  if (inPlace > 0 && isCarried) {
    const message =
      'a function that begins anew in its place would not be given its shared state again yet: must be 0';
    return [{ path: [...at, 'restart', 'inPlace'], message }];
  }
  const addresses = virtualAddresses(pool).map((slot) => slot.map((each) => each.text));
  const given = { name, redundancy: normalRedundancy(pool.redundancy), addresses };
  return checkPoolSharing(
    [...at, 'sharing'],
    pool.sharing,
    {
      ...given,
      ...(state === undefined ? {} : { state: normalState(state) }),
    },
    stores,
  );
}

/** What the node would refuse, told where it stands. */
function checkState(at: readonly PropertyKey[], { state, hooks, health }: PoolFile['function']): Finding[] {
  if (state === undefined) return [];
  try {
    checkStateAccess(
      {
        state: normalState({ ...state, offers: undefined }),
        health: { type: healthType(health) },
        ...(hooks === undefined ? {} : { hooks: normalHooks(hooks) }),
      },
      'function',
    );
    return [];
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    const [, ...path] = error.path.split('.');
    return [{ path: [...at, ...path], message: error.expected }];
  }
}

type Health = PoolFile['function']['health'];

/** The type of check that is meant: as said, else by the key that only one type has. */
export function healthType({ type, http, command }: Health): NonNullable<Health['type']> {
  return type ?? (http === undefined ? (command === undefined ? 'tcp' : 'command') : 'http');
}

function checkHealth(at: readonly PropertyKey[], health: Health): Finding[] {
  const type = healthType(health);
  const findings: Finding[] = [];
  for (const key of ['http', 'command'] as const) {
    if (health[key] !== undefined && type !== key)
      findings.push({ path: [...at, key], message: `does not belong to a check of type ${type}` });
  }
  if (type === 'command' && health.command === undefined)
    findings.push({ path: [...at, 'type'], message: 'needs the key command: the program that checks' });
  return findings;
}

function checkProbes(file: DeclarationFile): Finding[] {
  const pools = Object.keys(file.pools);
  return file.probes.flatMap(({ pool }, index) =>
    pools.includes(pool)
      ? []
      : [{ path: ['probes', index, 'pool'], message: unknownName('pool', pool, pools) }],
  );
}

function unknownName(what: string, name: string, known: readonly string[]): string {
  const near = suggestion(name, known);
  const shown = NAME_PATTERN.test(name) ? name : JSON.stringify(name);
  if (near) return `there is no ${what} ${shown}; did you mean ${near}?`;
  return `there is no ${what} ${shown}; declared: ${known.length > 0 ? known.join(', ') : 'none'}`;
}

function duplicates(names: readonly string[], path: (index: number) => readonly PropertyKey[]): Finding[] {
  return names.flatMap((name, index) =>
    names.indexOf(name) < index ? [{ path: path(index), message: `${name} is named twice` }] : [],
  );
}

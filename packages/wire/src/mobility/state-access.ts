// SPDX-License-Identifier: Apache-2.0
import { parseIp } from '../parameters/ip-text.ts';
import type { Hooks } from './documents.ts';
import { MobilityError } from './extensions.ts';
import { DocumentError, fail, flag, integer, list, matching, object, oneOf, type Shape } from './shape.ts';

/** How the state of a function is taken and given. */
export interface StateAccess {
  /**
   * - `socket`: the function connects to the local socket named in its environment
   * - `hooks`: by `hooks`, of which `export`, `import`, `quiesce` and `resume` must be there
   * - `conntrack`: it is what the kernel tracks in the function's own network, or without one in the node's: connections, and how
   *   they are translated
   */
  readonly via: 'socket' | 'hooks' | 'conntrack';
  /** What the octets of the state are, for example `kv/1`. Both sides of a transfer must say the same. */
  readonly format?: string;
  /** Of `conntrack`: which connections; absent: all. */
  readonly filter?: ConnectionFilter;
  /** Of `conntrack`: where standbys keep their copies; absent: `userspace`, and they go into the kernel when the slot is taken. */
  readonly standby?: StandbyPlaceOfCopy;
  /** Of `socket`: it tells every change of its state while it serves, key by key, so that standbys can have it. */
  readonly shares?: boolean;
  /** Of `socket`: it takes part in state that all instances of its pool change at the same time. */
  readonly merges?: boolean;
}

export type StandbyPlaceOfCopy = 'userspace' | 'kernel';

/** A connection has to be in every list that is there. */
export interface ConnectionFilter {
  /** Zones of connection tracking, 0 for those without one. At most 16. */
  readonly zones?: readonly number[];
  /** IP protocol numbers: 6 TCP, 17 UDP. At most 16. */
  readonly protocols?: readonly number[];
  /** Networks with prefix length, of which one has an address of the connection, before or behind the translation. At most 16. */
  readonly addresses?: readonly string[];
}

const FILTER_MAX = 16;

const prefix: Shape<string> = (value, path) => {
  const [address = '', length = '', ...rest] = typeof value === 'string' ? value.split('/') : [];
  try {
    const bits = parseIp(address).length * 8;
    if (rest.length === 0 && /^(?:0|[1-9][0-9]{0,2})$/.test(length) && Number(length) <= bits)
      return value as string;
  } catch {
    // Said below.
  }
  return fail(path, 'must be a network with a prefix length');
};

function some<Value>(item: Shape<Value>): Shape<readonly Value[]> {
  return (value, path) => {
    const items = list(item)(value, path);
    return items.length >= 1 && items.length <= FILTER_MAX
      ? items
      : fail(path, `must have 1 to ${FILTER_MAX} entries`);
  };
}

const filter: Shape<ConnectionFilter> = object(
  {},
  { zones: some(integer(0, 0xffff)), protocols: some(integer(1, 255)), addresses: some(prefix) },
);

/** What `state` of a function specification must be. */
export const stateAccess: Shape<StateAccess> = object(
  { via: oneOf('socket', 'hooks', 'conntrack') },
  {
    format: matching(/^[\x21-\x7e]{1,64}$/, 'must be 1 to 64 printable ASCII characters'),
    filter,
    standby: oneOf('userspace', 'kernel'),
    shares: flag,
    merges: flag,
  },
);

/** Whether the rest of a specification goes with its `state`. @throws DocumentError error 6 */
export function checkStateAccess(
  {
    state,
    hooks,
    health,
  }: {
    readonly state?: StateAccess;
    readonly hooks?: Hooks;
    readonly health?: { readonly type: string };
  },
  path: string,
): void {
  const refuse = (key: string, why: string): never => {
    throw new DocumentError(MobilityError.specificationRefused, `${path}.${key}`, why);
  };
  if (state === undefined) return;
  const { via } = state;
  if (state.shares === true && via !== 'socket') refuse('state.shares', 'belongs to socket');
  if (state.merges === true && via !== 'socket') refuse('state.merges', 'belongs to socket');
  if (via !== 'conntrack') {
    if (state.filter !== undefined) refuse('state.filter', 'belongs to conntrack');
    if (state.standby !== undefined) refuse('state.standby', 'belongs to conntrack');
    if (via === 'socket' && hooks !== undefined) refuse('hooks', 'are not called beside a socket');
    if (via === 'socket') return;
    for (const name of ['export', 'import', 'quiesce', 'resume'] as const)
      if (hooks?.[name] === undefined) refuse(`hooks.${name}`, 'is missing');
    return;
  }
  if (hooks !== undefined) refuse('hooks', 'are not called beside conntrack');
  if (health?.type === 'function')
    refuse('health.type', 'function needs a socket, which is not there beside conntrack');
}

/**
 * Whether the state is that of the node: connections that the kernel tracks, of a function without a network of its own. It is shared
 * with standbys, and does not move with the function.
 */
export function isStateOfNode({
  state,
  netns,
}: {
  readonly state?: StateAccess;
  readonly netns?: object;
}): boolean {
  return state?.via === 'conntrack' && netns === undefined;
}

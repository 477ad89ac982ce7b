// SPDX-License-Identifier: Apache-2.0
import type { PoolReplica } from '@vnfpool/runtime/gossip';
import type { FunctionSpecification, Hooks } from '@vnfpool/wire/mobility';
import { connectionFilter } from './connection-filter.ts';
import {
  ConntrackFunctionState,
  type ConntrackStateOptions,
  type MovableNetwork,
} from './conntrack-state.ts';
import type { FunctionContext } from './function-context.ts';
import {
  type FunctionState,
  type FunctionStateError,
  type FunctionStateLimits,
  functionStateLimits,
} from './function-state.ts';
import { moveSessions } from './hooks-sessions.ts';
import { HooksFunctionState } from './hooks-state.ts';
import { NodeConnections } from './node-connections.ts';
import { SocketFunctionState } from './socket-state.ts';

export interface FunctionStateOptions {
  readonly specification: FunctionSpecification;
  /** Name of the instance, for people. */
  readonly name: string;
  /** Folder for sockets and for what hooks share with the function. */
  readonly folder: string;
  /** That of a function that runs already, which a former agent made. */
  readonly formerFolder?: string | null;
  /** What the function gets as its environment; hooks get it, too. */
  readonly environment: Readonly<Record<string, string>>;
  /** Makes the replacements of `command` in a hook's words. */
  readonly fill: (text: string) => string;
  /** Process of the function, as far as there is one. */
  readonly pid: () => number | null;
  /** Network of the function's own; null: the host's. */
  readonly network?: MovableNetwork | null;
  /** Of a function that does not see what we see, nor live as we do. */
  readonly context?: FunctionContext;
  readonly limits?: Partial<FunctionStateLimits>;
  /** The function's own word on its health, for checks of type `function`. */
  readonly onHealth?: (health: { readonly ok: boolean; readonly reason: string }) => void;
  /** What it says of its sessions; null: it did not count them yet. */
  readonly onSessions?: (sessions: { readonly movable: boolean; readonly count: number | null }) => void;
  /** A connection of the function was refused. */
  readonly onRefused?: (error: FunctionStateError) => void;
  /** The mergeable state that it takes part in now; null, or absent: none. */
  readonly replica?: () => PoolReplica | null;
  /** What people should know of its state. */
  readonly onNews?: ConntrackStateOptions['onNews'];
}

/**
 * How to talk of state with a function, by its specification; null when it has neither state nor hooks nor a word on
 * its health. Made before the function is started, which gets `environment` of it besides its own.
 */
export async function createFunctionState(options: FunctionStateOptions): Promise<FunctionState | null> {
  const { environment, fill, folder, name, pid, specification } = options;
  const limits = { ...functionStateLimits, ...options.limits };
  const format = specification.state?.format ?? null;
  const { directory, health, hooks, state } = specification;
  const context = options.context === undefined ? {} : { context: options.context };
  const { formerFolder = null } = options;
  if (state?.via === 'conntrack') {
    const { network = null, onNews = () => undefined, onSessions = () => undefined } = options;
    const filter = connectionFilter(state.filter);
    const standby = state.standby ?? 'userspace';
    if (network === null) return new NodeConnections({ filter, standby, onNews });
    const onCount = (count: number): void => onSessions({ movable: false, count });
    return new ConntrackFunctionState({ network, filter, standby, format, limits, onCount, onNews });
  }
  if (state?.via === 'socket' || (hooks === undefined && health?.type === 'function')) {
    const ignore = (): undefined => undefined;
    const { onHealth = ignore, onRefused = ignore, onSessions = ignore, onNews = ignore } = options;
    return SocketFunctionState.listen({
      name,
      folder,
      formerFolder,
      format,
      limits,
      onHealth,
      onSessions,
      onRefused,
      onNews,
      shares: state?.shares ?? false,
      ...(options.replica && { replica: options.replica }),
      ...context,
    });
  }
  if (hooks === undefined) return null;
  if (moveSessions(hooks)) options.onSessions?.({ movable: true, count: null });
  return new HooksFunctionState({
    name,
    folder,
    formerFolder,
    format,
    limits,
    environment,
    pid,
    hooks: filled(hooks, fill),
    ...context,
    ...(directory === undefined ? {} : { directory }),
  });
}

function filled(hooks: Hooks, fill: (text: string) => string): Hooks {
  return Object.fromEntries(
    Object.entries(hooks).map(([hook, command]: [string, readonly string[]]) => [hook, command.map(fill)]),
  );
}

// SPDX-License-Identifier: Apache-2.0
import type { FunctionId } from '@vnfpool/core';
import type { AgentInput, AgentOutput } from '@vnfpool/core/agent';
import type { PoolReplica } from '@vnfpool/runtime/gossip';
import type { Logger } from '@vnfpool/runtime/logging';
import type { FunctionSpecification } from '@vnfpool/wire/mobility';
import {
  createFunctionState,
  type FunctionContext,
  type FunctionState,
  type MovableNetwork,
  NoFunctionState,
} from './function-state/index.ts';
import { type Handed, HandedSecrets, type HandedSecretsOptions } from './handed-secrets.ts';

export interface FunctionStatesOptions {
  /** Folder of sockets, and of what hooks share with their functions. */
  readonly folder: string;
  readonly give: (input: AgentInput) => void;
  /** The mergeable state that a function takes part in now; null: none. */
  readonly replicaOf?: (functionId: FunctionId) => PoolReplica | null;
  readonly logger: Logger;
}

/** A function that is being started. */
export interface Starting {
  readonly functionId: FunctionId;
  readonly run: number;
  readonly name: string;
  readonly specification: FunctionSpecification;
  readonly environment: Readonly<Record<string, string>>;
  readonly fill: (text: string) => string;
  readonly pid: () => number | null;
  /** Network of its own; null: the host's. */
  readonly network?: MovableNetwork | null;
  /** Where the function lives otherwise than we do. */
  readonly context?: FunctionContext;
  /** Of a function that a former agent started: what they share. */
  readonly formerFolder?: string | null;
}

interface Kept {
  readonly run: number;
  readonly state: Promise<FunctionState>;
  readonly settle: (state: FunctionState | Error) => void;
  /** Where it is handed secrets; null: it was not started yet. */
  place: Pick<HandedSecretsOptions, 'shared' | 'isOwn' | 'context'> | null;
  secrets: HandedSecrets | null;
  /** What it last said of its sessions; null: nothing. */
  sessions: { readonly movable: boolean; readonly count: number | null } | null;
}

/** How the agent talks of state with each function that it runs. */
export class FunctionStates {
  readonly #options: FunctionStatesOptions;
  readonly #kept = new Map<FunctionId, Kept>();
  readonly #handed = new Map<FunctionId, Handed>();

  constructor(options: FunctionStatesOptions) {
    this.#options = options;
  }

  /** A start begins: whoever asks for its state waits for `open`. */
  begin({ functionId, run }: Pick<Starting, 'functionId' | 'run'>): void {
    let settle: Kept['settle'] = () => undefined;
    const state = new Promise<FunctionState>((resolve, reject) => {
      settle = (result) => (result instanceof Error ? reject(result) : resolve(result));
    });
    // Nobody may ask.
    state.catch(() => undefined);
    this.#kept.set(functionId, { run, state, settle, place: null, secrets: null, sessions: null });
  }

  /** What a function is to be handed from now on, before it is started and while it runs; null: nothing any more. */
  hand(functionId: FunctionId, handed: Handed | null): void {
    if (handed === null) {
      this.#handed.delete(functionId);
      return;
    }
    this.#handed.set(functionId, handed);
    const kept = this.#kept.get(functionId);
    const { place = null } = kept ?? {};
    // One that was started by a former agent knows where; one that was started without is started anew for it.
    if (kept === undefined || place === null || (kept.secrets === null && place.shared === null)) return;
    try {
      kept.secrets ??= new HandedSecrets({ wanted: '', ...place });
      kept.secrets.write(handed);
    } catch (error) {
      const { message: reason } = error as Error;
      this.#options.logger.error(
        { functionId, reason },
        'the function is not handed the secrets of its pool',
      );
    }
  }

  /** Before the program is started, which gets the `environment` of the answer. @throws Error of the system */
  async open(starting: Starting): Promise<Pick<FunctionState, 'environment' | 'folder' | 'connections'>> {
    const { functionId, run, name } = starting;
    const { folder, give, logger, replicaOf } = this.#options;
    const created = await createFunctionState({
      ...starting,
      folder: `${folder}/${functionId}`,
      onHealth: ({ ok, reason }) => give({ type: 'health', functionId, run, ok, reason }),
      onSessions: (sessions) => {
        const kept = this.#kept.get(functionId);
        if (kept?.run !== run) return;
        kept.sessions = sessions;
        give({ type: 'sessions', functionId, run, ...sessions });
      },
      ...(replicaOf && { replica: () => replicaOf(functionId) }),
      onRefused: ({ code, message }) =>
        logger.warn({ name, code, reason: message }, 'the function was refused'),
      onNews: (message, figures, severity) =>
        logger[severity === 'warning' ? 'warn' : 'info']({ name, ...figures }, message),
    });
    const state: FunctionState = created ?? new NoFunctionState();
    const kept = this.#kept.get(functionId);
    if (kept?.run !== run) return state;
    kept.settle(state);
    const handed = this.#handed.get(functionId);
    const { formerFolder = null, context } = starting;
    const ofState = state.folder ?? null;
    kept.place = { shared: ofState ?? formerFolder, isOwn: ofState === null, context };
    if (handed === undefined) return state;
    kept.secrets = new HandedSecrets({ wanted: `${folder}/${functionId}`, ...kept.place });
    const environment = { ...state.environment, ...kept.secrets.write(handed) };
    return { environment, folder: kept.secrets.folder };
  }

  /** Tells once more what functions said of their sessions, to an agent core that did not know them before. */
  tellSessions(): void {
    for (const [functionId, { run, sessions }] of this.#kept)
      if (sessions !== null) this.#options.give({ type: 'sessions', functionId, run, ...sessions });
  }

  /** Which mergeable state is for which function may have changed. */
  mergeAnew(): void {
    for (const { state } of this.#kept.values())
      state.then(
        (open) => open.mergeAnew?.(),
        () => undefined,
      );
  }

  /** The functions live on, and the next agent talks with them. */
  async leave(): Promise<void> {
    const states = [...this.#kept.values()].map(({ state }) => state.catch(() => null));
    this.#kept.clear();
    for (const state of await Promise.all(states)) await state?.close(true);
  }

  /** @throws Error when the function is not there, or did not start */
  of(functionId: FunctionId): Promise<FunctionState> {
    return (
      this.#kept.get(functionId)?.state ?? Promise.reject(new Error(`function ${functionId} is not here`))
    );
  }

  /** What it is to do; a function that has no ear for it does as it did. */
  async role({ functionId, run, role, epoch }: AgentOutput & { readonly type: 'role' }): Promise<void> {
    const kept = this.#kept.get(functionId);
    if (kept?.run !== run) return;
    try {
      await (await kept.state).role(role, epoch);
    } catch (error) {
      this.#options.logger.warn(
        { functionId, role, reason: (error as Error).message },
        'the function does not take its role',
      );
    }
  }

  /** That run is over, or never began. */
  async end({ functionId, run }: Pick<Starting, 'functionId' | 'run'>): Promise<void> {
    const kept = this.#kept.get(functionId);
    if (kept?.run !== run) return;
    this.#kept.delete(functionId);
    kept.settle(new Error('the function has ended'));
    const state = await kept.state.catch(() => null);
    await state?.close();
    kept.secrets?.remove();
  }
}

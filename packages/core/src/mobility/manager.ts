// SPDX-License-Identifier: Apache-2.0
import type { Core } from '../core.ts';
import type { NodeId } from '../identity.ts';
import { forceToLeave, takeCommand } from './manager/commands.ts';
import { close, disconnected } from './manager/membership.ts';
import { takeMalformed, takeMessage, takeUnframeable } from './manager/messages.ts';
import { ManagerEndpointState } from './manager/state.ts';
import { expireNode, isDue, nodeDeadline } from './manager/supervision.ts';
import type { ManagerOptions, MobilityManagerInput, MobilityManagerOutput } from './types.ts';

type Taker<Input extends MobilityManagerInput> = (state: ManagerEndpointState, input: Input) => void;

const INPUTS: {
  readonly [T in MobilityManagerInput['type']]: Taker<Extract<MobilityManagerInput, { readonly type: T }>>;
} = {
  connected: (state, { connection, identity }) => {
    const deadlineMs = state.nowMs + state.options.registrationTimeoutMs;
    state.connections.set(connection, { identity, deadlineMs });
  },
  message: (state, { connection, message }) => takeMessage(state, connection, message),
  malformed: (state, { connection, error }) => takeMalformed(state, connection, error),
  unframeable: (state, { connection, reason }) => takeUnframeable(state, connection, reason),
  disconnected: (state, { connection }) => disconnected(state, connection),
  deregister: (state, { node, requestId }) => forceToLeave(state, node, requestId),
  add: takeCommand,
  delete: takeCommand,
  get: takeCommand,
  move: takeCommand,
  copy: takeCommand,
  'move-session': takeCommand,
};

/**
 * The manager's side of the service-mobility protocol, for all nodes: registration, supervision, and operations
 * that are carried out at most once.
 * @see draft-yokota-opsawg-virtnw-service-management-02 §5, §6
 */
export class MobilityManager implements Core<MobilityManagerInput, MobilityManagerOutput> {
  readonly #state: ManagerEndpointState;

  constructor(options: ManagerOptions) {
    this.#state = new ManagerEndpointState({
      keepAliveIntervalMs: 1000,
      keepAliveMisses: 3,
      ackTimeoutMs: 5000,
      registrationTimeoutMs: 5000,
      operationsMax: 1024,
      plainNumbers: new Map(),
      ...options,
    });
    const { keepAliveIntervalMs } = this.#state.options;
    if (!(keepAliveIntervalMs >= 50 && keepAliveIntervalMs <= 60_000)) {
      throw new RangeError(`keepAliveIntervalMs must be 50 to 60000, got ${keepAliveIntervalMs}`);
    }
  }

  handle(input: MobilityManagerInput, nowMs: number): MobilityManagerOutput[] {
    this.#state.nowMs = nowMs;
    // The table pairs each input with its own function; the compiler cannot follow that through an index.
    (INPUTS[input.type] as Taker<MobilityManagerInput>)(this.#state, input);
    return this.#state.drain();
  }

  expire(nowMs: number): MobilityManagerOutput[] {
    const state = this.#state;
    state.nowMs = nowMs;
    for (const [id, connection] of state.connections) {
      if (isDue(connection.deadlineMs, nowMs)) close(state, id, 'no registration in time');
    }
    for (const node of state.nodes.values()) expireNode(state, node);
    return state.drain();
  }

  /** When a node was heard last, by the driver's clock; null: it is not known. */
  lastHeardMs(node: NodeId): number | null {
    return this.#state.nodes.get(node)?.lastHeardMs ?? null;
  }

  nextDeadline(): number | undefined {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { deadlineMs } of this.#state.connections.values()) {
      if (deadlineMs !== null) earliest = Math.min(earliest, deadlineMs);
    }
    for (const node of this.#state.nodes.values()) {
      earliest = Math.min(earliest, nodeDeadline(this.#state, node));
    }
    return earliest === Number.POSITIVE_INFINITY ? undefined : earliest;
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { Core } from '../core.ts';
import { takeMalformed, takeMessage, takeUnframeable } from './node/messages.ts';
import { takeAnswer } from './node/operations.ts';
import { NodeEndpointState } from './node/state.ts';
import { lazyDeadline, tellChanges } from './node/status-updates.ts';
import { discover, expirePhase, lost, phaseDeadline, register, start, stop } from './node/way-to-manager.ts';
import type { MobilityNodeInput, MobilityNodeOutput, NodeOptions } from './types.ts';
import { isSameList, isSameRecord } from './unchanged.ts';

type Taker<Input extends MobilityNodeInput> = (state: NodeEndpointState, input: Input) => void;

const INPUTS: {
  readonly [T in MobilityNodeInput['type']]: Taker<Extract<MobilityNodeInput, { readonly type: T }>>;
} = {
  start,
  connected: (state, { connection }) => {
    if (state.phase.name === 'connecting') register(state, connection);
    else state.close(connection, 'not asked for');
  },
  'connect-failed': (state, { reason }) => {
    if (state.phase.name === 'connecting') discover(state, reason);
  },
  disconnected: (state, { connection }) => {
    if (connection === state.connection) lost(state, 'connection was reset');
  },
  message: (state, { connection, message }) => {
    if (connection === state.connection) takeMessage(state, message);
  },
  malformed: (state, { connection, error }) => {
    if (connection === state.connection) takeMalformed(state, error);
  },
  unframeable: (state, { connection, reason }) => {
    if (connection === state.connection) takeUnframeable(state, reason);
  },
  answer: takeAnswer,
  'function-changed': (state, input) => state.functions.change(input.functionId, input),
  'slots-changed': (state, { report }) => {
    state.slots.change(report);
  },
  'node-changed': (state, { addresses, statePort, leaseEndpoint, information }) => {
    if (addresses && !isSameList(addresses, state.addresses)) state.addressesDue = true;
    if (statePort !== undefined && statePort !== state.statePort) state.addressesDue = true;
    state.statePort = statePort ?? state.statePort;
    state.leaseEndpoint = leaseEndpoint ?? state.leaseEndpoint;
    if (information && !isSameRecord(information, state.information)) state.informationDue = true;
    state.addresses = addresses ?? state.addresses;
    state.information = information ?? state.information;
  },
  stop,
};

/**
 * The execution node's side of the service-mobility protocol: finds and keeps a manager, hands its operations
 * to the agent at most once and in order for each function, and tells every change.
 * @see draft-yokota-opsawg-virtnw-service-management-02 §5, §6
 */
export class MobilityNode implements Core<MobilityNodeInput, MobilityNodeOutput> {
  readonly #state: NodeEndpointState;

  constructor(options: NodeOptions) {
    this.#state = new NodeEndpointState({
      ackTimeoutMs: 5000,
      loadIntervalMs: 1000,
      operationsMax: 256,
      ...options,
    });
  }

  handle(input: MobilityNodeInput, nowMs: number): MobilityNodeOutput[] {
    this.#state.nowMs = nowMs;
    // The table pairs each input with its own function; the compiler cannot follow that through an index.
    (INPUTS[input.type] as Taker<MobilityNodeInput>)(this.#state, input);
    return this.#finish();
  }

  expire(nowMs: number): MobilityNodeOutput[] {
    this.#state.nowMs = nowMs;
    expirePhase(this.#state);
    return this.#finish();
  }

  nextDeadline(): number | undefined {
    const earliest = Math.min(
      phaseDeadline(this.#state) ?? Number.POSITIVE_INFINITY,
      lazyDeadline(this.#state),
    );
    return earliest === Number.POSITIVE_INFINITY ? undefined : earliest;
  }

  /** After every input: tell what has changed. */
  #finish(): MobilityNodeOutput[] {
    tellChanges(this.#state);
    return this.#state.drain();
  }
}

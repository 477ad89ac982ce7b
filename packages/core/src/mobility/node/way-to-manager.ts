// SPDX-License-Identifier: Apache-2.0
import {
  type Ack,
  AckCode,
  type Extensions,
  encodeLeaseEndpoint,
  MobilityError,
  type NodePart,
} from '@vnfpool/wire/mobility';
import { nodeId } from '../../identity.ts';
import { textOf } from '../answer.ts';
import { Inbox } from '../inbox.ts';
import type { ConnectionId } from '../types.ts';
import type { NodeEndpointState } from './state.ts';

/** Time for which a node stays away after ACK 130 or a forced DE-REGISTRATION. */
const IDLE_MS = 60_000;

export function start(state: NodeEndpointState): void {
  state.isStopped = false;
  if (state.phase.name === 'idle') connect(state, 'started');
}

function connect(state: NodeEndpointState, reason: string): void {
  state.phase = { name: 'connecting' };
  state.tell({ type: 'connect', reason });
}

/** Looks for a manager again, at once or after a while. */
export function discover(state: NodeEndpointState, reason: string): void {
  if (state.isStopped) {
    state.phase = { name: 'idle', untilMs: null };
    return;
  }
  const waitMs = state.backoff.next();
  if (waitMs === 0) return connect(state, reason);
  state.phase = { name: 'discovering', atMs: state.nowMs + waitMs };
}

/** Leaves managers alone for a while. */
function stayAway(state: NodeEndpointState): void {
  state.phase = { name: 'idle', untilMs: state.isStopped ? null : state.nowMs + IDLE_MS };
}

export function register(state: NodeEndpointState, connection: ConnectionId): void {
  const sequence = state.outbox.allocate();
  const deadlineMs = state.nowMs + state.options.ackTimeoutMs;
  state.phase = { name: 'registering', connection, sequence, deadlineMs };
  const { instance } = state.options;
  const { leaseEndpoint, statePort } = state;
  const extensions: Extensions = {
    hello: { version: 1, instance },
    ...(leaseEndpoint ? { leaseEndpoint: encodeLeaseEndpoint(leaseEndpoint) } : {}),
  };
  const node: NodePart = {
    id: state.nodeId,
    ...(state.addresses.length > 0 ? { addresses: state.addresses } : {}),
    ...(statePort === undefined ? {} : { ports: [statePort] }),
    information: state.ownInformation,
    extensions,
  };
  // An older report that is sent again after this would undo what is told here.
  state.addressesDue = state.addressesInFlight;
  state.informationDue = state.informationInFlight;
  state.send({ type: 'registration', sequence, nodes: [node] });
}

/** The manager's answer to REGISTRATION. */
export function registrationAnswered(state: NodeEndpointState, connection: ConnectionId, ack: Ack): void {
  const [part] = ack.nodes;
  const hello = part?.extensions?.hello;
  if (ack.code >= 128) {
    state.event('refused', `REGISTRATION refused with ${ack.code}: ${textOf(ack)}`);
    if (ack.code !== AckCode.administrativelyProhibited) return drop(state, `refused: ${textOf(ack)}`);
    state.close(connection, textOf(ack));
    return stayAway(state);
  }
  const given = part?.id ?? 0;
  if (given === 0 || (state.nodeId !== 0 && given !== state.nodeId)) {
    state.event('refused', `the manager answers for node ${given}`);
    return drop(state, 'wrong node id in the ACK');
  }
  if (hello?.term !== undefined && hello.term < state.highestTerm) {
    const text = `term ${hello.term} is below ${state.highestTerm}`;
    state.event('term-refused', text);
    // There is no ACK to an ACK, and whoever led once should know.
    const extensions = { error: MobilityError.stale };
    const nodes = [{ id: given, text, extensions }];
    state.send({ type: 'error', sequence: state.outbox.allocate(), nodes });
    return drop(state, 'the manager has an old term');
  }
  adopt(state, given, hello?.term);
  const instance = hello?.instance ?? null;
  if (state.managerInstance !== undefined && state.managerInstance !== instance) startAnew(state);
  // Whoever has not been told, or may have forgotten, is told everything.
  if (state.managerInstance !== instance) state.functions.tellAll();
  state.managerInstance = instance;
  state.slots.begin();
  state.useTiming(part?.extensions);
  state.backoff.reset();
  state.phase = { name: 'managed', connection };
  state.tell({ type: 'managed', nodeId: nodeId(given), term: hello?.term ?? null });
  for (const message of state.outbox.resend(state.nowMs)) state.send(message);
}

function adopt(state: NodeEndpointState, given: number, term: bigint | undefined): void {
  const highestTerm = term ?? state.highestTerm;
  if (given === state.nodeId && highestTerm === state.highestTerm) return;
  state.nodeId = given;
  state.highestTerm = highestTerm;
  state.tell({ type: 'persist', nodeId: given, highestTerm });
}

/** Another manager process: both windows and counters begin again. */
function startAnew(state: NodeEndpointState): void {
  forgetWork(state);
  state.inbox = new Inbox();
  state.outbox.restart();
}

/** Nobody waits for answers any more, and whoever comes next has to be told everything. */
function forgetWork(state: NodeEndpointState): void {
  state.outbox.dropSent();
  state.outbox.dropWaiting();
  state.operations.clear();
  state.configuration.forget();
  state.functions.tellAll();
  // What is due stays so: it may have changed since REGISTRATION was sent.
  state.addressesInFlight = false;
  state.informationInFlight = false;
  state.slots.begin();
}

/** Ends the connection and looks for another manager. */
export function drop(state: NodeEndpointState, reason: string): void {
  const { connection } = state;
  if (connection !== null) state.close(connection, reason);
  lost(state, reason);
}

/** The connection is gone. */
export function lost(state: NodeEndpointState, reason: string): void {
  const wasManaged = state.phase.name === 'managed' || state.phase.name === 'leaving';
  if (wasManaged) state.tell({ type: 'unmanaged', reason });
  if (state.phase.name === 'leaving') forgetWork(state);
  discover(state, reason);
}

/** The manager does not want this node. */
export function forcedToLeave(state: NodeEndpointState, connection: ConnectionId): void {
  state.close(connection, 'forced to leave');
  state.tell({ type: 'unmanaged', reason: 'forced to leave' });
  forgetWork(state);
  stayAway(state);
}

export function stop(state: NodeEndpointState): void {
  state.isStopped = true;
  const { phase } = state;
  if (phase.name === 'managed') {
    const sequence = state.outbox.allocate();
    const deadlineMs = state.nowMs + state.options.ackTimeoutMs;
    state.phase = { name: 'leaving', connection: phase.connection, sequence, deadlineMs };
    state.send({ type: 'deregistration', sequence, nodes: [{ id: state.nodeId }] });
    return;
  }
  if (phase.name === 'registering') drop(state, 'stopped');
  else if (phase.name !== 'leaving') state.phase = { name: 'idle', untilMs: null };
}

/** When the way to the manager next needs the clock; undefined: never. */
export function phaseDeadline(state: NodeEndpointState): number | undefined {
  const { phase } = state;
  switch (phase.name) {
    case 'idle':
      return phase.untilMs ?? undefined;
    case 'discovering':
      return phase.atMs;
    case 'connecting':
      return undefined;
    case 'registering':
    case 'leaving':
      return phase.deadlineMs;
    case 'managed':
      return Math.min(silenceDeadline(state), ackDeadline(state));
  }
}

/** Does what is due on the way to the manager. */
export function expirePhase(state: NodeEndpointState): void {
  const deadlineMs = phaseDeadline(state);
  if (deadlineMs === undefined || deadlineMs > state.nowMs) return;
  switch (state.phase.name) {
    case 'idle':
      return connect(state, 'time to try again');
    case 'discovering':
      return connect(state, 'looking for the manager');
    case 'connecting':
      return;
    case 'registering':
      return drop(state, 'no answer to REGISTRATION');
    case 'leaving':
      return drop(state, 'no answer to DE-REGISTRATION');
    case 'managed':
      if (silenceDeadline(state) <= state.nowMs) return drop(state, 'the manager is silent');
      state.event('ack-timeout', 'no ACK in time');
      return drop(state, 'no ACK in time');
  }
}

/** When the manager has been silent for T x (M + 1). */
function silenceDeadline(state: NodeEndpointState): number {
  return state.heardMs + state.keepAliveIntervalMs * (state.keepAliveMisses + 1);
}

function ackDeadline(state: NodeEndpointState): number {
  return state.outbox.deadline(state.options.ackTimeoutMs) ?? Number.POSITIVE_INFINITY;
}

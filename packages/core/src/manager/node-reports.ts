// SPDX-License-Identifier: Apache-2.0
import type { MobilityManagerOutput } from '../mobility/types.ts';
import { reclassify } from './failure-class.ts';
import type { Journal } from './journal.ts';
import type { NodeRecord } from './records.ts';
import type { ManagerState, NodeLife } from './state.ts';
import { takeTrouble } from './troubles.ts';

type Output<Type extends MobilityManagerOutput['type']> = Extract<
  MobilityManagerOutput,
  { readonly type: Type }
>;

const NOTHING_ASKED: ReadonlySet<number> = new Set();

const NEW_LIFE: Omit<NodeLife, 'tightPools'> = {
  state: 'absent',
  reason: '',
  heard: false,
  asked: NOTHING_ASKED,
  address: null,
  muteUntilMs: 0,
  lastHeardMs: null,
  stalls: null,
  stateAddresses: [],
  statePort: null,
  councils: [],
};

export function lifeOf(state: ManagerState, name: string): NodeLife {
  let life = state.lives.get(name);
  if (!life) state.lives.set(name, (life = { ...NEW_LIFE, tightPools: new Set() }));
  return life;
}

export function saveNode(state: ManagerState, journal: Journal, record: NodeRecord): void {
  state.nodes.set(record.name, record);
  journal.save({ table: 'nodes', key: record.name, value: record });
}

/** A node registered. Another boot time means that what it ran and knew is gone. */
export function takeRegistration(
  state: ManagerState,
  journal: Journal,
  input: Output<'node-registered'>,
  nowMs: number,
  wallMs: number,
): void {
  const former = state.nodes.get(input.name);
  const bootTime = input.bootTime.toString();
  const isNew =
    former?.bootTime !== bootTime || former.id !== input.node || (input.bootTime === 0n && !input.resumed);
  saveNode(state, journal, {
    id: input.node,
    name: input.name,
    certificateSerial: former?.certificateSerial ?? null,
    endpoint: input.leaseEndpoint,
    bootTime,
    configuration: isNew ? null : former.configuration,
    ...(former?.drainedSinceMs === undefined ? {} : { drainedSinceMs: former.drainedSinceMs }),
    ...(former?.maintenance === undefined ? {} : { maintenance: former.maintenance }),
  });
  if (isNew) forgetFunctions(state, journal, input.name, new Set());
  const life = lifeOf(state, input.name);
  const wasRegistered = life.state === 'registered';
  life.state = 'registered';
  life.reason = isNew
    ? 'It registered with a new function table.'
    : 'It registered with the functions that it had.';
  // A plain peer is not asked what it runs; what it tells by itself has to do.
  life.heard = input.leaseEndpoint === null || (input.resumed && life.heard);
  // Its agent may be another one, which finds that some of them have ended.
  const toldBefore = input.isAsked ? [...state.functions.values()] : [];
  life.asked = new Set(
    toldBefore.filter(({ node }) => node === input.name).map(({ functionId }) => functionId),
  );
  life.stateAddresses = input.addresses;
  life.statePort = input.statePort;
  const formerAddress = life.address;
  life.address = input.addresses[0] ?? input.leaseEndpoint?.address ?? null;
  life.lastHeardMs = nowMs;
  if (!wasRegistered)
    journal.event(
      wallMs,
      'node.registered',
      'info',
      `node ${input.name}`,
      `${input.name} registered. ${life.reason}`,
    );
  tellMoved(journal, input.name, formerAddress, life.address, wallMs);
}

/** A node has another address: where its state and its lease datagrams are taken goes with it. */
export function takeMoved(
  state: ManagerState,
  journal: Journal,
  { node, addresses, statePort, leaseEndpoint }: Output<'node-moved'>,
  wallMs: number,
): void {
  const record = state.nodeById(node);
  const [address] = addresses;
  if (record === undefined || address === undefined) return;
  const life = lifeOf(state, record.name);
  const former = life.address;
  life.address = address;
  life.stateAddresses = addresses;
  life.statePort = statePort ?? life.statePort;
  const endpoint = leaseEndpoint ?? (record.endpoint && { ...record.endpoint, address });
  saveNode(state, journal, { ...record, endpoint });
  tellMoved(journal, record.name, former, address, wallMs);
}

function tellMoved(
  journal: Journal,
  name: string,
  former: string | null,
  address: string | null,
  wallMs: number,
): void {
  if (former === null || address === null || former === address) return;
  const message = `${name} is at ${address} now, no longer at ${former}.`;
  journal.event(wallMs, 'node.moved', 'info', `node ${name}`, message);
}

/** The node has told everything that it runs. Only now can something be missing, or too much. */
export function takeFunctions(state: ManagerState, journal: Journal, input: Output<'node-functions'>): void {
  const name = state.nodeById(input.node)?.name;
  if (name === undefined) return;
  forgetFunctions(state, journal, name, new Set<number>(input.functionIds));
  const life = lifeOf(state, name);
  life.heard = true;
  life.asked = NOTHING_ASKED;
  // What it refused before it registered says nothing about now.
  for (const key of state.retries.keys()) if (key.startsWith(`${name}/`)) state.retries.delete(key);
}

export function takeNodeState(
  state: ManagerState,
  journal: Journal,
  input: Output<'node-suspect'> | Output<'node-lost'> | Output<'node-back'> | Output<'node-left'>,
  nowMs: number,
  wallMs: number,
): void {
  const name = state.nodeById(input.node)?.name;
  if (name === undefined) return;
  const life = lifeOf(state, name);
  const isExpected = state.nodes.get(name)?.maintenance !== undefined;
  const alarm = (type: string, severity: 'warning' | 'error', message: string): void =>
    isExpected
      ? journal.event(
          wallMs,
          type,
          'info',
          `node ${name}`,
          `${name} is silent, as expected: it is in maintenance.`,
        )
      : journal.event(wallMs, type, severity, `node ${name}`, message);
  switch (input.type) {
    case 'node-suspect':
      life.state = 'suspect';
      life.reason = input.reason;
      alarm('node.suspect', 'warning', `${name} is silent: ${input.reason}`);
      reclassify(state, journal, name, wallMs);
      return;
    case 'node-lost':
      life.state = 'lost';
      life.reason = input.reason;
      alarm(
        'node.lost',
        'error',
        `${name} is lost: ${input.reason.replace(/\.?$/, '.')} Its instances stay where they are until it is back or not declared any more.`,
      );
      reclassify(state, journal, name, wallMs);
      return;
    case 'node-back':
      life.state = 'registered';
      life.reason = 'It answers again.';
      life.lastHeardMs = nowMs;
      journal.event(wallMs, 'node.back', 'info', `node ${name}`, `${name} answers again.`);
      return;
    case 'node-left':
      life.state = 'absent';
      life.reason = input.reason;
      life.heard = false;
      life.asked = NOTHING_ASKED;
      alarm('node.left', 'warning', `${name} has left: ${input.reason}`);
      return;
  }
}

export function takeFunctionStatus(
  state: ManagerState,
  journal: Journal,
  input: Output<'function-status'>,
  nowMs: number,
  wallMs: number,
): void {
  const name = state.nodeById(input.node)?.name;
  if (name === undefined) return;
  const life = lifeOf(state, name);
  life.lastHeardMs = nowMs;
  if (life.asked.has(input.functionId))
    life.asked = new Set([...life.asked].filter((functionId) => functionId !== input.functionId));
  const key = `${name}/${input.functionId}`;
  const former = state.functions.get(key);
  const instance = state.instances.get(input.functionId);
  const subject = instance ? `instance ${instance.pool}#${instance.number}` : `node ${name}`;
  const who = instance ? `${instance.pool}#${instance.number}` : `function ${input.functionId}`;
  const moving = state.moves.get(input.functionId)?.from === name && state.moveLives.get(input.functionId);
  if (moving && input.reason.startsWith('moved to node ')) moving.hasLeft = true;
  if (input.gone || input.status === 'Unknown') {
    if (!former) return;
    forget(state, journal, key);
    journal.event(
      wallMs,
      'instance.gone',
      'info',
      subject,
      `${who} does not run on ${name} any more${input.reason ? `: ${input.reason}` : '.'}`,
    );
    return;
  }
  const report = input.report ?? former?.report ?? null;
  state.functions.set(key, {
    node: name,
    functionId: input.functionId,
    status: input.status,
    report,
    reason: input.reason,
  });
  takeTrouble(state, journal, key, { subject, name: `${who} on ${name}` }, input.report ?? null, {
    nowMs,
    wallMs,
  });
  if (former?.status !== input.status)
    journal.event(
      wallMs,
      'instance.status',
      'info',
      subject,
      `${who} on ${name} is ${input.status.toLowerCase()}.`,
    );
  if (report?.failing && !former?.report?.failing)
    journal.event(
      wallMs,
      'instance.failing',
      'error',
      subject,
      `${who} on ${name} ends again and again: ${report.reason}`,
    );
  else if (
    former?.report &&
    report &&
    former.report.healthy !== report.healthy &&
    input.status === 'Running'
  ) {
    const word = report.healthy ? 'healthy' : 'not healthy';
    journal.event(
      wallMs,
      'instance.health',
      report.healthy ? 'info' : 'warning',
      subject,
      `${who} on ${name} is ${word}${report.reason ? `: ${report.reason}` : '.'}`,
    );
  }
}

/** Forgets every function of the node but the ones named; they have to be added anew. */
export function forgetFunctions(
  state: ManagerState,
  journal: Journal,
  node: string,
  except: ReadonlySet<number>,
): void {
  for (const [key, life] of state.functions)
    if (life.node === node && !except.has(life.functionId)) forget(state, journal, key);
  for (const instance of state.instances.values()) {
    if (instance.node === node && !except.has(instance.functionId))
      forgetTold(state, journal, instance.functionId);
  }
}

export function forget(state: ManagerState, journal: Journal, key: string): void {
  const life = state.functions.get(key);
  state.functions.delete(key);
  state.troubles.delete(key);
  if (life && state.instances.get(life.functionId)?.node === life.node)
    forgetTold(state, journal, life.functionId);
}

function forgetTold(state: ManagerState, journal: Journal, functionId: number): void {
  if (state.told.delete(functionId)) journal.save({ table: 'told', key: String(functionId), value: null });
}

// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import {
  type Ack,
  AckCode,
  type LeaseEndpoint,
  type MobilityDecodeError,
  MobilityError,
  type MobilityMessage,
  parseLeaseEndpoint,
  type Registration,
} from '@vnfpool/wire/mobility';
import type { Core } from '../core.ts';
import type { NodeId } from '../identity.ts';
import {
  ackOf,
  cutText,
  errorOf,
  malformedAck,
  type Refusal,
  refusalOf,
  refusalOfDocument,
  subTypeOf,
  textOf,
} from './answer.ts';
import { Inbox } from './inbox.ts';
import { type Expectation, incarnationOf, type ManagedNode, newManagedNode } from './manager-node.ts';
import { operationOf, synchronisation } from './manager-operations.ts';
import { functionParts, functionsOf, reportOf, reportsOfAck, reportsOfUpdate } from './manager-reports.ts';
import type {
  ConnectionId,
  ManagerOptions,
  MobilityEvent,
  MobilityManagerInput,
  MobilityManagerOutput,
  PeerIdentity,
} from './types.ts';

interface Connection {
  readonly identity: PeerIdentity;
  /** Closed when not registered until then; null once registered, or while a challenger waits. */
  deadlineMs: number | null;
}

/** Unanswered KEEP-ALIVE numbers remembered on one connection. */
const KEEP_ALIVES_MAX = 64;

/**
 * The manager's side of the service-mobility protocol, for all nodes: registration, supervision, and operations
 * that are carried out at most once.
 * @see draft-yokota-opsawg-virtnw-service-management-02 §5, §6
 */
export class MobilityManager implements Core<MobilityManagerInput, MobilityManagerOutput> {
  readonly #options: Required<ManagerOptions>;
  readonly #connections = new Map<ConnectionId, Connection>();
  readonly #nodes = new Map<NodeId, ManagedNode>();
  /** Nodes that left: should the same process come back, its numbers and ours go on. One for each Node ID at most. */
  readonly #departed = new Map<NodeId, ManagedNode>();
  #out: MobilityManagerOutput[] = [];
  #nowMs = 0;

  constructor(options: ManagerOptions) {
    this.#options = {
      keepAliveIntervalMs: 1000,
      keepAliveMisses: 3,
      ackTimeoutMs: 5000,
      registrationTimeoutMs: 5000,
      operationsMax: 1024,
      ...options,
    };
    const { keepAliveIntervalMs } = this.#options;
    if (!(keepAliveIntervalMs >= 50 && keepAliveIntervalMs <= 60_000)) {
      throw new RangeError(`keepAliveIntervalMs must be 50 to 60000, got ${keepAliveIntervalMs}`);
    }
  }

  handle(input: MobilityManagerInput, nowMs: number): MobilityManagerOutput[] {
    return this.#run(nowMs, () => this.#handle(input));
  }

  expire(nowMs: number): MobilityManagerOutput[] {
    return this.#run(nowMs, () => {
      for (const [id, connection] of this.#connections) {
        if (due(connection.deadlineMs, nowMs)) this.#close(id, 'no registration in time');
      }
      for (const node of this.#nodes.values()) this.#expireNode(node);
    });
  }

  nextDeadline(): number | undefined {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { deadlineMs } of this.#connections.values()) {
      if (deadlineMs !== null) earliest = Math.min(earliest, deadlineMs);
    }
    for (const node of this.#nodes.values()) {
      if (node.resetDeadlineMs !== null) earliest = Math.min(earliest, node.resetDeadlineMs);
      if (node.challenger) earliest = Math.min(earliest, node.challenger.deadlineMs);
      if (node.connection === null) continue;
      earliest = Math.min(earliest, node.nextKeepAliveMs);
      const ackDeadline = node.outbox.deadline(this.#options.ackTimeoutMs);
      if (ackDeadline !== undefined) earliest = Math.min(earliest, ackDeadline);
    }
    return earliest === Number.POSITIVE_INFINITY ? undefined : earliest;
  }

  #run(nowMs: number, work: () => void): MobilityManagerOutput[] {
    this.#nowMs = nowMs;
    this.#out = [];
    work();
    return this.#out;
  }

  #handle(input: MobilityManagerInput): void {
    switch (input.type) {
      case 'connected':
        this.#connections.set(input.connection, {
          identity: input.identity,
          deadlineMs: this.#nowMs + this.#options.registrationTimeoutMs,
        });
        return;
      case 'message':
        return this.#message(input.connection, input.message);
      case 'malformed':
        return this.#malformed(input.connection, input.error);
      case 'unframeable':
        return this.#unframeable(input.connection, input.reason);
      case 'disconnected':
        return this.#disconnected(input.connection);
      case 'deregister':
        return this.#forceLeave(input.node, input.requestId);
      case 'add':
      case 'delete':
      case 'get':
        return this.#command(input);
    }
  }

  // ------------------------------------------------------------ messages

  #message(id: ConnectionId, message: MobilityMessage): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    const node = this.#registered(id);
    const told = message.nodes[0]?.id ?? 0;
    const own = connection.identity.node;
    if (told !== own && !(told === 0 && (message.type === 'registration' || message.type === 'ack'))) {
      const text = `node id ${told} is not yours`;
      return this.#refuse(id, message, { code: AckCode.administrativelyProhibited, text });
    }
    if (node) this.#heard(node);
    if (message.type === 'registration') return this.#registration(id, connection, message);
    if (node === undefined)
      return this.#refuse(id, message, { code: AckCode.failed, text: 'not registered' });
    if (message.type === 'ack') return this.#acknowledged(node, message);
    const arrival = node.inbox.classify(message.sequence);
    if (arrival.kind === 'new') return this.#carryOut(node, id, message);
    this.#event('duplicate', node, id, `number ${message.sequence} again: ${arrival.kind}`);
    if (arrival.kind === 'repeat') this.#send(id, arrival.ack);
    if (arrival.kind === 'stale') {
      this.#refuse(id, message, { code: AckCode.statusUnknown, text: 'sequence number is too old' });
    }
  }

  #carryOut(
    node: ManagedNode,
    id: ConnectionId,
    message: Exclude<MobilityMessage, Ack | Registration>,
  ): void {
    node.inbox.begin(message.sequence);
    let ack = ackOf(message, { id: node.identity.node });
    switch (message.type) {
      case 'status-update':
        try {
          const reports = reportsOfUpdate(node, message);
          node.addresses = message.nodes[0]?.addresses ?? node.addresses;
          this.#out.push(...reports);
        } catch (error) {
          const refusal = refusalOfDocument(error);
          this.#event('malformed', node, id, refusal.text);
          ack = refusalOf(message, node.identity.node, refusal, node.instance !== null);
        }
        break;
      case 'error':
        this.#event('peer-error', node, id, textOf(message));
        break;
      case 'deregistration':
        this.#send(id, ack);
        return this.#leave(node, 'de-registered');
      case 'keep-alive':
      case 'operation': {
        const refusal = { code: AckCode.failed, text: `${message.type} is not for a manager` };
        this.#event('refused', node, id, refusal.text);
        ack = refusalOf(message, node.identity.node, refusal, node.instance !== null);
      }
    }
    node.inbox.finish(ack);
    this.#send(id, ack);
  }

  #acknowledged(node: ManagedNode, ack: Ack): void {
    const isKeepAlive = node.keepAlives.delete(ack.sequence);
    const found = isKeepAlive ? undefined : node.outbox.find(ack.sequence);
    if (!isKeepAlive && found === undefined) {
      return this.#event('unexpected-ack', node, node.connection, `to number ${ack.sequence}`);
    }
    const expected = found ? subTypeOf(found.message) : 0;
    if (ack.subType !== expected) {
      const text = `ACK to number ${ack.sequence} has Sub-Type ${ack.subType}, not ${expected}`;
      this.#event('unexpected-ack', node, node.connection, text);
      return this.#report(node, text);
    }
    const deletes = found?.tag.type === 'request' && found.tag.command === 'delete';
    this.#parsed(node, () => this.#out.push(...reportsOfAck(node, ack, deletes)));
    if (found === undefined) return;
    node.outbox.answered(ack.sequence);
    this.#fulfil(node, found.tag, ack);
    this.#pump(node);
  }

  #fulfil(node: ManagedNode, tag: Expectation, ack: Ack): void {
    switch (tag.type) {
      case 'error':
        return;
      case 'deregister':
        this.#result(tag.requestId, { code: ack.code, text: textOf(ack) });
        return this.#leave(node, 'forced to leave');
      case 'synchronise': {
        node.synchronising = false;
        if (ack.code >= 128) {
          return this.#event('refused', node, node.connection, `GET of all functions: code ${ack.code}`);
        }
        const functionIds = functionsOfOrNone(ack);
        if (functionIds) this.#out.push({ type: 'node-functions', node: node.identity.node, functionIds });
        return;
      }
      case 'request': {
        const part = functionParts(ack).find((candidate) => candidate.id === tag.functionId);
        const result = { code: ack.code, error: errorOf(ack), text: textOf(ack) };
        const status = part?.information?.status ?? null;
        const parsed = this.#parsed(node, () => ({
          report: reportOf(part),
          ...(tag.command === 'get' ? { functions: functionsOf(ack) } : {}),
        }));
        this.#result(tag.requestId, { ...result, status, ...parsed });
      }
    }
  }

  /** A document in an ACK that does not parse is told to the peer as ERROR: an ACK gets no answer. */
  #parsed<T>(node: ManagedNode, parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#event('malformed', node, node.connection, error.message);
      this.#report(node, error.message);
      return undefined;
    }
  }

  #malformed(id: ConnectionId, error: MobilityDecodeError): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    const node = this.#registered(id);
    if (node) this.#heard(node);
    this.#event('malformed', connection.identity.node, id, error.message);
    if (error.messageType === ACK_TYPE) return node && this.#report(node, error.message);
    this.#send(id, malformedAck(error, connection.identity.node, (node?.instance ?? null) !== null));
  }

  #unframeable(id: ConnectionId, reason: string): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    this.#event('malformed', connection.identity.node, id, reason);
    const sequence = this.#registered(id)?.outbox.allocate() ?? 1;
    const nodes = [{ id: connection.identity.node, text: cutText(reason) }];
    this.#send(id, { type: 'error', sequence, nodes });
    this.#close(id, reason);
  }

  // -------------------------------------------------------- registration

  #registration(id: ConnectionId, connection: Connection, message: Registration): void {
    const hello = message.nodes[0]?.extensions?.hello;
    if (hello && hello.version !== 1) {
      const text = `extension version ${hello.version} is not understood`;
      const code = AckCode.administrativelyProhibited;
      return this.#refuse(id, message, { code, text, error: MobilityError.versionNotUnderstood });
    }
    const node = this.#nodes.get(connection.identity.node);
    if (node === undefined || node.connection === null || node.connection === id) {
      return this.#accept(id, connection, message);
    }
    const { bootTime, instance } = incarnationOf(message);
    const isSame = bootTime === node.bootTime && instance === node.instance;
    const isFresh =
      node.state === 'registered' || this.#nowMs - node.lastHeardMs <= this.#options.keepAliveIntervalMs;
    if (isSame || !isFresh) return this.#accept(id, connection, message);
    if (node.challenger) return this.#refuseSecond(id, message, node);
    // Someone who lives has this ID: ask them before handing it over.
    connection.deadlineMs = null;
    const deadlineMs = this.#nowMs + this.#options.keepAliveIntervalMs;
    node.challenger = { connection: id, message, deadlineMs };
    this.#keepAlive(node);
  }

  #refuseSecond(id: ConnectionId, message: Registration, node: ManagedNode): void {
    const text = `node id ${node.identity.node} is in use by another node that answers`;
    this.#event('second-node', node, id, text);
    this.#refuse(id, message, { code: AckCode.failed, text, error: MobilityError.nodeIdInUse });
    this.#close(id, text);
  }

  #accept(id: ConnectionId, connection: Connection, message: Registration): void {
    const { identity } = connection;
    const part = message.nodes[0];
    let leaseEndpoint: LeaseEndpoint | null = null;
    try {
      const octets = part?.extensions?.leaseEndpoint;
      if (octets) leaseEndpoint = parseLeaseEndpoint(octets);
    } catch (error) {
      return this.#refuse(id, message, refusalOfDocument(error));
    }
    const known = this.#nodes.get(identity.node);
    const node =
      known ??
      this.#departed.get(identity.node) ??
      newManagedNode(identity, this.#options.operationsMax, this.#nowMs);
    this.#departed.delete(identity.node);
    const before = node.state;
    if (node.connection !== null && node.connection !== id) {
      this.#event('replaced', node, node.connection, 'the node registered on a new connection');
      const old = node.connection;
      node.connection = null;
      this.#close(old, 'replaced');
    }
    const { bootTime, instance } = incarnationOf(message);
    const resumed = known !== undefined && bootTime !== 0n && bootTime === node.bootTime;
    const anew = bootTime === 0n || bootTime !== node.bootTime || instance !== node.instance;
    if (anew) this.#startAnew(node, resumed);
    connection.deadlineMs = null;
    this.#nodes.set(identity.node, node);
    Object.assign(node, {
      connection: id,
      state: 'registered',
      bootTime,
      instance,
      addresses: part?.addresses ?? [],
      misses: 0,
      lastHeardMs: this.#nowMs,
      lastKeepAliveMs: this.#nowMs,
      nextKeepAliveMs: this.#nowMs + this.#options.keepAliveIntervalMs,
      resetDeadlineMs: null,
      leaving: false,
      challenger: null,
    } satisfies Partial<ManagedNode>);
    node.keepAlives.clear();
    this.#send(id, this.#welcome(node, message));
    const { addresses } = node;
    const { name } = identity;
    const information = part?.information ?? {};
    this.#out.push({
      type: 'node-registered',
      node: identity.node,
      name,
      resumed,
      bootTime,
      addresses,
      information,
      leaseEndpoint,
    });
    if (resumed && before !== 'registered') this.#out.push({ type: 'node-back', node: identity.node });
    for (const unanswered of node.outbox.resend(this.#nowMs)) this.#send(id, unanswered);
    if ((anew || !known) && instance !== null) this.#synchronise(node);
    this.#pump(node);
  }

  /** Another process, or another function table: nothing that was sent has a known outcome. */
  #startAnew(node: ManagedNode, sameFunctions: boolean): void {
    node.inbox = new Inbox();
    // What was sent is given up first: numbers start anew only with nothing unanswered.
    for (const tag of node.outbox.dropSent())
      this.#abandon(tag, AckCode.statusUnknown, 'the node started anew');
    node.outbox.restart();
    node.synchronising = false;
    if (sameFunctions) return;
    for (const tag of node.outbox.dropWaiting())
      this.#abandon(tag, AckCode.failed, 'not sent: the node started anew');
  }

  #synchronise(node: ManagedNode): void {
    node.synchronising = true;
    node.outbox.pushFirst({ type: 'synchronise' }, synchronisation(node.identity.node));
  }

  #welcome(node: ManagedNode, message: Registration): Ack {
    const { instance, term, keepAliveIntervalMs, keepAliveMisses } = this.#options;
    const extensions = {
      hello: { version: 1, instance, term },
      timing: { intervalMs: keepAliveIntervalMs, misses: keepAliveMisses },
    };
    return ackOf(message, { id: node.identity.node, ...(node.instance === null ? {} : { extensions }) });
  }

  // --------------------------------------------------------- supervision

  #expireNode(node: ManagedNode): void {
    const nowMs = this.#nowMs;
    if (due(node.resetDeadlineMs, nowMs)) this.#lose(node, 'connection was reset and no new one came');
    if (node.challenger && due(node.challenger.deadlineMs, nowMs)) {
      const { connection: id, message } = node.challenger;
      node.challenger = null;
      const connection = this.#connections.get(id);
      if (connection) return this.#accept(id, connection, message);
    }
    if (node.connection === null) return;
    if (due(node.outbox.deadline(this.#options.ackTimeoutMs) ?? null, nowMs)) {
      this.#event('ack-timeout', node, node.connection, 'no ACK in time');
      this.#close(node.connection, 'no ACK in time');
      return;
    }
    if (due(node.nextKeepAliveMs, nowMs)) this.#supervise(node);
  }

  #supervise(node: ManagedNode): void {
    node.misses = node.keepAlives.size > 0 && node.lastHeardMs < node.lastKeepAliveMs ? node.misses + 1 : 0;
    if (node.misses >= this.#options.keepAliveMisses) {
      return this.#lose(node, `${node.misses} KEEP-ALIVEs without an answer`);
    }
    if (node.misses > 0) this.#suspect(node, `${node.misses} KEEP-ALIVE without an answer`);
    this.#keepAlive(node);
    node.nextKeepAliveMs = this.#nowMs + this.#options.keepAliveIntervalMs;
  }

  #keepAlive(node: ManagedNode): void {
    if (node.connection === null) return;
    const sequence = node.outbox.allocate();
    if (node.keepAlives.size >= KEEP_ALIVES_MAX) node.keepAlives.clear();
    node.keepAlives.add(sequence);
    node.lastKeepAliveMs = this.#nowMs;
    this.#send(node.connection, { type: 'keep-alive', sequence, nodes: [{ id: node.identity.node }] });
  }

  #heard(node: ManagedNode): void {
    node.lastHeardMs = this.#nowMs;
    node.misses = 0;
    if (node.challenger) {
      const { connection, message } = node.challenger;
      node.challenger = null;
      this.#refuseSecond(connection, message, node);
    }
    if (node.state !== 'suspect') return;
    node.state = 'registered';
    this.#out.push({ type: 'node-back', node: node.identity.node });
  }

  #suspect(node: ManagedNode, reason: string): void {
    if (node.state !== 'registered') return;
    node.state = 'suspect';
    this.#out.push({ type: 'node-suspect', node: node.identity.node, reason });
  }

  #lose(node: ManagedNode, reason: string): void {
    node.state = 'lost';
    node.resetDeadlineMs = null;
    this.#out.push({ type: 'node-lost', node: node.identity.node, reason });
    const { connection } = node;
    node.connection = null;
    if (connection !== null) this.#close(connection, reason);
    for (const tag of node.outbox.dropWaiting()) {
      // The question what the node runs is asked when it is back.
      if (tag.type === 'synchronise') node.synchronising = false;
      this.#abandon(tag, AckCode.failed, `not sent: ${reason}`);
    }
  }

  #disconnected(id: ConnectionId): void {
    const node = this.#registered(id);
    const challenged = [...this.#nodes.values()].find(({ challenger }) => challenger?.connection === id);
    if (challenged) challenged.challenger = null;
    this.#connections.delete(id);
    if (node === undefined) return;
    node.connection = null;
    node.keepAlives.clear();
    if (node.leaving) return this.#leave(node, 'forced to leave');
    const { challenger } = node;
    const connection = challenger && this.#connections.get(challenger.connection);
    if (challenger && connection) return this.#accept(challenger.connection, connection, challenger.message);
    node.resetDeadlineMs = this.#nowMs + this.#options.keepAliveIntervalMs;
    this.#suspect(node, 'connection was reset');
  }

  /** Ends a connection; what follows from that happens as if the peer had closed it. */
  #close(id: ConnectionId, reason: string): void {
    if (!this.#connections.has(id)) return;
    this.#out.push({ type: 'close', connection: id, reason });
    this.#disconnected(id);
  }

  // ------------------------------------------------------------ commands

  #command(input: Extract<MobilityManagerInput, { type: 'add' | 'delete' | 'get' }>): void {
    const { requestId, functionId } = input;
    const node = this.#nodes.get(input.node);
    if (node === undefined || node.state === 'lost' || node.leaving) {
      return this.#result(requestId, { code: AckCode.failed, text: 'the node is not registered' });
    }
    if (node.outbox.isFull) {
      this.#event('queue-full', node, node.connection, `${node.outbox.size} operations wait`);
      return this.#result(requestId, {
        code: AckCode.insufficientResources,
        text: 'too many operations wait',
      });
    }
    let build: ReturnType<typeof operationOf>;
    try {
      build = operationOf(input, node.instance !== null);
    } catch (error) {
      build = refusalOfDocument(error);
    }
    if (typeof build !== 'function') return this.#result(requestId, build);
    node.outbox.push({ type: 'request', requestId, command: input.type, functionId }, build);
    this.#pump(node);
  }

  #forceLeave(id: NodeId, requestId: number): void {
    const node = this.#nodes.get(id);
    if (node === undefined || node.connection === null || node.leaving) {
      if (node) this.#leave(node, 'forced to leave');
      return this.#result(requestId, { code: AckCode.successful, text: '' });
    }
    node.leaving = true;
    node.outbox.pushFirst({ type: 'deregister', requestId }, (sequence) => ({
      type: 'deregistration',
      sequence,
      nodes: [{ id }],
    }));
    this.#pump(node);
  }

  #leave(node: ManagedNode, reason: string): void {
    this.#nodes.delete(node.identity.node);
    this.#departed.set(node.identity.node, node);
    node.synchronising = false;
    for (const tag of node.outbox.dropSent()) this.#abandon(tag, AckCode.statusUnknown, reason);
    for (const tag of node.outbox.dropWaiting()) this.#abandon(tag, AckCode.failed, `not sent: ${reason}`);
    this.#out.push({ type: 'node-left', node: node.identity.node, reason });
    if (node.connection !== null) this.#close(node.connection, reason);
  }

  #abandon(tag: Expectation, code: number, text: string): void {
    if (tag.type === 'request') this.#result(tag.requestId, { code, text });
    if (tag.type === 'deregister') this.#result(tag.requestId, { code: AckCode.successful, text });
  }

  #result(
    requestId: number,
    result:
      | (Partial<Extract<MobilityManagerOutput, { type: 'operation-result' }>> & {
          readonly code: number;
          readonly text: string;
        })
      | Refusal,
  ): void {
    const { error, ...rest } = result;
    this.#out.push({
      type: 'operation-result',
      requestId,
      status: null,
      report: null,
      ...rest,
      error: error ?? null,
    });
  }

  // ------------------------------------------------------------- helpers

  #pump(node: ManagedNode): void {
    if (node.connection === null) return;
    const admits = (tag: Expectation): boolean => !node.synchronising || tag.type !== 'request';
    for (const message of node.outbox.release(this.#nowMs, admits)) this.#send(node.connection, message);
  }

  /** An ERROR to the node; dropped when its queue is full. */
  #report(node: ManagedNode, text: string): void {
    const nodes = [{ id: node.identity.node, text: cutText(text) }];
    node.outbox.push({ type: 'error' }, (sequence) => ({ type: 'error', sequence, nodes }));
    this.#pump(node);
  }

  #refuse(id: ConnectionId, message: MobilityMessage, refusal: Refusal): void {
    const identity = this.#connections.get(id)?.identity;
    this.#event('refused', identity?.node ?? null, id, refusal.text);
    if (message.type === 'ack') return;
    const knows = (message.nodes[0]?.extensions?.hello ?? this.#registered(id)?.instance ?? null) !== null;
    this.#send(id, refusalOf(message, identity?.node ?? 0, refusal, knows));
  }

  #registered(id: ConnectionId): ManagedNode | undefined {
    const connection = this.#connections.get(id);
    const node = connection && this.#nodes.get(connection.identity.node);
    return node?.connection === id ? node : undefined;
  }

  #send(connection: ConnectionId, message: MobilityMessage): void {
    this.#out.push({ type: 'send', connection, message });
  }

  #event(
    event: MobilityEvent['event'],
    node: ManagedNode | NodeId | null,
    connection: ConnectionId | null,
    reason: string,
  ): void {
    const id = typeof node === 'object' && node !== null ? node.identity.node : node;
    this.#out.push({ type: 'event', event, node: id, connection, reason });
  }
}

const ACK_TYPE = 6;

function due(deadlineMs: number | null, nowMs: number): boolean {
  return deadlineMs !== null && deadlineMs <= nowMs;
}

function functionsOfOrNone(ack: Ack): ReturnType<typeof functionsOf>[number]['functionId'][] | undefined {
  try {
    return functionsOf(ack).map(({ functionId }) => functionId);
  } catch {
    return undefined;
  }
}

// SPDX-License-Identifier: Apache-2.0
import {
  type Ack,
  AckCode,
  type Extensions,
  encodeLeaseEndpoint,
  type KeepAlive,
  type MobilityDecodeError,
  type MobilityMessage,
  type NodeInformation,
  type NodePart,
  type Operation,
  OpType,
  type Registration,
  type SlotReport,
  selectFunctionInformation,
  selectNodeInformation,
} from '@vnfpool/wire/mobility';
import type { Core } from '../core.ts';
import { nodeId } from '../identity.ts';
import {
  ackOf,
  cutText,
  malformedAck,
  type Refusal,
  reasonParts,
  refusalOf,
  subTypeOf,
  textOf,
} from './answer.ts';
import { Backoff } from './backoff.ts';
import { fitFunctionReport, fitSlotReport } from './fit-reports.ts';
import { Inbox } from './inbox.ts';
import { NodeFunctions, type ToldGone } from './node-functions.ts';
import { type AgentOrder, agentOrder, answerGet } from './node-operations.ts';
import { Outbox } from './outbox.ts';
import type {
  ConnectionId,
  MobilityEvent,
  MobilityNodeInput,
  MobilityNodeOutput,
  NodeOptions,
  OperationId,
} from './types.ts';

/** Where the endpoint is on its way to a manager. */
type State =
  | { readonly name: 'idle'; readonly untilMs: number | null }
  | { readonly name: 'discovering'; readonly atMs: number }
  | { readonly name: 'connecting' }
  | {
      readonly name: 'registering';
      readonly connection: ConnectionId;
      readonly sequence: number;
      readonly deadlineMs: number;
    }
  | { readonly name: 'managed'; readonly connection: ConnectionId }
  | {
      readonly name: 'leaving';
      readonly connection: ConnectionId;
      readonly sequence: number;
      readonly deadlineMs: number;
    };

interface Told {
  readonly gone: readonly ToldGone[];
  readonly failovers: readonly string[];
  readonly slots: boolean;
}

interface Pending {
  readonly message: Operation;
  readonly functionId: number;
  readonly order: AgentOrder;
}

/** Time for which a node stays away after ACK 130 or a forced DE-REGISTRATION. */
const IDLE_MS = 60_000;
/** STATUS-UPDATEs that wait or are unanswered; beyond, changes wait in the table of functions. */
const UPDATES_MAX = 256;

/**
 * The execution node's side of the service-mobility protocol: finds and keeps a manager, hands its operations
 * to the agent at most once and in order for each function, and tells every change.
 * @see draft-yokota-opsawg-virtnw-service-management-02 §5, §6
 */
export class MobilityNode implements Core<MobilityNodeInput, MobilityNodeOutput> {
  readonly #options: NodeOptions & {
    readonly ackTimeoutMs: number;
    readonly loadIntervalMs: number;
    readonly operationsMax: number;
  };
  readonly #backoff: Backoff;
  readonly #functions = new NodeFunctions();
  readonly #operations = new Map<OperationId, Pending>();
  #state: State = { name: 'idle', untilMs: null };
  #inbox = new Inbox();
  readonly #outbox = new Outbox<Told>(UPDATES_MAX);
  #nodeId: number;
  #highestTerm: bigint;
  /** Extension 0 of the manager of the present numbers; null: a plain one; undefined: none yet. */
  #managerInstance: bigint | null | undefined;
  #intervalMs: number;
  #misses: number;
  #heardMs = 0;
  #addresses: readonly string[];
  #information: NodeInformation;
  #addressesDue = false;
  #slotReport: SlotReport | null = null;
  #slotsDue = false;
  #slotsInFlight = false;
  #lazyAtMs = 0;
  #lastOperation = 0;
  #stopped = false;
  #out: MobilityNodeOutput[] = [];
  #nowMs = 0;

  constructor(options: NodeOptions) {
    this.#options = { ackTimeoutMs: 5000, loadIntervalMs: 1000, operationsMax: 256, ...options };
    this.#backoff = new Backoff(options.random);
    this.#nodeId = options.nodeId;
    this.#highestTerm = options.highestTerm;
    this.#intervalMs = options.keepAliveIntervalMs ?? 1000;
    this.#misses = options.keepAliveMisses ?? 3;
    this.#addresses = options.addresses;
    this.#information = options.information ?? {};
  }

  handle(input: MobilityNodeInput, nowMs: number): MobilityNodeOutput[] {
    return this.#run(nowMs, () => this.#handle(input));
  }

  expire(nowMs: number): MobilityNodeOutput[] {
    return this.#run(nowMs, () => this.#expire());
  }

  nextDeadline(): number | undefined {
    const state = this.#state;
    switch (state.name) {
      case 'idle':
        return state.untilMs ?? undefined;
      case 'discovering':
        return state.atMs;
      case 'connecting':
        return undefined;
      case 'registering':
      case 'leaving':
        return state.deadlineMs;
      case 'managed': {
        const lazy =
          this.#functions.hasLazy && !this.#outbox.isFull ? this.#lazyAtMs : Number.POSITIVE_INFINITY;
        const ack = this.#outbox.deadline(this.#options.ackTimeoutMs) ?? Number.POSITIVE_INFINITY;
        return Math.min(this.#silenceMs(), lazy, ack);
      }
    }
  }

  #run(nowMs: number, work: () => void): MobilityNodeOutput[] {
    this.#nowMs = nowMs;
    this.#out = [];
    work();
    this.#flush();
    return this.#out;
  }

  #handle(input: MobilityNodeInput): void {
    switch (input.type) {
      case 'start':
        this.#stopped = false;
        if (this.#state.name === 'idle') this.#connect('started');
        return;
      case 'connected':
        if (this.#state.name !== 'connecting') return this.#close(input.connection, 'not asked for');
        return this.#register(input.connection);
      case 'connect-failed':
        if (this.#state.name === 'connecting') this.#discover(input.reason);
        return;
      case 'disconnected':
        if (input.connection === this.#connection()) this.#lost('connection was reset');
        return;
      case 'message':
        if (input.connection === this.#connection()) this.#message(input.message);
        return;
      case 'malformed':
        if (input.connection === this.#connection()) this.#malformed(input.connection, input.error);
        return;
      case 'unframeable':
        if (input.connection === this.#connection()) this.#unframeable(input.connection, input.reason);
        return;
      case 'answer':
        return this.#answer(input);
      case 'function-changed':
        return this.#functions.change(input.functionId, input);
      case 'slots-changed':
        this.#slotReport = input.report;
        this.#slotsDue = true;
        return;
      case 'node-changed':
        if (input.addresses) this.#addressesDue = true;
        this.#addresses = input.addresses ?? this.#addresses;
        this.#information = input.information ?? this.#information;
        return;
      case 'stop':
        return this.#stop();
    }
  }

  #expire(): void {
    const state = this.#state;
    const nowMs = this.#nowMs;
    if (state.name === 'idle' && state.untilMs !== null && state.untilMs <= nowMs)
      this.#connect('time to try again');
    if (state.name === 'discovering' && state.atMs <= nowMs) this.#connect('looking for the manager');
    if (state.name === 'registering' && state.deadlineMs <= nowMs) this.#drop('no answer to REGISTRATION');
    if (state.name === 'leaving' && state.deadlineMs <= nowMs) this.#drop('no answer to DE-REGISTRATION');
    if (state.name !== 'managed') return;
    if (this.#silenceMs() <= nowMs) return this.#drop('the manager is silent');
    if ((this.#outbox.deadline(this.#options.ackTimeoutMs) ?? Number.POSITIVE_INFINITY) <= nowMs) {
      this.#event('ack-timeout', 'no ACK in time');
      this.#drop('no ACK in time');
    }
  }

  // ------------------------------------------------- way to the manager

  #connect(reason: string): void {
    this.#state = { name: 'connecting' };
    this.#out.push({ type: 'connect', reason });
  }

  #discover(reason: string): void {
    if (this.#stopped) {
      this.#state = { name: 'idle', untilMs: null };
      return;
    }
    const waitMs = this.#backoff.next();
    if (waitMs === 0) return this.#connect(reason);
    this.#state = { name: 'discovering', atMs: this.#nowMs + waitMs };
  }

  #register(connection: ConnectionId): void {
    const sequence = this.#outbox.allocate();
    const deadlineMs = this.#nowMs + this.#options.ackTimeoutMs;
    this.#state = { name: 'registering', connection, sequence, deadlineMs };
    const { instance, bootTime, leaseEndpoint } = this.#options;
    const extensions: Extensions = {
      hello: { version: 1, instance },
      ...(leaseEndpoint ? { leaseEndpoint: encodeLeaseEndpoint(leaseEndpoint) } : {}),
    };
    const node: NodePart = {
      id: this.#nodeId,
      ...(this.#addresses.length > 0 ? { addresses: this.#addresses } : {}),
      information: { ...this.#information, bootTime },
      extensions,
    };
    this.#addressesDue = false;
    const message: Registration = { type: 'registration', sequence, nodes: [node] };
    this.#send(message);
  }

  #registered(connection: ConnectionId, ack: Ack): void {
    const [part] = ack.nodes;
    const hello = part?.extensions?.hello;
    if (ack.code >= 128) {
      this.#event('refused', `REGISTRATION refused with ${ack.code}: ${textOf(ack)}`);
      if (ack.code !== AckCode.administrativelyProhibited) return this.#drop(`refused: ${textOf(ack)}`);
      this.#close(connection, textOf(ack));
      this.#state = { name: 'idle', untilMs: this.#stopped ? null : this.#nowMs + IDLE_MS };
      return;
    }
    const given = part?.id ?? 0;
    if (given === 0 || (this.#nodeId !== 0 && given !== this.#nodeId)) {
      this.#event('refused', `the manager answers for node ${given}`);
      return this.#drop('wrong node id in the ACK');
    }
    if (hello?.term !== undefined && hello.term < this.#highestTerm) {
      this.#event('term-refused', `term ${hello.term} is below ${this.#highestTerm}`);
      return this.#drop('the manager has an old term');
    }
    this.#adopt(given, hello?.term);
    const instance = hello?.instance ?? null;
    if (this.#managerInstance !== undefined && this.#managerInstance !== instance) this.#startAnew();
    // Whoever has not been told, or may have forgotten, is told everything.
    if (this.#managerInstance !== instance) this.#functions.tellAll();
    this.#managerInstance = instance;
    this.#slotsDue ||= this.#slotReport !== null;
    this.#slotsInFlight = false;
    this.#useTiming(part?.extensions);
    this.#backoff.reset();
    this.#state = { name: 'managed', connection };
    this.#out.push({ type: 'managed', nodeId: nodeId(given), term: hello?.term ?? null });
    for (const message of this.#outbox.resend(this.#nowMs)) this.#send(message);
  }

  #adopt(given: number, term: bigint | undefined): void {
    const highestTerm = term ?? this.#highestTerm;
    if (given === this.#nodeId && highestTerm === this.#highestTerm) return;
    this.#nodeId = given;
    this.#highestTerm = highestTerm;
    this.#out.push({ type: 'persist', nodeId: given, highestTerm });
  }

  /** Another manager process: both windows and counters begin again. */
  #startAnew(): void {
    this.#forgetWork();
    this.#inbox = new Inbox();
    this.#outbox.restart();
  }

  /** Nobody waits for answers any more, and whoever comes next has to be told everything. */
  #forgetWork(): void {
    this.#outbox.dropSent();
    this.#outbox.dropWaiting();
    this.#operations.clear();
    this.#functions.tellAll();
    this.#addressesDue = false;
    this.#slotsInFlight = false;
  }

  #useTiming(extensions: Extensions | undefined): void {
    const timing = extensions?.timing;
    if (timing === undefined || timing.intervalMs < 50 || timing.intervalMs > 60_000 || timing.misses < 1)
      return;
    this.#intervalMs = timing.intervalMs;
    this.#misses = timing.misses;
  }

  /** When the manager has been silent for T x (M + 1). */
  #silenceMs(): number {
    return this.#heardMs + this.#intervalMs * (this.#misses + 1);
  }

  #drop(reason: string): void {
    const connection = this.#connection();
    if (connection !== null) this.#close(connection, reason);
    this.#lost(reason);
  }

  #lost(reason: string): void {
    const wasManaged = this.#state.name === 'managed' || this.#state.name === 'leaving';
    if (wasManaged) this.#out.push({ type: 'unmanaged', reason });
    if (this.#state.name === 'leaving') this.#forgetWork();
    this.#discover(reason);
  }

  #stop(): void {
    this.#stopped = true;
    const state = this.#state;
    if (state.name === 'managed') {
      const sequence = this.#outbox.allocate();
      const deadlineMs = this.#nowMs + this.#options.ackTimeoutMs;
      this.#state = { name: 'leaving', connection: state.connection, sequence, deadlineMs };
      this.#send({ type: 'deregistration', sequence, nodes: [{ id: this.#nodeId }] });
      return;
    }
    if (state.name === 'registering') this.#drop('stopped');
    else if (state.name !== 'leaving') this.#state = { name: 'idle', untilMs: null };
  }

  // ------------------------------------------------------------ messages

  #message(message: MobilityMessage): void {
    this.#heardMs = this.#nowMs;
    if (message.type === 'ack') return this.#acknowledged(message);
    const state = this.#state;
    if (state.name !== 'managed' && state.name !== 'leaving') {
      return this.#refuse(message, { code: AckCode.failed, text: 'not registered yet' });
    }
    const told = message.nodes[0]?.id ?? 0;
    if (told !== this.#nodeId && !(told === 0 && message.type === 'error')) {
      const text = `node id ${told} is not mine`;
      return this.#refuse(message, { code: AckCode.administrativelyProhibited, text });
    }
    const arrival = this.#inbox.classify(message.sequence);
    if (arrival.kind === 'new') return this.#carryOut(state.connection, message);
    this.#event('duplicate', `number ${message.sequence} again: ${arrival.kind}`);
    if (arrival.kind === 'repeat') this.#send(arrival.ack);
    if (arrival.kind === 'stale') {
      this.#refuse(message, { code: AckCode.statusUnknown, text: 'sequence number is too old' });
    }
  }

  #carryOut(connection: ConnectionId, message: Exclude<MobilityMessage, Ack>): void {
    this.#inbox.begin(message.sequence);
    switch (message.type) {
      case 'keep-alive':
        return this.#finish(this.#answerKeepAlive(message));
      case 'operation':
        return this.#operation(message);
      case 'error':
        this.#event('peer-error', textOf(message));
        return this.#finish(ackOf(message, { id: this.#nodeId }));
      case 'deregistration':
        this.#finish(ackOf(message, { id: this.#nodeId }));
        this.#close(connection, 'forced to leave');
        this.#out.push({ type: 'unmanaged', reason: 'forced to leave' });
        this.#forgetWork();
        this.#state = { name: 'idle', untilMs: this.#stopped ? null : this.#nowMs + IDLE_MS };
        return;
      case 'registration':
      case 'status-update':
        return this.#finish(
          this.#refusal(message, { code: AckCode.failed, text: `${message.type} is not for a node` }),
        );
    }
  }

  #answerKeepAlive(message: KeepAlive): Ack {
    const [part] = message.nodes;
    this.#useTiming(part?.extensions);
    const of = (opType: number, wanted: NodePart['wanted']): number[] =>
      (wanted ?? []).filter((option) => option.opType === opType).map(({ subType }) => subType);
    const information = selectNodeInformation(
      { ...this.#information, bootTime: this.#options.bootTime },
      of(OpType.nodeInformation, part?.wanted),
    );
    const functions = (part?.functions ?? []).map(({ id, wanted }) => {
      const known = this.#functions.describe(id, false)?.information ?? { status: 'Unknown' as const };
      const values = selectFunctionInformation(known, of(OpType.functionInformation, wanted));
      return { id, ...(values && { information: values }) };
    });
    // Failover records go where an ACK tells that they arrived.
    const report = this.#slotReport && fitSlotReport({ ...this.#slotReport, failovers: [] });
    return ackOf(message, {
      id: this.#nodeId,
      ...(information && { information }),
      ...(report && this.#knowsExtensions() ? { extensions: { slotReport: report.octets } } : {}),
      ...(functions.length > 0 ? { functions } : {}),
    });
  }

  #acknowledged(ack: Ack): void {
    const state = this.#state;
    if ((state.name === 'registering' || state.name === 'leaving') && ack.sequence === state.sequence) {
      if (state.name === 'registering') return this.#registered(state.connection, ack);
      return this.#drop('de-registered');
    }
    const found = this.#outbox.find(ack.sequence);
    if (found === undefined) return this.#event('unexpected-ack', `to number ${ack.sequence}`);
    if (ack.subType !== subTypeOf(found.message)) {
      const text = `ACK to number ${ack.sequence} has Sub-Type ${ack.subType}`;
      this.#event('unexpected-ack', text);
      return this.#report(text);
    }
    this.#outbox.answered(ack.sequence);
    const { gone, failovers, slots } = found.tag;
    if (slots) this.#slotsInFlight = false;
    if (ack.code >= 128)
      return this.#event('refused', `STATUS-UPDATE refused with ${ack.code}: ${textOf(ack)}`);
    this.#functions.forget(gone);
    if (failovers.length > 0) this.#out.push({ type: 'failovers-acknowledged', ids: failovers });
    const left = this.#slotReport?.failovers.filter(({ id }) => !failovers.includes(id)) ?? [];
    if (slots && this.#slotReport) {
      this.#slotReport = { ...this.#slotReport, failovers: left };
      // Records that did not fit the last report follow now.
      if (left.length > 0 && failovers.length > 0) this.#slotsDue = true;
    }
  }

  #malformed(connection: ConnectionId, error: MobilityDecodeError): void {
    this.#heardMs = this.#nowMs;
    this.#event('malformed', error.message);
    if (error.messageType === ACK_TYPE) return this.#report(error.message);
    const message = malformedAck(error, this.#nodeId, this.#knowsExtensions());
    this.#out.push({ type: 'send', connection, message });
  }

  #unframeable(connection: ConnectionId, reason: string): void {
    this.#event('malformed', reason);
    const nodes = [{ id: this.#nodeId, text: cutText(reason) }];
    this.#out.push({
      type: 'send',
      connection,
      message: { type: 'error', sequence: this.#outbox.allocate(), nodes },
    });
    this.#drop(reason);
  }

  // ---------------------------------------------------------- operations

  #operation(message: Operation): void {
    if (message.command === 'get') {
      const information = { ...this.#information, bootTime: this.#options.bootTime };
      return this.#finish(
        answerGet(message, this.#nodeId, this.#functions, information, this.#knowsExtensions()),
      );
    }
    const order = agentOrder(message, this.#lastOperation + 1);
    if (!('type' in order)) return this.#finish(this.#refusal(message, order));
    if (this.#operations.size >= this.#options.operationsMax) {
      this.#event('queue-full', `${this.#operations.size} operations wait for the agent`);
      const refusal = { code: AckCode.insufficientResources, text: 'too many operations wait' };
      return this.#finish(this.#refusal(message, refusal));
    }
    this.#lastOperation++;
    const id = order.type === 'configure' ? 0 : order.functionId;
    const isFirst = !this.#waitsFor(id);
    this.#operations.set(order.operation, { message, functionId: id, order });
    if (isFirst) this.#out.push(order);
  }

  #answer(answer: Extract<MobilityNodeInput, { type: 'answer' }>): void {
    const pending = this.#operations.get(answer.operation);
    if (pending === undefined) return;
    this.#operations.delete(answer.operation);
    const { message, functionId } = pending;
    const knows = this.#knowsExtensions();
    const { text = '', error, status, report } = answer;
    const reason = reasonParts(text, error, knows);
    const extensions = {
      ...reason.extensions,
      ...(report && knows ? { functionReport: fitFunctionReport(report) } : {}),
    };
    const part = {
      id: functionId,
      ...(status ? { information: { status } } : {}),
      ...(reason.text === undefined ? {} : { text: reason.text }),
      ...(Object.keys(extensions).length > 0 ? { extensions } : {}),
    };
    this.#finish(ackOf(message, { id: this.#nodeId, functions: [part] }, answer.code));
    // One function's operations run one after the other, in the order of their numbers.
    for (const next of this.#operations.values()) {
      if (next.functionId === functionId) return void this.#out.push(next.order);
    }
  }

  #waitsFor(functionId: number): boolean {
    for (const pending of this.#operations.values()) if (pending.functionId === functionId) return true;
    return false;
  }

  // ------------------------------------------------------------- reports

  /** Sends what is due, as far as the queue has room: the rest stays due. */
  #flush(): void {
    if (this.#state.name !== 'managed') return;
    if (this.#addressesDue && !this.#outbox.isFull) {
      this.#addressesDue = false;
      this.#update({ id: this.#nodeId, addresses: this.#addresses }, {});
    }
    if (this.#slotsDue && !this.#slotsInFlight && !this.#outbox.isFull) this.#flushSlots();
    while (this.#functions.hasUrgent && !this.#outbox.isFull) this.#flushFunctions('now');
    if (this.#functions.hasLazy && this.#lazyAtMs <= this.#nowMs) {
      while (this.#functions.hasLazy && !this.#outbox.isFull) this.#flushFunctions('soon');
      this.#lazyAtMs = this.#nowMs + this.#options.loadIntervalMs;
    }
    for (const message of this.#outbox.release(this.#nowMs)) this.#send(message);
  }

  #flushFunctions(due: 'now' | 'soon'): void {
    const { parts, gone } = this.#functions.take(due, this.#knowsExtensions());
    this.#update({ id: this.#nodeId, functions: parts }, { gone });
  }

  #flushSlots(): void {
    this.#slotsDue = false;
    if (this.#slotReport === null || !this.#knowsExtensions()) return;
    const fitted = fitSlotReport(this.#slotReport);
    if (fitted === undefined) return this.#event('queue-full', 'the slot report is too large to send');
    this.#slotsInFlight = true;
    const extensions = { slotReport: fitted.octets };
    this.#update({ id: this.#nodeId, extensions }, { failovers: fitted.failovers, slots: true });
  }

  #update(node: NodePart, told: Partial<Told>): void {
    this.#outbox.push({ gone: [], failovers: [], slots: false, ...told }, (sequence) => ({
      type: 'status-update',
      sequence,
      nodes: [node],
    }));
  }

  /** An ERROR to the manager; dropped when the queue is full. */
  #report(text: string): void {
    const nodes = [{ id: this.#nodeId, text: cutText(text) }];
    this.#outbox.push({ gone: [], failovers: [], slots: false }, (sequence) => ({
      type: 'error',
      sequence,
      nodes,
    }));
  }

  // ------------------------------------------------------------- helpers

  #connection(): ConnectionId | null {
    return 'connection' in this.#state ? this.#state.connection : null;
  }

  #knowsExtensions(): boolean {
    return (this.#managerInstance ?? null) !== null;
  }

  /** Keeps the answer for a repeat, and sends it if there is a connection to send it on. */
  #finish(ack: Ack): void {
    this.#inbox.finish(ack);
    if (this.#state.name === 'managed' || this.#state.name === 'leaving') this.#send(ack);
  }

  #refusal(message: MobilityMessage, refusal: Refusal): Ack {
    this.#event('refused', refusal.text);
    return refusalOf(message, this.#nodeId, refusal, this.#knowsExtensions());
  }

  #refuse(message: MobilityMessage, refusal: Refusal): void {
    this.#send(this.#refusal(message, refusal));
  }

  #send(message: MobilityMessage): void {
    const connection = this.#connection();
    if (connection !== null) this.#out.push({ type: 'send', connection, message });
  }

  #close(connection: ConnectionId, reason: string): void {
    this.#out.push({ type: 'close', connection, reason });
  }

  #event(event: MobilityEvent['event'], reason: string): void {
    const node = this.#nodeId === 0 ? null : nodeId(this.#nodeId);
    this.#out.push({ type: 'event', event, node, connection: this.#connection(), reason });
  }
}

const ACK_TYPE = 6;

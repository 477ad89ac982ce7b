// SPDX-License-Identifier: Apache-2.0
import type {
  CouncilReport,
  MergeableReport,
  SetConfiguration,
  SlotAssignment,
  SlotState,
  StallReport,
} from '@vnfpool/wire/mobility';
import type { Core } from '../core.ts';
import type { FunctionId, SlotId } from '../identity.ts';
import { isBefore } from '../lease/index.ts';
import { droppedText, FailoverBacklog } from './failover-backlog.ts';
import { FunctionLife } from './function-life.ts';
import { Handovers } from './handovers.ts';
import { HostEvidence } from './host-evidence.ts';
import { restoreFunction } from './keeping.ts';
import { inOrder } from './output-order.ts';
import { afterSessions, asksForSessions, SessionMoves } from './session-moves.ts';
import { NO_OWN_STATES, type OwnStates, owning, SharedSlots } from './shared-slots.ts';
import { Standing } from './standing.ts';
import { refusesState, StateMoves } from './state-moves.ts';
import { Told } from './told.ts';
import { cancelTransfer, type ResidentTransfer } from './transfers.ts';
import type { AgentInput, AgentOptions, AgentOutput } from './types.ts';

/** A function and what it is for. */
export interface Resident {
  readonly life: FunctionLife;
  assignment: SlotAssignment | null;
  transfer: ResidentTransfer | null;
  readonly standing: Standing;
  /** Slots whose state it has from having held them. */
  ownStates: OwnStates;
}

const FUNCTIONS_MAX = 256;

/** As the slot keeper says it. */
const LOST_BY_FAILURE = /^lost: (?:expired|function-exit|function-unhealthy)$/;

const OK = 0;
const FAILED = 128;
const INSUFFICIENT = 129;
const PROHIBITED = 130;
const UNKNOWN_FUNCTION = 2;
const STALE = 5;
const ANOTHER_SPECIFICATION = 6;

/**
 * What a node agent does, without its hands: it runs functions, offers those that are ready as candidates
 * for their slots, gives a slot up when its function fails, registers holders at the registrar and reports.
 *
 * After each input it compares what should be known outside with what it has told, and tells the difference;
 * giving up a slot comes first, because somebody waits for it.
 */
export class AgentCore implements Core<AgentInput, AgentOutput> {
  readonly #options: AgentOptions;
  readonly #residents = new Map<FunctionId, Resident>();
  readonly #slots = new Map<SlotId, SlotState>();
  /** Function that held a slot last, also when nobody does now. */
  readonly #lastHolders = new Map<SlotId, number>();
  readonly #failovers = new FailoverBacklog();
  #configuration: SetConfiguration | null = null;
  readonly #evidence = new HostEvidence();
  readonly #shared = new SharedSlots();
  /** Until when the node votes for nobody; undefined: it votes. */
  #muteUntilMs: number | undefined;
  /** By number. */
  readonly #councils = new Map<number, CouncilReport>();
  #stalls: StallReport | undefined;
  #mergeable: readonly MergeableReport[] = [];
  #stopping = false;
  #leaving = false;
  readonly #told = new Told();
  readonly #handovers = new Handovers();
  readonly #sessionMoves = new SessionMoves(this.#residents);
  readonly #moves: StateMoves;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#moves = new StateMoves(this.#residents, this.#slots, options.random);
  }

  handle(input: AgentInput, nowMs: number): AgentOutput[] {
    return [...this.#react(input, nowMs), ...this.#climb(nowMs), ...this.#tell(nowMs)].sort(inOrder);
  }

  expire(nowMs: number): AgentOutput[] {
    this.#failovers.expire(nowMs);
    const outputs = [...this.#residents.values()].flatMap(({ life }) => life.expire(nowMs));
    return [...outputs, ...this.#moves.part(nowMs), ...this.#climb(nowMs), ...this.#tell(nowMs)].sort(
      inOrder,
    );
  }

  nextDeadline(): number | undefined {
    const all = [...this.#residents.values()].flatMap(({ life, transfer, standing }) =>
      [life.nextDeadline(), transfer?.parting?.deadlineMs, standing.deadlineMs].filter(
        (atMs) => atMs !== undefined,
      ),
    );
    const records = this.#failovers.nextDeadline();
    if (records !== undefined) all.push(records);
    if (this.#muteUntilMs !== undefined) all.push(this.#muteUntilMs);
    return all.length === 0 ? undefined : Math.min(...all);
  }

  #react(input: AgentInput, nowMs: number): AgentOutput[] {
    switch (input.type) {
      case 'add':
        return this.#add(input);
      case 'prepare':
        return this.#prepare(input);
      case 'transfer':
        return this.#moves.send(input);
      case 'move-session':
        return this.#sessionMoves.move(input);
      case 'sessions-selected':
        return this.#sessionMoves.selected(input.functionId, input.count);
      case 'sessions-expected':
        return this.#sessionMoves.expected(input.functionId, input.forward);
      case 'sessions-refused':
        return this.#sessionMoves.refused(input.functionId, input.reason);
      case 'sessions':
        this.#life(input.functionId)?.toldSessions(input.run, input.movable, input.count);
        return [];
      case 'transfer-progress': {
        const transfer = this.#residents.get(input.functionId)?.transfer;
        if (transfer)
          transfer.report = transfer.mode === null ? input.report : { ...input.report, mode: transfer.mode };
        return [];
      }
      case 'transfer-ended': {
        const resident = this.#residents.get(input.functionId);
        if (!resident) return [];
        if (resident.transfer?.mode !== 'sessions') return this.#moves.ended(resident, input.end, nowMs);
        afterSessions(resident, input.end);
        return [];
      }
      case 'delete':
        return this.#delete(input);
      case 'configure':
        return this.#configure(input.operation, input.configuration);
      case 'failovers-acknowledged':
        this.#failovers.acknowledge(input.ids, nowMs);
        return [];
      case 'managed':
        this.#failovers.managed(input.term, nowMs);
        return [];
      case 'started':
        return (
          this.#life(input.functionId)?.started(input.run, input.pid, input.address, input.port, nowMs) ?? []
        );
      case 'readdressed':
        for (const { life } of this.#residents.values()) life.readdress(input.from, input.to);
        return [];
      case 'exited':
        return this.#exited(input.functionId, input.run, input.reason, nowMs);
      case 'health':
        this.#life(input.functionId)?.checked(input.run, input.ok, input.reason, nowMs, input);
        return [];
      case 'doubted':
        return this.#life(input.functionId)?.doubted() ?? [];
      case 'load':
        this.#life(input.functionId)?.loaded(input.run, input.fraction);
        return [];
      case 'output':
        this.#life(input.functionId)?.printed(input.run, input.lines);
        return [];
      case 'several':
        return input.inputs.flatMap((each) => this.#react(each, nowMs));
      case 'slot':
        this.#lost(input.state, nowMs);
        this.#know(input.state);
        this.#muteUntilMs = input.muteMs > 0 ? nowMs + input.muteMs : undefined;
        if (input.state.state !== 'holding') this.#told.released.delete(input.state.id as SlotId);
        return this.#moves.part(nowMs);
      case 'failover':
        this.#failovers.add(input.record, nowMs);
        return [];
      case 'council':
        this.#councils.set(input.report.id, input.report);
        return [];
      case 'stalls':
        this.#stalls = input.stalls;
        return [];
      case 'mergeable':
        this.#mergeable = input.reports;
        return [];
      case 'restore-failovers':
        this.#failovers.restore(input.records, nowMs);
        return [];
      case 'link':
        this.#evidence.link(input);
        return [];
      case 'paused':
        this.#evidence.paused(input);
        return [];
      case 'copy':
        this.#shared.copied(input.slot, input.isWhole, input.position);
        return [];
      case 'owns-state': {
        this.#shared.taken(input.slot);
        const resident = this.#residents.get(input.functionId);
        if (resident) resident.ownStates = owning(resident, input.slot, input.epoch);
        return [];
      }
      case 'sharing':
        this.#shared.reported(input.slot, input.report);
        return [];
      case 'stop':
        this.#stopping = true;
        return [...this.#residents.values()].flatMap(({ life }) => life.stop());
      case 'adopt':
        this.#configuration ??= input.configuration;
        for (const state of input.slots ?? []) this.#know(state);
        return input.functions.flatMap((adopted) => {
          const { resident, outputs } = restoreFunction(adopted, this.#options.random, nowMs);
          this.#residents.set(adopted.functionId, resident);
          return outputs;
        });
      case 'leave':
        this.#stopping = true;
        this.#leaving = true;
        return [];
    }
  }

  #know(state: SlotState): void {
    this.#slots.set(state.id as SlotId, state);
    if (state.state !== 'holding') this.#shared.left(state.id as SlotId);
    if (state.holder) this.#lastHolders.set(state.id as SlotId, state.holder.functionId);
  }

  #life(id: FunctionId): FunctionLife | undefined {
    return this.#residents.get(id)?.life;
  }

  #add(input: AgentInput & { type: 'add' }): AgentOutput[] {
    const { operation, functionId, specification, specificationOctets, assignment } = input;
    const refuse = (code: number, text: string, error?: number): AgentOutput[] => [
      { type: 'answer', operation, code, text, ...(error === undefined ? {} : { error }) },
    ];
    if (this.#stopping) return refuse(FAILED, 'the agent is stopping');
    const known = this.#residents.get(functionId);
    if (known) {
      const { life } = known;
      if (life.status === 'Terminating') return refuse(FAILED, `${life.name} is terminating`);
      const isNews = specificationOctets && !sameOctets(specificationOctets, life.octets);
      if (isNews && !(specification && life.retell(specification, specificationOctets)))
        return refuse(
          FAILED,
          `${life.name} runs with another specification; delete it first`,
          ANOTHER_SPECIFICATION,
        );
      if (assignment && isStale(assignment, known.assignment)) {
        return refuse(PROHIBITED, 'the assignment is older than the one known', STALE);
      }
      const handover = assignment
        ? this.#handovers.take(functionId, assignment, this.#slots, this.#configuration)
        : [];
      if (assignment) known.assignment = assignment;
      return [
        { type: 'answer', operation, code: OK, status: life.status, report: life.report() },
        ...handover,
        ...this.#moves.settle(functionId, 'add'),
      ];
    }
    return this.#start(input, false);
  }

  /** Starts a function that is not here yet. */
  #start(input: AgentInput & { type: 'add' | 'prepare' }, awaitsState: boolean): AgentOutput[] {
    const { operation, functionId, specification, specificationOctets, assignment } = input;
    if (!specification || !specificationOctets)
      return [
        { type: 'answer', operation, code: FAILED, error: UNKNOWN_FUNCTION, text: 'no such function here' },
      ];
    const max = this.#options.functionsMax ?? FUNCTIONS_MAX;
    if (this.#residents.size >= max) {
      const text = `this node runs ${max} functions already`;
      return [{ type: 'answer', operation, code: INSUFFICIENT, text }];
    }
    const name = assignment?.name ?? `function ${functionId}`;
    const { random } = this.#options;
    const life = new FunctionLife(functionId, name, specification, specificationOctets, random, awaitsState);
    this.#residents.set(functionId, {
      life,
      assignment,
      transfer: null,
      standing: new Standing(),
      ownStates: NO_OWN_STATES,
    });
    const started = life.start();
    return [{ type: 'answer', operation, code: OK, status: life.status, report: life.report() }, ...started];
  }

  #prepare(input: AgentInput & { type: 'prepare' }): AgentOutput[] {
    const { operation, functionId, token, from } = input;
    const known = this.#residents.get(functionId);
    if (!this.#stopping && asksForSessions(input, known)) return this.#sessionMoves.expect(input, known);
    const refusal = this.#stopping
      ? { code: FAILED, text: 'the agent is stopping' }
      : refusesState(input, known);
    if (refusal || from === null) return [{ type: 'answer', operation, code: FAILED, ...refusal }];
    const outputs = this.#start(input, true);
    return [...outputs, ...this.#moves.receive(functionId, token, from)];
  }

  #exited(functionId: FunctionId, run: number, reason: string, nowMs: number): AgentOutput[] {
    const resident = this.#residents.get(functionId);
    if (!resident) return [];
    const { life, transfer } = resident;
    const isOver = (life.awaitsState || transfer?.mode === 'sessions') && run === life.run;
    const cancelled = isOver ? cancelTransfer(functionId, resident, transfer?.role === 'destination') : [];
    return [...cancelled, ...life.exited(run, reason, nowMs)];
  }

  #delete({ operation, functionId, ifWaiting = false }: AgentInput & { type: 'delete' }): AgentOutput[] {
    const resident = this.#residents.get(functionId);
    if (!resident) return [{ type: 'answer', operation, code: OK, status: 'Unknown' }];
    const { life, transfer } = resident;
    if (ifWaiting && transfer?.role === 'destination' && transfer.mode === 'sessions')
      return [
        { type: 'answer', operation, code: OK, status: life.status },
        ...cancelTransfer(functionId, resident, false),
      ];
    if (ifWaiting && !life.awaitsState)
      return [{ type: 'answer', operation, code: FAILED, text: `${life.name} has its state already` }];
    const cancelled = cancelTransfer(functionId, resident, life.awaitsState);
    const settled = this.#moves.settle(functionId, 'delete');
    const stopped = life.stop();
    return [
      { type: 'answer', operation, code: OK, status: life.status },
      ...cancelled,
      ...settled,
      ...stopped,
    ];
  }

  #configure(operation: number, configuration: SetConfiguration): AgentOutput[] {
    const isOld = this.#configuration?.councils.some(({ id, version }) => {
      const asked = configuration.councils.find((each) => each.id === id);
      return asked !== undefined && isBefore(asked.version, version);
    });
    if (isOld === true) {
      return [
        {
          type: 'answer',
          operation,
          code: PROHIBITED,
          error: STALE,
          text: 'the council version is older than the one known',
        },
      ];
    }
    this.#configuration = configuration;
    const current = new Set(configuration.slots.map(({ id }) => id));
    for (const id of this.#slots.keys()) {
      if (current.has(id)) continue;
      this.#slots.delete(id);
      this.#lastHolders.delete(id);
      this.#shared.forget(id);
    }
    return [
      { type: 'configure-leases', configuration },
      { type: 'answer', operation, code: OK },
    ];
  }

  /** What follows from how the functions are: those with a slot may be started again in place. */
  #climb(nowMs: number): AgentOutput[] {
    const holders = new Set<number>();
    for (const [slot, { state, holder }] of this.#slots)
      if (state === 'holding' && holder && !this.#told.released.has(slot)) holders.add(holder.functionId);
    // One whose state is on its way must not begin again with nothing.
    return [...this.#residents].flatMap(([id, { life, assignment, transfer, standing }]) =>
      standing.follow(life, assignment, holders.has(id) && transfer === null && !this.#stopping, nowMs),
    );
  }

  /** A function that lost its slot because it failed, or because its lease ran out, may have to wait. */
  #lost(state: SlotState, nowMs: number): void {
    const former = this.#slots.get(state.id as SlotId);
    if (former?.state !== 'holding' || state.state === 'holding' || !LOST_BY_FAILURE.test(state.reason))
      return;
    const resident = this.#residents.get((former.holder?.functionId ?? 0) as FunctionId);
    resident?.standing.lostSlot(resident.assignment, nowMs);
  }

  /** The difference between what is and what was told. */
  #tell(nowMs: number): AgentOutput[] {
    if (this.#muteUntilMs !== undefined && nowMs >= this.#muteUntilMs) this.#muteUntilMs = undefined;
    const outputs = this.#told.tell({
      nowMs,
      node: this.#options.node,
      configuration: this.#configuration,
      residents: this.#residents,
      slots: this.#slots,
      shared: this.#shared,
      lastHolders: this.#lastHolders,
      failovers: this.#failovers.pending,
      keptFailovers: this.#failovers.all,
      host: this.#evidence.report,
      muteMs: (this.#muteUntilMs ?? nowMs) - nowMs,
      councils: [...this.#councils.values()].sort((a, b) => a.id - b.id),
      stalls: this.#stalls,
      mergeable: this.#mergeable,
      isLeaving: this.#leaving,
    });
    for (const [id, { life }] of this.#residents) if (life.gone) this.#residents.delete(id);
    const dropped = this.#failovers.takeDropped(nowMs);
    if (dropped > 0)
      outputs.push({ type: 'event', severity: 'warning', message: droppedText(dropped), functionId: null });
    return outputs;
  }
}

/** An assignment made for a lower epoch or an older council than the one known. */
function isStale(asked: SlotAssignment, known: SlotAssignment | null): boolean {
  if (!known || asked.slot?.id !== known.slot?.id) return false;
  return BigInt(asked.epoch) < BigInt(known.epoch) || isBefore(asked.council, known.council);
}

function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, index) => octet === b[index]);
}

// SPDX-License-Identifier: Apache-2.0
import type { FailoverRecord, SetConfiguration, SlotAssignment, SlotState } from '@vnfpool/wire/mobility';
import type { Core } from '../core.ts';
import type { FunctionId, SlotId } from '../identity.ts';
import { candidatesOf } from './candidacy.ts';
import { FunctionLife } from './function-life.ts';
import { registrationsOf } from './registrations.ts';
import type { AgentInput, AgentOptions, AgentOutput } from './types.ts';

/** A function and what it is for. */
export interface Resident {
  readonly life: FunctionLife;
  assignment: SlotAssignment | null;
}

/** What the agent has told others, so that only changes are told again. */
interface Told {
  readonly candidates: Map<string, AgentOutput & { type: 'candidate' }>;
  readonly registrations: Map<FunctionId, AgentOutput & { type: 'register' }>;
  readonly functions: Map<FunctionId, string>;
  readonly released: Set<SlotId>;
  readonly handovers: Set<string>;
  slots: string;
}

const FUNCTIONS_MAX = 256;
/** Records that wait for the manager's acknowledgement; the oldest go first beyond it. */
const FAILOVERS_MAX = 64;
/** Orders of hand-over remembered so that a repeated one is not carried out twice. */
const HANDOVERS_MAX = 256;

const OK = 0;
const FAILED = 128;
const INSUFFICIENT = 129;
const PROHIBITED = 130;
const UNKNOWN_FUNCTION = 2;
const STALE = 5;

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
  #failovers: readonly FailoverRecord[] = [];
  #configuration: SetConfiguration | null = null;
  #muteMs = 0;
  #stopping = false;
  readonly #told: Told = {
    candidates: new Map(),
    registrations: new Map(),
    functions: new Map(),
    released: new Set(),
    handovers: new Set(),
    slots: '',
  };

  constructor(options: AgentOptions) {
    this.#options = options;
  }

  handle(input: AgentInput, nowMs: number): AgentOutput[] {
    return [...this.#react(input, nowMs), ...this.#tell()].sort(releasesFirst);
  }

  expire(nowMs: number): AgentOutput[] {
    const outputs = [...this.#residents.values()].flatMap(({ life }) => life.expire(nowMs));
    return [...outputs, ...this.#tell()].sort(releasesFirst);
  }

  nextDeadline(): number | undefined {
    const all = [...this.#residents.values()].flatMap(({ life }) => life.nextDeadline() ?? []);
    return all.length === 0 ? undefined : Math.min(...all);
  }

  #react(input: AgentInput, nowMs: number): AgentOutput[] {
    switch (input.type) {
      case 'add':
        return this.#add(input);
      case 'delete':
        return this.#delete(input.operation, input.functionId);
      case 'configure':
        return this.#configure(input.operation, input.configuration);
      case 'failovers-acknowledged':
        this.#failovers = this.#failovers.filter(({ id }) => !input.ids.includes(id));
        return [];
      case 'started':
        return (
          this.#life(input.functionId)?.started(input.run, input.pid, input.address, input.port, nowMs) ?? []
        );
      case 'exited':
        return this.#life(input.functionId)?.exited(input.run, input.reason, nowMs) ?? [];
      case 'health':
        this.#life(input.functionId)?.checked(input.run, input.ok, input.reason, nowMs);
        return [];
      case 'load':
        this.#life(input.functionId)?.loaded(input.run, input.fraction);
        return [];
      case 'output':
        this.#life(input.functionId)?.printed(input.run, input.lines);
        return [];
      case 'slot':
        this.#slots.set(input.state.id as SlotId, input.state);
        if (input.state.holder)
          this.#lastHolders.set(input.state.id as SlotId, input.state.holder.functionId);
        this.#muteMs = input.muteMs;
        if (input.state.state !== 'holding') this.#told.released.delete(input.state.id as SlotId);
        return [];
      case 'failover':
        this.#failovers = [...this.#failovers, input.record].slice(-FAILOVERS_MAX);
        return [];
      case 'stop':
        this.#stopping = true;
        return [...this.#residents.values()].flatMap(({ life }) => life.stop());
    }
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
      if (specificationOctets && !sameOctets(specificationOctets, life.octets)) {
        return refuse(FAILED, `${life.name} runs with another specification; delete it first`);
      }
      if (life.status === 'Terminating') return refuse(FAILED, `${life.name} is terminating`);
      if (assignment && isStale(assignment, known.assignment)) {
        return refuse(PROHIBITED, 'the assignment is older than the one known', STALE);
      }
      const handover = assignment ? this.#handover(functionId, assignment) : [];
      if (assignment) known.assignment = assignment;
      return [
        { type: 'answer', operation, code: OK, status: life.status, report: life.report() },
        ...handover,
      ];
    }
    if (!specification || !specificationOctets)
      return refuse(FAILED, 'no such function here', UNKNOWN_FUNCTION);
    const max = this.#options.functionsMax ?? FUNCTIONS_MAX;
    if (this.#residents.size >= max) return refuse(INSUFFICIENT, `this node runs ${max} functions already`);
    const name = assignment?.name ?? `function ${functionId}`;
    const life = new FunctionLife(functionId, name, specification, specificationOctets, this.#options.random);
    this.#residents.set(functionId, { life, assignment });
    const started = life.start();
    return [{ type: 'answer', operation, code: OK, status: life.status, report: life.report() }, ...started];
  }

  #delete(operation: number, functionId: FunctionId): AgentOutput[] {
    const life = this.#life(functionId);
    if (!life) return [{ type: 'answer', operation, code: OK, status: 'Unknown' }];
    const stopped = life.stop();
    return [{ type: 'answer', operation, code: OK, status: life.status }, ...stopped];
  }

  #configure(operation: number, configuration: SetConfiguration): AgentOutput[] {
    const known = this.#configuration?.council.version;
    const asked = configuration.council.version;
    if (
      known &&
      (asked.generation < known.generation ||
        (asked.generation === known.generation && asked.number < known.number))
    ) {
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
    }
    return [
      { type: 'configure-leases', configuration },
      { type: 'answer', operation, code: OK },
    ];
  }

  #handover(functionId: FunctionId, { slot, handover }: SlotAssignment): AgentOutput[] {
    if (!slot || !handover || this.#told.handovers.has(handover.nonce)) return [];
    const held = this.#slots.get(slot.id as SlotId);
    if (held?.state !== 'holding' || held.holder?.functionId !== functionId) return [];
    const definition = this.#configuration?.slots.find(({ id }) => id === slot.id);
    const to = definition?.candidates.find((candidate) => candidate.functionId === handover.to);
    if (!to) return [];
    this.#told.handovers.add(handover.nonce);
    if (this.#told.handovers.size > HANDOVERS_MAX) {
      for (const oldest of this.#told.handovers) {
        this.#told.handovers.delete(oldest);
        break;
      }
    }
    return [
      {
        type: 'hand-over',
        slot: slot.id as SlotId,
        to: { node: to.node as AgentOptions['node'], functionId: to.functionId as FunctionId },
        nonce: handover.nonce,
      },
    ];
  }

  /** The difference between what is and what was told. */
  #tell(): AgentOutput[] {
    const outputs = [
      ...this.#tellReleases(),
      ...this.#tellCandidates(),
      ...this.#tellRegistrations(),
      ...this.#tellFunctions(),
      ...this.#tellSlots(),
    ];
    for (const [id, { life }] of this.#residents) if (life.gone) this.#residents.delete(id);
    return outputs;
  }

  #tellReleases(): AgentOutput[] {
    const outputs: AgentOutput[] = [];
    for (const [slot, state] of this.#slots) {
      if (state.state !== 'holding' || !state.holder || this.#told.released.has(slot)) continue;
      const life = this.#life(state.holder.functionId as FunctionId);
      if (life?.ready) continue;
      this.#told.released.add(slot);
      const alive = life !== undefined && life.report().pid !== null && life.status !== 'Terminating';
      outputs.push({ type: 'release', slot, cause: alive ? 'function-unhealthy' : 'function-exit' });
    }
    return outputs;
  }

  #tellCandidates(): AgentOutput[] {
    const wanted = candidatesOf(
      this.#options.node,
      this.#configuration,
      this.#residents,
      this.#slots,
      this.#lastHolders,
    );
    const outputs: AgentOutput[] = [];
    for (const [key, told] of this.#told.candidates) {
      if (wanted.has(key)) continue;
      this.#told.candidates.delete(key);
      outputs.push({ type: 'no-candidate', slot: told.slot, functionId: told.functionId });
    }
    for (const [key, candidate] of wanted) {
      if (equal(this.#told.candidates.get(key), candidate)) continue;
      this.#told.candidates.set(key, candidate);
      outputs.push(candidate);
    }
    return outputs;
  }

  #tellRegistrations(): AgentOutput[] {
    const wanted = registrationsOf(this.#configuration, this.#residents, this.#slots);
    const outputs: AgentOutput[] = [];
    for (const [functionId, { poolHandle }] of this.#told.registrations) {
      if (wanted.get(functionId)?.poolHandle === poolHandle) continue;
      this.#told.registrations.delete(functionId);
      outputs.push({ type: 'deregister', poolHandle, functionId });
    }
    for (const [functionId, registration] of wanted) {
      if (equal(this.#told.registrations.get(functionId), registration)) continue;
      this.#told.registrations.set(functionId, registration);
      outputs.push(registration);
    }
    return outputs;
  }

  #tellFunctions(): AgentOutput[] {
    const outputs: AgentOutput[] = [];
    for (const [functionId, { life }] of this.#residents) {
      const change = {
        type: 'function-changed' as const,
        functionId,
        status: life.status,
        report: life.report(),
        reason: life.reason,
      };
      const text = JSON.stringify(change);
      if (this.#told.functions.get(functionId) === text) continue;
      if (life.gone) this.#told.functions.delete(functionId);
      else this.#told.functions.set(functionId, text);
      outputs.push(change);
    }
    return outputs;
  }

  #tellSlots(): AgentOutput[] {
    const change = {
      type: 'slots-changed' as const,
      muteMs: this.#muteMs,
      slots: [...this.#slots.values()],
      failovers: this.#failovers,
    };
    const text = JSON.stringify(change);
    if (this.#told.slots === text) return [];
    const first = this.#told.slots === '' && change.slots.length === 0 && change.failovers.length === 0;
    this.#told.slots = text;
    return first ? [] : [change];
  }
}

/** An assignment made for a lower epoch or an older council than the one known. */
function isStale(asked: SlotAssignment, known: SlotAssignment | null): boolean {
  if (!known || asked.slot?.id !== known.slot?.id) return false;
  return (
    BigInt(asked.epoch) < BigInt(known.epoch) ||
    asked.council.generation < known.council.generation ||
    (asked.council.generation === known.council.generation && asked.council.number < known.council.number)
  );
}

function releasesFirst(a: AgentOutput, b: AgentOutput): number {
  return Number(b.type === 'release') - Number(a.type === 'release');
}

function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, index) => octet === b[index]);
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

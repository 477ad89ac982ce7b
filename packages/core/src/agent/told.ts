// SPDX-License-Identifier: Apache-2.0
import type {
  CouncilReport,
  FailoverRecord,
  HostReport,
  MergeableReport,
  SetConfiguration,
  SlotState,
  StallReport,
} from '@vnfpool/wire/mobility';
import type { FunctionId, NodeId, SlotId } from '../identity.ts';
import { isSame } from '../same.ts';
import type { Resident } from './agent.ts';
import { Candidacy } from './candidacy.ts';
import { definitionsOf, type HeldSlots, heldSlots } from './held-slots.ts';
import { recordOf, recordText } from './keeping.ts';
import { registrationsOf } from './registrations.ts';
import { roleOf } from './role.ts';
import type { SharedSlots } from './shared-slots.ts';
import type { AgentOutput } from './types.ts';

/** What an agent knows. */
export interface AgentView {
  readonly nowMs: number;
  readonly node: NodeId;
  readonly configuration: SetConfiguration | null;
  readonly residents: ReadonlyMap<FunctionId, Resident>;
  readonly slots: ReadonlyMap<SlotId, SlotState>;
  readonly shared: SharedSlots;
  /** Function that held a slot last, also when nobody does now. */
  readonly lastHolders: ReadonlyMap<SlotId, number>;
  /** To be told. */
  readonly failovers: readonly FailoverRecord[];
  /** To be on disk: also those that were told a moment ago. */
  readonly keptFailovers: readonly FailoverRecord[];
  /** Undefined: nothing to tell. */
  readonly host: HostReport | undefined;
  /** From now on; 0: the node votes. */
  readonly muteMs: number;
  readonly councils: readonly CouncilReport[];
  readonly stalls: StallReport | undefined;
  readonly mergeable: readonly MergeableReport[];
  /** It gives up every slot. */
  readonly isLeaving: boolean;
}

const NO_SLOTS: HeldSlots = new Map();

/** Of one of the slots that are held. */
function isStateAwaited(held: readonly SlotState[], { configuration, shared }: AgentView): boolean {
  const definitions = configuration && definitionsOf(configuration);
  return held.some(({ id }) => {
    const definition = definitions?.get(id);
    return definition !== undefined && shared.isAwaited(definition);
  });
}

/** What the agent has told others, so that only changes are told again. */
export class Told {
  /** Slots that we gave up, until we hear that we do not hold them any more. */
  readonly released: Set<SlotId> = new Set<SlotId>();
  readonly #candidacy = new Candidacy();
  readonly #candidatesTold = new Map<string, AgentOutput & { type: 'candidate' }>();
  readonly #registrationsTold = new Map<FunctionId, AgentOutput & { type: 'register' }>();
  readonly #functionsTold = new Map<FunctionId, string>();
  readonly #kept = new Map<FunctionId, string>();
  readonly #cookiesHanded = new Map<FunctionId, string>();
  /** Role, epoch and run. */
  readonly #rolesTold = new Map<FunctionId, string>();
  #slotsTold: (AgentOutput & { type: 'slots-changed' }) | undefined;
  #failoversKept: readonly FailoverRecord[] = [];

  /** The difference between what is and what was told. */
  tell(view: AgentView): AgentOutput[] {
    const held = heldSlots(view.slots);
    return [
      ...this.#releases(view),
      ...this.#keeps(view),
      ...this.#cookieSecrets(view),
      ...this.#candidates(view),
      ...this.#roles(view, held),
      ...this.#registrations(view, held),
      ...this.#functions(view),
      ...this.#keptFailovers(view),
      ...this.#slots(view),
    ];
  }

  #releases(view: AgentView): AgentOutput[] {
    const outputs: AgentOutput[] = [];
    for (const [slot, state] of view.slots) {
      if (state.state !== 'holding' || !state.holder || this.released.has(slot)) continue;
      const { life, standing } = view.residents.get(state.holder.functionId as FunctionId) ?? {};
      if ((life?.ready || standing?.ladder.isClimbing) && !view.isLeaving) continue;
      this.released.add(slot);
      if (life?.ready) {
        outputs.push({ type: 'release', slot, cause: 'handover' });
        continue;
      }
      const alive = life !== undefined && life.report().pid !== null && life.status !== 'Terminating';
      outputs.push({ type: 'release', slot, cause: alive ? 'function-unhealthy' : 'function-exit' });
    }
    return outputs;
  }

  #keeps(view: AgentView): AgentOutput[] {
    const outputs: AgentOutput[] = [];
    for (const [functionId, resident] of view.residents) {
      if (resident.life.gone) {
        this.#kept.delete(functionId);
        outputs.push({ type: 'keep', functionId, record: null });
        continue;
      }
      const record = recordOf(resident);
      const text = `${resident.life.tellings} ${recordText(record)}`;
      if (this.#kept.get(functionId) === text) continue;
      this.#kept.set(functionId, text);
      outputs.push({ type: 'keep', functionId, record });
    }
    return outputs;
  }

  #cookieSecrets(view: AgentView): AgentOutput[] {
    const outputs: AgentOutput[] = [];
    for (const [functionId, { life, assignment }] of view.residents) {
      const { cookies, pool } = assignment ?? {};
      const handed = cookies === undefined || pool === undefined || life.gone ? null : { pool, ...cookies };
      const text = JSON.stringify(handed);
      if (text === (this.#cookiesHanded.get(functionId) ?? 'null')) continue;
      if (handed === null) this.#cookiesHanded.delete(functionId);
      else this.#cookiesHanded.set(functionId, text);
      outputs.push({ type: 'cookie-secrets', functionId, handed });
    }
    return outputs;
  }

  #candidates(view: AgentView): AgentOutput[] {
    const configuration = view.isLeaving ? null : view.configuration;
    const offered = this.#candidacy.offered({ ...view, configuration });
    const outputs: AgentOutput[] = [];
    const changed = offered.filter(({ key, candidate }) => this.#candidatesTold.get(key) !== candidate);
    const isNew = changed.filter(({ key }) => !this.#candidatesTold.has(key)).length;
    if (this.#candidatesTold.size + isNew > offered.length) {
      const wanted = new Set(offered.map(({ key }) => key));
      for (const [key, { slot, functionId }] of this.#candidatesTold) {
        if (wanted.has(key)) continue;
        this.#candidatesTold.delete(key);
        outputs.push({ type: 'no-candidate', slot, functionId });
      }
    }
    for (const { key, candidate } of changed) {
      const isKnown = isSame(this.#candidatesTold.get(key), candidate);
      this.#candidatesTold.set(key, candidate);
      if (!isKnown) outputs.push(candidate);
    }
    return outputs;
  }

  #roles(view: AgentView, held: HeldSlots): AgentOutput[] {
    const outputs: AgentOutput[] = [];
    for (const [functionId, resident] of view.residents) {
      const { life } = resident;
      if (!life.isStarted) continue;
      const own = held.get(functionId) ?? [];
      const told = roleOf(resident, own);
      if (told.role === 'active' && isStateAwaited(own, view)) continue;
      const text = `${told.role} ${told.epoch} ${life.run}`;
      if (this.#rolesTold.get(functionId) === text) continue;
      this.#rolesTold.set(functionId, text);
      outputs.push({ type: 'role', functionId, run: life.run, ...told });
    }
    return outputs;
  }

  #registrations(view: AgentView, held: HeldSlots): AgentOutput[] {
    const wanted = registrationsOf(view.configuration, view.residents, view.isLeaving ? NO_SLOTS : held);
    const outputs: AgentOutput[] = [];
    for (const [functionId, { poolHandle }] of this.#registrationsTold) {
      if (wanted.get(functionId)?.poolHandle === poolHandle) continue;
      this.#registrationsTold.delete(functionId);
      outputs.push({ type: 'deregister', poolHandle, functionId });
    }
    for (const [functionId, registration] of wanted) {
      if (isSame(this.#registrationsTold.get(functionId), registration)) continue;
      this.#registrationsTold.set(functionId, registration);
      outputs.push(registration);
    }
    return outputs;
  }

  #functions(view: AgentView): AgentOutput[] {
    const outputs: AgentOutput[] = [];
    for (const [functionId, { life, transfer, standing }] of view.residents) {
      const trouble = standing.report;
      const report = { ...life.report(), ...(trouble === undefined ? {} : { trouble }) };
      const change = {
        type: 'function-changed' as const,
        functionId,
        status: life.status,
        report: transfer?.report ? { ...report, transfer: transfer.report } : report,
        reason: life.reason,
      };
      const text = JSON.stringify(change);
      if (this.#functionsTold.get(functionId) === text) continue;
      if (life.gone) {
        this.#functionsTold.delete(functionId);
        this.#rolesTold.delete(functionId);
      } else this.#functionsTold.set(functionId, text);
      outputs.push(change);
    }
    return outputs;
  }

  /** They go to disk before anybody hears of them: whoever was told may acknowledge. */
  #keptFailovers({ keptFailovers }: AgentView): AgentOutput[] {
    const former = this.#failoversKept;
    this.#failoversKept = keptFailovers;
    const isSame =
      former.length === keptFailovers.length && former.every(({ id }, at) => keptFailovers[at]?.id === id);
    return isSame ? [] : [{ type: 'keep-failovers', records: keptFailovers }];
  }

  #slots(view: AgentView): AgentOutput[] {
    const change = {
      type: 'slots-changed' as const,
      muteMs: view.muteMs,
      slots: view.shared.withReports(view.slots.values()),
      failovers: view.failovers,
      ...(view.councils.length === 0 ? {} : { councils: view.councils }),
      ...(view.stalls && { stalls: view.stalls }),
      ...(view.host === undefined ? {} : { host: view.host }),
      ...(view.mergeable.length === 0 ? {} : { mergeable: view.mergeable }),
    };
    const former = this.#slotsTold;
    // That the time becomes less is no news; that it is over is.
    const isMute = change.muteMs > 0;
    if (former && former.muteMs > 0 === isMute && isSame({ ...former, muteMs: 0 }, { ...change, muteMs: 0 }))
      return [];
    this.#slotsTold = change;
    const isEmpty =
      change.slots.length + change.failovers.length + view.councils.length === 0 && view.host === undefined;
    return former === undefined && isEmpty ? [] : [change];
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { FunctionId, NodeId, Random } from '@vnfpool/core';
import {
  ManagerCore,
  type ManagerCoreInput,
  type ManagerCoreOutput,
  type ManagerTables,
  type ManagerWrite,
  type RestoredState,
  restoreState,
} from '@vnfpool/core/manager';
import type { FunctionReport, SlotAssignment, SlotReport, StateOrder } from '@vnfpool/wire/mobility';

/** Seeded: the same run every time. */
export function seeded(seed: number): Random {
  let state = BigInt(seed) * 2n + 1n;
  const u64 = (): bigint =>
    (state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn);
  return { u64, u32: () => Number(u64() >> 32n), fraction: () => Number(u64() >> 32n) / 2 ** 32 };
}

export function healthy(change: Partial<FunctionReport> = {}): FunctionReport {
  return {
    v: 1,
    pid: 42,
    address: '10.0.0.1',
    port: 8080,
    incarnation: '0'.repeat(16),
    healthy: true,
    restarts: 0,
    failing: false,
    reason: '',
    output: [],
    ...change,
  };
}

interface Running {
  readonly node: NodeId;
  readonly functionId: FunctionId;
}

/** A manager core with a disk and nodes that do at once what they are told. */
export class FakeDomain {
  core: ManagerCore;
  nowMs = 0;
  diskFull = false;
  /** Nodes refuse everything, or only to take and give state. */
  refuse: boolean | 'state' = false;
  /** How many a source selects. */
  sessions = 3n;
  /** What is to be cancelled is over already. */
  hasTaken = false;
  /** `node/function` that runs something else than it is told. */
  anotherVersion = '';
  readonly disk = new Map<string, Map<string, string>>();
  readonly running = new Map<string, Running>();
  readonly replies: Extract<ManagerCoreOutput, { type: 'reply' }>['reply'][] = [];
  /** By `node/function`: the last one that it was told. */
  readonly assignments = new Map<string, SlotAssignment>();
  /** Answers to assignments wait for `answerLate`. */
  isSlow = false;
  #late: (() => void)[] = [];
  /** Orders since the last look. */
  orders: string[] = [];
  #nodes = new Map<string, NodeId>();

  private constructor(core: ManagerCore) {
    this.core = core;
  }

  static async start(): Promise<FakeDomain> {
    const disk = new Map<string, Map<string, string>>();
    const domain = new FakeDomain(coreOf(await restore(disk), 1));
    for (const [table, rows] of disk) domain.disk.set(table, rows);
    return domain;
  }

  /** Ends the core as a crash does and starts another one from the disk. */
  async restart(): Promise<void> {
    this.core = coreOf(await restore(this.disk), 2);
    this.orders = [];
  }

  give(input: ManagerCoreInput): void {
    this.nowMs += 1;
    this.#carryOut(this.core.handle(input, this.nowMs));
  }

  expire(): void {
    this.nowMs = Math.max(this.nowMs, this.core.nextDeadline() ?? this.nowMs);
    this.#carryOut(this.core.expire(this.nowMs));
  }

  register(name: string, id: number, bootTime = 7n): void {
    this.registration(name, id, { bootTime });
    this.answer(id);
  }

  /** A node registers, and has not said what it runs. */
  registration(
    name: string,
    id: number,
    told: { readonly bootTime?: bigint; readonly resumed?: boolean; readonly isAsked?: boolean } = {},
  ): void {
    const node = id as NodeId;
    this.#nodes.set(name, node);
    this.give({
      type: 'node-registered',
      node,
      name,
      resumed: false,
      isAsked: true,
      bootTime: 7n,
      ...told,
      addresses: [`10.0.0.${id}`],
      information: {},
      statePort: null,
      leaseEndpoint: {
        v: 1,
        name,
        address: `10.0.0.${id}`,
        port: 7000,
        key: 'k',
        version: '1',
        fence: 'nft',
      },
    });
  }

  /** It says what it runs. */
  answer(id: number): void {
    const node = id as NodeId;
    const mine = [...this.running.values()].filter((each) => each.node === node);
    for (const { functionId } of mine) this.status(node, functionId);
    this.give({ type: 'node-functions', node, functionIds: mine.map(({ functionId }) => functionId) });
  }

  status(
    node: NodeId,
    functionId: FunctionId,
    report: FunctionReport = healthy(),
    status: 'Running' | 'Starting' | 'Unknown' = 'Running',
    reason = '',
  ): void {
    this.give({
      type: 'function-status',
      node,
      functionId,
      status,
      gone: status === 'Unknown',
      report,
      information: {},
      reason,
    });
  }

  report(node: number, report: Omit<SlotReport, 'v' | 'muteMs'> & { readonly muteMs?: number }): void {
    this.give({ type: 'slot-report', node: node as NodeId, report: { v: 1, muteMs: 0, ...report } });
  }

  rows<Table extends keyof ManagerTables>(table: Table): ManagerTables[Table][] {
    return [...(this.disk.get(table)?.values() ?? [])].map((text) => JSON.parse(text));
  }

  answerLate(): void {
    this.isSlow = false;
    for (const answer of this.#late.splice(0)) answer();
  }

  #carryOut(outputs: readonly ManagerCoreOutput[]): void {
    for (const output of outputs) {
      if (output.type === 'reply') this.replies.push(output.reply);
      else if (output.type === 'persist') this.#write(output.id, output.writes);
      else if (output.type === 'mobility') this.#obey(output.input);
    }
  }

  #write(id: number, writes: readonly ManagerWrite[]): void {
    if (this.diskFull) {
      this.give({ type: 'persist-failed', id, full: true, reason: 'No room on the disk.' });
      return;
    }
    for (const { table, key, value } of writes) {
      let rows = this.disk.get(table);
      if (!rows) this.disk.set(table, (rows = new Map()));
      if (value === null) rows.delete(key);
      else rows.set(key, JSON.stringify(value));
    }
    this.give({ type: 'persisted', id });
  }

  lastStateOrder = 0;
  /** What nodes answer to orders about states; null: nothing. */
  answersStates:
    | ((order: StateOrder) => Partial<Extract<ManagerCoreInput, { type: 'operation-result' }>>)
    | null = null;

  #obey(input: Extract<ManagerCoreOutput, { type: 'mobility' }>['input']): void {
    const { node, requestId } = input;
    if (input.type === 'state-order') {
      const { task, from, stop } = input.order;
      this.lastStateOrder = requestId;
      this.orders.push(`${stop ? 'stop ' : ''}${task} at ${node} from ${from}`);
      const result = { type: 'operation-result', requestId, code: 0, error: null, text: '' } as const;
      if (this.answersStates !== null)
        this.give({ ...result, status: null, report: null, ...this.answersStates(input.order) });
      return;
    }
    const functionId = input.functionId as FunctionId;
    const key = `${node}/${functionId}`;
    const done = {
      type: 'operation-result',
      requestId,
      code: 0,
      error: null,
      text: '',
      report: null,
    } as const;
    if (input.type === 'add' && input.assignment) this.assignments.set(key, input.assignment);
    if (input.type === 'delete') this.assignments.delete(key);
    const isState =
      input.type === 'move' ||
      input.type === 'move-session' ||
      (input.type === 'add' && input.prepare !== undefined);
    if (this.refuse === true || (this.refuse === 'state' && isState)) {
      this.orders.push(`${input.type === 'add' && input.prepare ? 'prepare' : input.type} ${key}`);
      this.give({ ...done, code: 128, text: 'not now', status: null });
    } else if (input.type === 'move') {
      this.orders.push(`move ${key} to ${input.destination.node}`);
      this.give({ ...done, status: 'Running', report: healthy() });
    } else if (input.type === 'move-session') {
      const which = input.sessions.map(({ type }) => type).join('+');
      this.orders.push(`${which} of ${key} to ${input.destination.node}/${input.targetFunctionId}`);
      const report = healthy({
        reason: this.sessions === 0n ? '' : `${this.sessions} sessions go to node 2`,
      });
      this.status(node, functionId, report);
      this.give({ ...done, status: 'Running', report, sessions: this.sessions });
    } else if (input.type === 'add' && input.prepare && !input.specification) {
      this.orders.push(`expect ${key} from ${input.prepare.from}`);
      this.give({ ...done, status: 'Running' });
    } else if (input.type === 'add' && input.prepare) {
      this.orders.push(`prepare ${key} from ${input.prepare.from}`);
      this.running.set(key, { node, functionId });
      this.give({ ...done, status: 'Starting' });
    } else if (input.type === 'delete' && input.cancels && this.hasTaken) {
      this.orders.push(`cancel ${key}`);
      this.give({ ...done, code: 128, text: 'it has its state already', status: null });
    } else if (input.type === 'delete') {
      this.orders.push(`${input.cancels ? 'cancel' : 'delete'} ${key}`);
      this.running.delete(key);
      this.give({ ...done, status: 'Unknown' });
    } else if (input.configuration) {
      this.orders.push(`configure ${node}`);
      this.give({ ...done, status: null });
    } else if (input.specification && this.anotherVersion === key && this.running.has(key)) {
      this.give({ ...done, code: 128, error: 6, text: 'it runs with another specification', status: null });
    } else if (input.specification) {
      this.orders.push(`add ${key}`);
      this.running.set(key, { node, functionId });
      this.give({ ...done, status: 'Starting' });
      this.status(node, functionId);
    } else {
      this.orders.push(
        `assign ${key} ${input.assignment?.role}${input.assignment?.handover ? ` handover to ${input.assignment.handover.to}` : ''}`,
      );
      const answer = (): void => this.give({ ...done, status: 'Running' });
      if (this.isSlow) this.#late.push(answer);
      else answer();
    }
  }
}

function coreOf(restored: RestoredState, seed: number): ManagerCore {
  return new ManagerCore(
    { random: seeded(seed), wallMs: (nowMs) => 1_000_000 + nowMs, mode: 'namespaces' },
    restored,
  );
}

function restore(disk: ReadonlyMap<string, ReadonlyMap<string, string>>): Promise<RestoredState> {
  return restoreState(async (table) =>
    [...(disk.get(table) ?? [])]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, text]) => ({ key, value: JSON.parse(text) })),
  );
}

// SPDX-License-Identifier: Apache-2.0
import type { TransferToken } from '@vnfpool/core/mobility';
import { toHex } from '@vnfpool/wire/bytes';
import type { RunningStatus } from '@vnfpool/wire/mobility';
import { type FunctionId, functionId } from '../../../src/identity.ts';
import type { AgentOrder, Host, World } from '../world.ts';

/** How long a prepared destination waits for its source. */
const TOKEN_MS = 30_000;

interface Instance {
  status: RunningStatus;
  /** What it waits for while it is prepared. */
  token: string | null;
  sessions: bigint;
}

type Order<Type extends AgentOrder['type']> = Extract<AgentOrder, { readonly type: Type }>;
type TransferOrder = Order<'move' | 'copy' | 'move-session'>;

/**
 * Agents of a world's hosts that give each other functions and sessions, in one indivisible moment some time after
 * they accepted it. Functions outlive the agent's process; what was only prepared does not.
 */
export class TransferAgents {
  readonly #world: World;
  readonly #instances = new Map<Host, Map<FunctionId, Instance>>();
  /** What agents were given, in order: `add:NAME`, `prepare:TOKEN`, `move:TOKEN`. */
  readonly given: string[] = [];
  /** Time from accepting a transfer to its end. */
  transferMs = 50;

  constructor(world: World) {
    this.#world = world;
    world.agent = (host, order) => this.#take(host, order);
  }

  of(host: Host): Map<FunctionId, Instance> {
    const known = this.#instances.get(host) ?? new Map<FunctionId, Instance>();
    this.#instances.set(host, known);
    return known;
  }

  /** What runs on a host, as `101 Running`. */
  table(host: Host): string[] {
    return [...this.of(host)].map(([id, { status }]) => `${id} ${status}`).toSorted();
  }

  /** A new process has found the functions of the old one, or none of them. */
  restarted(host: Host, keepsFunctions: boolean): void {
    const functions = this.of(host);
    for (const [id, instance] of functions) {
      if (!keepsFunctions || instance.status !== 'Running') functions.delete(id);
      else this.#tell(host, id, 'Running');
    }
  }

  #take(host: Host, order: AgentOrder): void {
    const { node } = host;
    this.given.push(`${order.type}:${nameOf(order)}`);
    this.#world.later(host.agentMs, () => {
      if (!host.answers || host.node !== node) return;
      switch (order.type) {
        case 'configure':
        case 'state-order':
          return this.#answer(host, order, 0, {});
        case 'add':
          this.#answer(host, order, 0, { status: 'Running' });
          return this.#set(host, order.functionId, { status: 'Running', token: null, sessions: 1000n });
        case 'delete':
          this.#answer(host, order, 0, {
            status: this.of(host).has(order.functionId) ? 'Terminating' : 'Unknown',
          });
          return this.#end(host, order.functionId, 'terminated');
        case 'prepare':
          return this.#prepare(host, order);
        default:
          return this.#accept(host, order);
      }
    });
  }

  #prepare(host: Host, { operation, functionId: id, token }: Order<'prepare'>): void {
    const live = this.of(host).get(id);
    if (live) {
      return this.#answer(host, { operation }, 128, { text: 'it is here already', status: live.status });
    }
    const { node } = host;
    this.#answer(host, { operation }, 0, { status: 'Starting' });
    this.#set(host, id, { status: 'Starting', token: toHex(token), sessions: 0n });
    this.#world.later(TOKEN_MS, () => {
      const waits = this.of(host).get(id)?.token === toHex(token);
      if (host.node === node && waits) this.#end(host, id, 'no state came');
    });
  }

  #accept(host: Host, order: TransferOrder): void {
    const id = order.functionId ?? this.of(host).keys().next().value;
    const instance = id === undefined ? undefined : this.of(host).get(id);
    if (id === undefined || instance?.status !== 'Running') {
      return this.#answer(host, order, 128, { error: 2, text: 'no such function' });
    }
    const { node } = host;
    const sessions = order.type === 'move-session' ? { sessions: instance.sessions / 2n } : {};
    this.#answer(host, order, 0, { status: 'Running', ...sessions });
    this.#world.later(this.transferMs, () => {
      if (host.node === node) this.#commit(host, id, order);
    });
  }

  /** From here on the destination owns it, or everything is as before. */
  #commit(source: Host, id: FunctionId, order: TransferOrder): void {
    const instance = this.of(source).get(id);
    const destination = this.#world.hosts.find(({ identity }) => identity === order.destination.node);
    if (instance === undefined || destination === undefined) return;
    const there = order.type === 'copy' ? (order.copyId ?? id) : id;
    const waiting = this.of(destination).get(there);
    const isAdmitted = waiting !== undefined && waiting.token === tokenOf(order.token);
    if (!isAdmitted) return this.#tell(source, id, 'Running', 'the destination does not take it', true);
    const moved = order.type === 'move-session' ? instance.sessions / 2n : instance.sessions;
    this.#set(destination, there, { status: 'Running', token: null, sessions: moved });
    if (order.type === 'move') return this.#end(source, id, 'moved');
    if (order.type === 'move-session') instance.sessions -= moved;
    this.#tell(source, id, 'Running', '', true);
  }

  #end(host: Host, id: FunctionId, reason: string): void {
    if (!this.of(host).delete(id)) return;
    this.#tell(host, id, 'Terminating');
    this.#tell(host, id, 'Unknown', reason);
  }

  #set(host: Host, id: FunctionId, instance: Instance): void {
    this.of(host).set(id, instance);
    this.#tell(host, id, instance.status);
  }

  #tell(host: Host, id: FunctionId, status: RunningStatus, reason = '', urgent = false): void {
    const change = { functionId: functionId(id), status, reason, urgent, report: null };
    this.#world.toHost(host, { type: 'function-changed', ...change });
  }

  #answer(
    host: Host,
    { operation }: { readonly operation: number },
    code: number,
    rest: { status?: RunningStatus; text?: string; error?: number; sessions?: bigint },
  ): void {
    this.#world.toHost(host, { type: 'answer', operation, code, ...rest });
  }
}

function nameOf(order: AgentOrder): string {
  if ('token' in order) return tokenOf(order.token) ?? 'plain';
  if (order.type === 'add') return order.name ?? '';
  return order.type === 'delete' ? String(order.functionId) : '';
}

function tokenOf(token: TransferToken | null): string | null {
  return token && toHex(token);
}

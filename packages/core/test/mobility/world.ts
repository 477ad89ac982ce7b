// SPDX-License-Identifier: Apache-2.0

import type { Random } from '@vnfpool/core';
import {
  type ManagerOptions,
  MobilityManager,
  type MobilityManagerInput,
  type MobilityManagerOutput,
  MobilityNode,
  type MobilityNodeInput,
  type MobilityNodeOutput,
  type NodeOptions,
} from '@vnfpool/core/mobility';
import { decodeMobility, encodeMobility, type MobilityMessage } from '@vnfpool/wire/mobility';
import { type NodeId, nodeId } from '../../src/identity.ts';

/** A small seeded generator (xorshift), enough for jitter. */
export function seeded(seed: number): Random {
  let state = seed | 1;
  const u32 = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return { u32, u64: () => (BigInt(u32()) << 32n) | BigInt(u32()), fraction: () => u32() / 2 ** 32 };
}

/** What a node's endpoint asks of its agent. */
export type AgentOrder = Extract<MobilityNodeOutput, { readonly operation: number }>;

interface Link {
  readonly id: number;
  readonly host: Host;
  managerOpen: boolean;
  hostOpen: boolean;
  /** Frames vanish, nobody is told: a cable that was pulled. */
  silent: boolean;
}

/** A node endpoint with a simple agent behind it. */
export interface Host {
  readonly name: string;
  readonly identity: NodeId;
  node: MobilityNode;
  readonly outputs: MobilityNodeOutput[];
  /** Names of the ADDs and `delete:id` of the DELETEs that the agent was given. */
  readonly executed: string[];
  reachable: boolean;
  /** Answers of the agent come after this time. */
  agentMs: number;
  /** Operations left unanswered while false. */
  answers: boolean;
}

/** Manager and nodes on virtual time; every message passes through its octets. */
export class World {
  nowMs = 0;
  latencyMs = 1;
  manager: MobilityManager;
  readonly hosts: Host[] = [];
  readonly outputs: MobilityManagerOutput[] = [];
  /** Every message sent, for looking at: `node-a> registration 1`. */
  readonly traffic: { readonly from: string; readonly message: MobilityMessage }[] = [];
  readonly links: Link[] = [];
  /** Carries out what is not a transfer; tests of transfers put another agent in its place. */
  agent: (host: Host, order: AgentOrder) => void = (host, order) => {
    if (order.type !== 'add' && order.type !== 'delete' && order.type !== 'configure') return;
    const { node } = host;
    if (order.type === 'add') host.executed.push(order.name ?? `assign:${order.functionId}`);
    else host.executed.push(order.type === 'delete' ? `delete:${order.functionId}` : 'configure');
    this.later(host.agentMs, () => {
      if (!host.answers || host.node !== node) return;
      const { operation } = order;
      if (order.type === 'configure') return this.toHost(host, { type: 'answer', operation, code: 0 });
      const status = order.type === 'add' ? 'Starting' : 'Terminating';
      this.toHost(host, { type: 'answer', operation, code: 0, status });
      const after = order.type === 'add' ? 'Running' : 'Unknown';
      const { functionId } = order;
      this.toHost(host, { type: 'function-changed', functionId, status: after, report: null });
    });
  };

  #events: { atMs: number; order: number; run: () => void }[] = [];
  #order = 0;

  constructor(options: Partial<ManagerOptions> = {}) {
    this.manager = this.#newManager(options);
  }

  #newManager(options: Partial<ManagerOptions>): MobilityManager {
    return new MobilityManager({ random: seeded(7), instance: 1n, term: 1n, ...options });
  }

  host(name: string, identity: number, options: Partial<NodeOptions> = {}): Host {
    const host: Host = {
      name,
      identity: nodeId(identity),
      node: newNode(identity, options),
      outputs: [],
      executed: [],
      reachable: true,
      agentMs: 0,
      answers: true,
    };
    this.hosts.push(host);
    return host;
  }

  /** Another process in place of the old one; the kernel resets its connections. */
  restartHost(host: Host, options: Partial<NodeOptions> = {}): void {
    for (const link of this.links) if (link.host === host) this.reset(link);
    host.node = newNode(host.identity, options);
    this.toHost(host, { type: 'start' });
  }

  restartManager(options: Partial<ManagerOptions>): void {
    for (const link of this.links) {
      link.managerOpen = false;
      this.reset(link);
    }
    this.manager = this.#newManager(options);
  }

  linkOf(host: Host): Link {
    const link = this.links.findLast((candidate) => candidate.host === host && candidate.hostOpen);
    if (link === undefined) throw new Error(`${host.name} has no connection`);
    return link;
  }

  /** Both ends learn at once that the connection is gone; what is under way is lost. */
  reset(link: Link): void {
    const { managerOpen, hostOpen } = link;
    link.managerOpen = false;
    link.hostOpen = false;
    if (managerOpen) this.toManager({ type: 'disconnected', connection: link.id });
    if (hostOpen) this.toHost(link.host, { type: 'disconnected', connection: link.id });
  }

  toManager(input: MobilityManagerInput): void {
    this.#fromManager(this.manager.handle(input, this.nowMs));
  }

  toHost(host: Host, input: MobilityNodeInput): void {
    this.#fromHost(host, host.node.handle(input, this.nowMs));
  }

  /** Puts a message on a link as if the host had sent it. */
  forge(link: Link, message: MobilityMessage): void {
    this.#deliverToManager(link, message);
  }

  forgeToHost(link: Link, message: MobilityMessage): void {
    this.#deliverToHost(link, message);
  }

  run(forMs: number): void {
    const untilMs = this.nowMs + forMs;
    for (let spins = 0; ; spins++) {
      if (spins > 100_000) throw new Error(`the world spins at ${this.nowMs}`);
      const next = this.#nextMs();
      if (next > untilMs) break;
      this.nowMs = Math.max(this.nowMs, next);
      this.#step();
    }
    this.nowMs = untilMs;
  }

  of<Type extends MobilityManagerOutput['type']>(
    type: Type,
  ): Extract<MobilityManagerOutput, { type: Type }>[] {
    return this.outputs.filter((output) => output.type === type) as never;
  }

  /** Types of the manager's outputs about nodes, in order. */
  story(): string[] {
    return this.outputs.filter(({ type }) => type.startsWith('node-')).map(({ type }) => type);
  }

  #nextMs(): number {
    const first = Math.min(...this.#events.map(({ atMs }) => atMs), Number.POSITIVE_INFINITY);
    const deadlines = [this.manager, ...this.hosts.map(({ node }) => node)].map((core) =>
      core.nextDeadline(),
    );
    return Math.min(first, ...deadlines.map((deadline) => deadline ?? Number.POSITIVE_INFINITY));
  }

  #step(): void {
    const due = this.#events.filter(({ atMs }) => atMs <= this.nowMs);
    this.#events = this.#events.filter(({ atMs }) => atMs > this.nowMs);
    for (const { run } of due.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order)) run();
    this.#fromManager(this.manager.expire(this.nowMs));
    for (const host of this.hosts) this.#fromHost(host, host.node.expire(this.nowMs));
  }

  /** Runs something when virtual time has come so far. */
  later(delayMs: number, run: () => void): void {
    this.#events.push({ atMs: this.nowMs + delayMs, order: this.#order++, run });
  }

  #fromManager(outputs: MobilityManagerOutput[]): void {
    this.outputs.push(...outputs);
    for (const output of outputs) {
      if (output.type === 'send') {
        const link = this.links[output.connection];
        this.traffic.push({ from: 'manager', message: output.message });
        if (link?.managerOpen && !link.silent) this.#deliverToHost(link, output.message);
      } else if (output.type === 'close') {
        const link = this.links[output.connection];
        if (link === undefined) continue;
        link.managerOpen = false;
        this.later(this.latencyMs, () => {
          if (!link.hostOpen || link.silent) return;
          link.hostOpen = false;
          this.toHost(link.host, { type: 'disconnected', connection: link.id });
        });
      }
    }
  }

  #fromHost(host: Host, outputs: MobilityNodeOutput[]): void {
    host.outputs.push(...outputs);
    for (const output of outputs) {
      switch (output.type) {
        case 'connect':
          this.#connect(host, host.node);
          break;
        case 'send': {
          const link = this.links[output.connection];
          this.traffic.push({ from: host.name, message: output.message });
          if (link?.hostOpen && !link.silent) this.#deliverToManager(link, output.message);
          break;
        }
        case 'close': {
          const link = this.links[output.connection];
          if (link === undefined) break;
          link.hostOpen = false;
          this.later(this.latencyMs, () => {
            if (!link.managerOpen || link.silent) return;
            link.managerOpen = false;
            this.toManager({ type: 'disconnected', connection: link.id });
          });
          break;
        }
        case 'add':
        case 'delete':
        case 'configure':
        case 'prepare':
        case 'move':
        case 'copy':
        case 'move-session':
        case 'state-order':
          this.agent(host, output);
          break;
        case 'managed':
        case 'unmanaged':
        case 'failovers-acknowledged':
        case 'persist':
        case 'event':
      }
    }
  }

  #connect(host: Host, node: MobilityNode): void {
    this.later(this.latencyMs, () => {
      if (host.node !== node) return;
      if (!host.reachable) return this.toHost(host, { type: 'connect-failed', reason: 'unreachable' });
      const link: Link = { id: this.links.length, host, managerOpen: true, hostOpen: true, silent: false };
      this.links.push(link);
      const identity = { node: host.identity, name: host.name };
      this.toManager({ type: 'connected', connection: link.id, identity });
      this.toHost(host, { type: 'connected', connection: link.id });
    });
  }

  #deliverToHost(link: Link, message: MobilityMessage): void {
    const octets = encodeMobility(message);
    this.later(this.latencyMs, () => {
      if (!link.hostOpen || link.silent) return;
      this.toHost(link.host, { type: 'message', connection: link.id, message: decodeMobility(octets) });
    });
  }

  #deliverToManager(link: Link, message: MobilityMessage): void {
    const octets = encodeMobility(message);
    this.later(this.latencyMs, () => {
      if (!link.managerOpen || link.silent) return;
      this.toManager({ type: 'message', connection: link.id, message: decodeMobility(octets) });
    });
  }
}

function newNode(identity: number, options: Partial<NodeOptions>): MobilityNode {
  return new MobilityNode({
    random: seeded(identity + 1),
    nodeId: identity,
    highestTerm: 0n,
    bootTime: 0xed00_3780_8000_0000n,
    instance: BigInt(identity) + 1000n,
    addresses: ['192.0.2.10'],
    ...options,
  });
}

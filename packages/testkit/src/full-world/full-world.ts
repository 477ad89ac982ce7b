// SPDX-License-Identifier: Apache-2.0
import type { SeededRandom } from '../lease-world/seeded-random.ts';
import { changed, edgeSet, roomySet, withGateway } from './declarations.ts';
import { FullManager, MANAGER_HOST } from './manager.ts';
import { MovesWatch } from './moves-watch.ts';
import { FullNode } from './node.ts';
import { Operator } from './operator.ts';
import type { FullWorldPlan, MoveMutation } from './options.ts';
import { FullRegistrar, REGISTRAR_HOST } from './registrar.ts';
import { FullUser } from './user.ts';
import { World } from './world.ts';

const NODE_NAMES = ['node-a', 'node-b', 'node-c'];
/** Where instances move there has to be room. */
const MORE_NODE_NAMES = [...NODE_NAMES, 'node-d'];

/** Nodes that stay drained in the end. */
const DRAINED_MAX = 1;
const ROOM_LOOK_MS = 300;

/** Three nodes, or four where instances move, a manager, a registrar, a pool user and a person who declares the set. */
export class FullWorld extends World {
  readonly nodes: readonly FullNode[];
  readonly manager: FullManager;
  readonly registrar: FullRegistrar;
  readonly user: FullUser;
  readonly operator: Operator;
  /** Undefined: nothing moves. */
  readonly moves: MovesWatch | undefined;

  constructor(random: SeededRandom, plan: FullWorldPlan, traceLines: number, mutation?: MoveMutation) {
    super(random, plan, traceLines, mutation);
    this.manager = new FullManager(this);
    this.nodes = (plan.moves === undefined ? NODE_NAMES : MORE_NODE_NAMES).map(
      (name, index) =>
        new FullNode(this, name, index + 1, {
          managerHost: MANAGER_HOST,
          join: (host, joining) => this.manager.join(host, joining),
          deliver: (from, address, bytes) => this.#deliver(from, address, bytes),
          peerOf: (at) => this.nodes.find(({ machine }) => machine.host === at)?.machine.disk.nodeId || null,
          hostOf: (address) => this.nodes.find(({ machine }) => machine.address === address)?.machine.host,
          checkFences: () => this.checkFences(),
        }),
    );
    this.registrar = new FullRegistrar(this, {
      nameOf: (host) => this.nodes.find(({ machine }) => machine.host === host)?.name,
      announce: (at) => !this.streams.isCut(REGISTRAR_HOST, MANAGER_HOST) && this.manager.announce(at),
    });
    this.user = new FullUser(this);
    this.operator = new Operator(this, this.manager);
    this.moves = plan.moves === undefined ? undefined : this.#watchMoves();
  }

  start(): void {
    const { random, schedule } = this;
    schedule.after(random.between(0, 200), () => this.manager.start());
    schedule.after(random.between(0, 200), () => this.registrar.start());
    for (const node of this.nodes) schedule.after(random.between(0, 400), () => node.start());
    schedule.after(random.between(0, 400), () => {
      const { addressFaults, allAddressed, moves, rules } = this.plan;
      const plain = moves === undefined ? edgeSet(allAddressed) : roomySet(allAddressed);
      const set = addressFaults === undefined ? plain : withGateway(plain);
      this.operator.declare(rules === undefined ? set : changed(set, 'web', rules));
    });
    this.user.start('web');
    this.moves?.start();
  }

  /** No faults any more: everything runs, and the network is good. */
  calm(): void {
    this.log(() => 'calm');
    this.isCalm = true;
    this.network.calm();
    this.manager.setFull(false);
    this.strangers.clear();
    for (const node of this.nodes) {
      node.machine.giveLink();
      node.machine.giveOuterLink();
      node.machine.accept();
      node.life?.worker.linkChanged();
      node.life?.worker.outerLinkChanged();
    }
    for (const process of [this.manager.process, this.registrar.process]) process.resume();
    this.manager.start();
    this.registrar.start();
    if (this.moves) this.schedule.after(ROOM_LOOK_MS, () => this.#keepRoom());
    for (const node of this.nodes) {
      node.process.resume();
      node.start();
      for (const program of node.life?.functions.programs.values() ?? []) program.illUntilMs = 0;
    }
  }

  /** Nodes enough for all that is declared: a drained one takes nothing new. */
  #keepRoom(): void {
    const { life, nowMs } = this.manager;
    const drained = life?.core.views(nowMs).nodes.filter(({ drain }) => drain !== null) ?? [];
    for (const { name } of drained.slice(DRAINED_MAX)) this.manager.drain(name, true);
    if (!life || drained.length > DRAINED_MAX) this.schedule.after(ROOM_LOOK_MS, () => this.#keepRoom());
  }

  /** At most one node lets packets of an address pass. */
  checkFences(): void {
    const addresses = new Set(this.nodes.flatMap(({ machine }) => [...machine.raised]));
    for (const address of addresses) {
      const open = this.nodes.filter(({ machine }) => machine.lets(address));
      this.invariants.fences(
        address,
        open.map(({ machine }) => machine.host),
      );
    }
  }

  /** Nodes at which the address is open now. */
  openAt(address: string): FullNode[] {
    return this.nodes.filter(({ machine }) => machine.lets(address));
  }

  /** The node that says it serves this slot; undefined: none, or several. */
  holderOf(slot: string): FullNode | undefined {
    const holders = this.nodes.filter(({ life }) => life?.worker.held.has(slot));
    return holders.length === 1 ? holders[0] : undefined;
  }

  /** The node that serves the only slot of `web`. */
  get active(): FullNode | undefined {
    const address = '10.77.0.100';
    return this.openAt(address)[0];
  }

  #watchMoves(): MovesWatch {
    const watch = new MovesWatch(this);
    this.manager.onStored = (writes) => watch.stored(writes);
    this.manager.onEvent = (event) => watch.told(event);
    if (this.mutation === 'the manager counts before the slot has left')
      this.manager.hears = (report) => ({
        ...report,
        slots: report.slots.map((slot) => watch.early(slot)),
      });
    return watch;
  }

  #deliver(fromHost: number, address: string, bytes: Uint8Array): void {
    const to = this.nodes.find(({ machine }) => machine.address === address);
    if (to) this.network.send(fromHost, to.machine.host, () => to.datagram(bytes));
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { NodeLeaseRecord } from '@vnfpool/core/lease';
import type { FailoverRecord, SetConfiguration } from '@vnfpool/wire/mobility';
import { FenceModel } from '../lease-world/fence-model.ts';
import { NodeClock } from '../lease-world/node-clock.ts';
import type { TransferRecord } from './transfer-types.ts';
import type { World } from './world.ts';

/** What of a node survives its agent: the kernel's part, and the disk. */
export class Machine {
  readonly host: number;
  readonly name: string;
  readonly address: string;
  readonly clock: NodeClock;
  readonly fence: FenceModel;
  /** Virtual addresses on its link. */
  readonly raised: Set<string> = new Set();
  /** Addresses under the fence, each with its slot. */
  readonly guarded: Map<string, string> = new Map();
  /** The link of its virtual addresses is there. */
  hasLink = true;
  /** Why nothing can be forwarded into its other link, which carries no addresses; null: it can. */
  outerTrouble: string | null = null;
  /** Its kernel refuses addresses that are raised: those that it has stay. */
  refuses = false;
  /** On disk too: transfers of state whose outcome a restarted agent has to know, by token. */
  readonly transfers: Map<string, TransferRecord> = new Map();
  readonly disk: NodeDisk = {
    leases: [],
    incarnation: 0n,
    term: 0n,
    nodeId: 0,
    configuration: null,
    failovers: [],
  };
  readonly #world: World;

  constructor(world: World, name: string, host: number) {
    const { random } = world;
    this.#world = world;
    this.name = name;
    this.host = host;
    this.address = `10.77.0.${host}`;
    // Half the engine's bound to either side, so that each pair stays within it.
    // Each within half of the bound of every other: more, and one of them would be found out.
    const rate = 1 + random.pick([-0.0024, 0.0024, random.between(-0.0024, 0.0024)]);
    this.clock = new NodeClock(rate, random.between(1, 1e6), 1.7e12 + random.between(-500, 500));
    this.fence = new FenceModel(world.plan.fence, this.clock);
  }

  /** Addresses not named any more leave the link, then the fence. */
  guard(slots: readonly { readonly slot: string; readonly addresses: readonly string[] }[]): void {
    const wanted = new Map(
      slots.flatMap(({ slot, addresses }) => addresses.map((address) => [address, slot] as const)),
    );
    for (const address of this.guarded.keys()) if (!wanted.has(address)) this.raised.delete(address);
    for (const slot of this.guarded.values())
      if (!slots.some((each) => each.slot === slot)) this.fence.close(slot);
    this.guarded.clear();
    for (const [address, slot] of wanted) this.guarded.set(address, slot);
  }

  /** Whether packets of this address pass here now. */
  lets(address: string): boolean {
    if (!this.raised.has(address)) return false;
    const slot = this.guarded.get(address);
    return slot === undefined || this.fence.openEpoch(slot, this.#world.nowMs) !== undefined;
  }

  /** What was guarded stays so, closed: as the fence of a new agent begins. */
  closeFence(): void {
    this.fence.closeAll();
  }

  takeLink(): void {
    this.#world.log(() => `${this.name}: its link goes`);
    this.hasLink = false;
    this.raised.clear();
  }

  giveLink(): void {
    if (!this.hasLink) this.#world.log(() => `${this.name}: its link is back`);
    this.hasLink = true;
  }

  loseOuterLink(trouble: string): void {
    this.#world.log(() => `${this.name}: ${trouble}`);
    this.outerTrouble = trouble;
  }

  giveOuterLink(): void {
    if (this.outerTrouble !== null) this.#world.log(() => `${this.name}: its outer link is back`);
    this.outerTrouble = null;
  }

  refuse(): void {
    this.#world.log(() => `${this.name}: its kernel refuses addresses`);
    this.refuses = true;
  }

  accept(): void {
    if (this.refuses) this.#world.log(() => `${this.name}: its kernel takes addresses again`);
    this.refuses = false;
  }

  losePower(): void {
    this.closeFence();
    this.raised.clear();
    this.guarded.clear();
  }

  /** An agent that stops takes away what it guarded, then the rules. */
  cleanUp(): void {
    for (const address of this.guarded.keys()) this.raised.delete(address);
    this.closeFence();
    this.guarded.clear();
  }

  stepWall(byMs: number): void {
    this.#world.log(() => `${this.name}: the wall clock steps by ${byMs.toFixed(0)} ms`);
    this.clock.stepWall(byMs);
    this.fence.wallStepped(byMs);
  }
}

export interface NodeDisk {
  readonly leases: NodeLeaseRecord[];
  incarnation: bigint;
  term: bigint;
  /** 0: it has not joined. */
  nodeId: number;
  /** As it was last told. */
  configuration: SetConfiguration | null;
  /** That no manager has acknowledged. */
  failovers: readonly FailoverRecord[];
}

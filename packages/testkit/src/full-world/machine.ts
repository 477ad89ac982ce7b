// SPDX-License-Identifier: Apache-2.0
import type { LeaseRecord } from '@vnfpool/core/lease';
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
  /** Virtual addresses on its link. */
  readonly raised: Set<string> = new Set();
  readonly guarded: Set<string> = new Set();
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
  readonly #fences = new Map<string, FenceModel>();

  constructor(world: World, name: string, host: number) {
    const { random } = world;
    this.#world = world;
    this.name = name;
    this.host = host;
    this.address = `10.77.0.${host}`;
    // Half the engine's bound to either side, so that each pair stays within it.
    const rate = 1 + random.pick([-0.0049, 0.0049, random.between(-0.0049, 0.0049)]);
    this.clock = new NodeClock(rate, random.between(1, 1e6), 1.7e12 + random.between(-500, 500));
  }

  fence(address: string): FenceModel {
    let fence = this.#fences.get(address);
    if (!fence) this.#fences.set(address, (fence = new FenceModel(this.#world.plan.fence, this.clock)));
    return fence;
  }

  /** Addresses not named any more leave the link, then the fence. */
  guard(addresses: readonly string[]): void {
    for (const address of this.guarded) {
      if (addresses.includes(address)) continue;
      this.raised.delete(address);
      this.fence(address).close();
      this.guarded.delete(address);
    }
    for (const address of addresses) this.guarded.add(address);
  }

  /** Whether packets of this address pass here now. */
  lets(address: string): boolean {
    if (!this.raised.has(address)) return false;
    return !this.guarded.has(address) || this.fence(address).openEpoch(this.#world.nowMs) !== undefined;
  }

  /** What was guarded stays so, closed: as the fence of a new agent begins. */
  closeFences(): void {
    for (const fence of this.#fences.values()) fence.close();
  }

  losePower(): void {
    this.closeFences();
    this.raised.clear();
    this.guarded.clear();
  }

  /** An agent that stops takes away what it guarded, then the rules. */
  cleanUp(): void {
    for (const address of this.guarded) this.raised.delete(address);
    this.closeFences();
    this.guarded.clear();
  }

  stepWall(byMs: number): void {
    this.#world.log(() => `${this.name}: the wall clock steps by ${byMs.toFixed(0)} ms`);
    this.clock.stepWall(byMs);
    for (const fence of this.#fences.values()) fence.wallStepped(byMs);
  }
}

export interface NodeDisk {
  readonly leases: LeaseRecord[];
  incarnation: bigint;
  term: bigint;
  /** 0: it has not joined. */
  nodeId: number;
  /** As it was last told. */
  configuration: SetConfiguration | null;
  /** That no manager has acknowledged. */
  failovers: readonly FailoverRecord[];
}

// SPDX-License-Identifier: Apache-2.0
import type { GossipFloor, ReplicaVersion } from '@vnfpool/wire/gossip';
import type { Cell } from './cell.ts';
import { isCovered, nameOf, replicaOf } from './replica.ts';

/** What somebody knows, as messages have it. */
export interface ToldKnowledge {
  readonly replicas: readonly ReplicaVersion[];
  readonly floors: readonly GossipFloor[];
}

/** Which steps are known, and which origins are gone for good. */
export class Knowledge {
  readonly vector: Map<string, number> = new Map();
  readonly floors: Map<number, GossipFloor> = new Map();

  version(name: string): number {
    return this.vector.get(name) ?? 0;
  }

  isForgotten(name: string): boolean {
    if (this.floors.size === 0) return false;
    const floor = this.floors.get(replicaOf(name).origin);
    return floor !== undefined && isCovered(name, floor);
  }

  isAhead(name: string, version: number): boolean {
    return version > this.version(name) && !this.isForgotten(name);
  }

  /** Leaves in `seen` of a cell what is ahead of the vector. */
  keepAhead(cell: Cell): void {
    if (cell.seen.size === 0) return;
    let ahead = 0;
    for (const [name, version] of cell.seen) if (this.isAhead(name, version)) ahead += 1;
    if (ahead === cell.seen.size) return;
    cell.seen =
      ahead === 0
        ? new Map()
        : new Map([...cell.seen].filter(([name, version]) => this.isAhead(name, version)));
  }

  tell(): ToldKnowledge {
    const replicas = [...this.vector].map(([name, version]) => ({ ...replicaOf(name), version }));
    return { replicas, floors: [...this.floors.values()] };
  }

  /** Of the names that somebody lists those that count here, and what it knows of them; of what is gone for good there, all. */
  read({ replicas, floors }: ToldKnowledge): {
    readonly names: readonly (string | null)[];
    readonly theirs: Map<string, number>;
  } {
    const names = replicas.map((replica) => {
      const name = nameOf(replica);
      return this.isForgotten(name) ? null : name;
    });
    const theirs = new Map<string, number>();
    replicas.forEach(({ version }, at) => {
      const name = names[at];
      if (name !== null && name !== undefined) theirs.set(name, version);
    });
    // Whoever forgot an origin has what its heir made of it: in each cell, also before the whole floor counts here.
    for (const name of this.vector.keys())
      if (floors.some((floor) => isCovered(name, floor))) theirs.set(name, Number.MAX_SAFE_INTEGER);
    return { names, theirs };
  }

  /** Whether somebody knows the same. */
  isSameAs({ replicas, floors }: ToldKnowledge): boolean {
    let known = 0;
    for (const replica of replicas) {
      if (replica.version === 0) continue;
      if (this.vector.get(nameOf(replica)) !== replica.version) return false;
      known += 1;
    }
    for (const version of this.vector.values()) if (version > 0) known -= 1;
    return (
      known === 0 &&
      floors.length === this.floors.size &&
      floors.every(({ origin, incarnation }) => this.floors.get(origin)?.incarnation === incarnation)
    );
  }
}

// SPDX-License-Identifier: Apache-2.0
import { ReplicationStandby, type StandbyInput, type StandbyOutput } from '@vnfpool/core/replication';
import { type ReplicaMessage, type ReplicaUpdates, replicaWeight } from '@vnfpool/wire/replication';
import type { BlindStandby } from './broken-ends.ts';
import type { Link } from './link.ts';
import type { MemoryDamage } from './memory-damage.ts';
import { type Oracle, ReplicationViolation } from './oracle.ts';
import type { Reign } from './reign.ts';
import { SLOT, type WorldCounts, type WorldParts } from './world-parts.ts';

/** What standbys meet in their world. */
export interface StandbySurroundings {
  readonly oracle: Oracle;
  readonly damage: MemoryDamage;
  readonly counts: WorldCounts;
  /** Who holds the slot now. */
  readonly reign: () => Reign | undefined;
  /** A standby was told that its holder ends its epoch here. */
  readonly ended: (node: number, sequence: number) => void;
  readonly say: (what: string) => void;
}

/** By which a standby has looked at all that it has. */
export const LOOK_MS = 1_010;
/** By which a standby that acknowledges ahead is late. */
const LATE_MS = 25;

/** The nodes that are no holders, and know it. */
export class StandbyNodes {
  readonly nodes: Map<number, ReplicationStandby> = new Map();
  /** Who is connected to a standby; it has one connection. */
  readonly incoming: Map<number, Link> = new Map();
  readonly #parts: WorldParts;
  readonly #around: StandbySurroundings;
  /** Weight on the connection of a node, where it acknowledges ahead. */
  readonly #received = new Map<number, number>();

  constructor(parts: WorldParts, around: StandbySurroundings) {
    this.#parts = parts;
    this.#around = around;
  }

  /** Replaces a former connection. */
  connect(node: number, link: Link): void {
    this.incoming.get(node)?.break();
    this.incoming.set(node, link);
    this.#received.set(node, 0);
    this.tell(node, { type: 'attach' });
  }

  /** One that knows nothing, or what it had as a holder. */
  fresh(kept?: ConstructorParameters<typeof ReplicationStandby>[0]['kept']): ReplicationStandby {
    const { removedLeast, keysMax, windowBytes, asideBytes } = this.#parts.plan;
    const bounds = { removedLeast, keysMax };
    return new ReplicationStandby(
      {
        slot: SLOT,
        bounds,
        windowBytes,
        asideBytes,
        ...(kept && { kept }),
        ...(this.#parts.mutation.neverLooks && { scrubKeys: 0 }),
      },
      this.#nowMs,
    );
  }

  blinded(blind: BlindStandby, node: number, link: Link, message: ReplicaMessage): ReplicaMessage {
    const fault = this.#parts.mutation.blindTo;
    const standby = this.nodes.get(node);
    if (fault === undefined || standby === undefined) return message;
    return blind.told(message, standby, link.wasStruck('standby', fault));
  }

  receive(node: number, link: Link, message: ReplicaMessage): void {
    const { mutation, schedule } = this.#parts;
    if (mutation.acknowledgesFirst) {
      if (message.type === 'updates') this.#acknowledge(node, link, message);
      schedule.after(LATE_MS, () => {
        if (this.incoming.get(node) === link) this.tell(node, { type: 'message', message });
      });
      return;
    }
    this.tell(node, { type: 'message', message });
  }

  /** Ahead of taking it. */
  #acknowledge(node: number, link: Link, { updates, mark }: ReplicaUpdates): void {
    const bytes = (this.#received.get(node) ?? 0) + replicaWeight(updates);
    this.#received.set(node, bytes);
    if (mark === null) return;
    link.send('holder', { type: 'ack', sequence: mark.sequence, bytes, clockUs: mark.clockUs });
  }

  tell(node: number, input: StandbyInput): void {
    const standby = this.nodes.get(node);
    if (standby === undefined) return;
    this.carryOutAt(node, standby, standby.handle(input, this.#nowMs));
  }

  carryOutAt(node: number, standby: ReplicationStandby, outputs: readonly StandbyOutput[]): void {
    const link = this.incoming.get(node);
    if (standby.isWhole)
      this.#around.oracle.check(
        node,
        standby.position.epoch,
        standby.position.sequence,
        this.#around.damage.told(standby.store),
      );
    for (const output of outputs) {
      switch (output.type) {
        case 'send':
          if (output.message.type !== 'ack' || !this.#parts.mutation.acknowledgesFirst)
            link?.send('holder', this.#said(standby, output.message));
          break;
        case 'drop':
          link?.close('standby');
          this.incoming.delete(node);
          break;
        case 'ended':
          this.#around.ended(node, output.sequence);
          break;
        case 'event':
          if (output.severity !== 'error') break;
          this.#around.counts.differences += 1;
          this.#around.say(`node ${node}: ${output.message}`);
          if (!this.isDamaged && !this.#around.damage.isIn(standby.store))
            throw new ReplicationViolation(`node ${node}, where nothing was damaged: ${output.message}`);
          break;
        case 'state':
        case 'reached':
          break;
      }
    }
  }

  #said(standby: ReplicationStandby, message: ReplicaMessage): ReplicaMessage {
    const { mutation } = this.#parts;
    const reign = this.#around.reign();
    if (!mutation.hidesItsWay || message.type !== 'at' || reign === undefined) return message;
    const { epoch, sequence } = standby.position;
    if (!standby.isWhole || epoch === 0 || sequence > reign.core.store.sequence) return message;
    return { ...message, epoch: reign.epoch, sequence };
  }

  /** What is damaged in memory is found within a look through, while the state is whole otherwise. */
  checkMemory(): void {
    for (const [node, standby] of this.nodes) {
      if (!standby.isWhole) this.#around.damage.restartAge(standby.store, this.#nowMs);
      const ageMs = this.#around.damage.ageMs(standby.store, this.#nowMs);
      if (ageMs > LOOK_MS)
        throw new ReplicationViolation(
          `node ${node} has not found in ${ageMs} ms what is damaged in its memory`,
        );
    }
  }

  /** Something other than the memory of a holder: of that nobody else notices anything. */
  get isDamaged(): boolean {
    return this.#around.counts.linkFaults + this.#around.counts.memoryFaults > 0;
  }

  get #nowMs(): number {
    return this.#parts.schedule.nowMs;
  }
}

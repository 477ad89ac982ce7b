// SPDX-License-Identifier: Apache-2.0
import type { EventView } from '@vnfpool/core/management';
import type { ManagerWrite, MoveRecord } from '@vnfpool/core/manager';
import type { SlotState } from '@vnfpool/wire/mobility';
import type { FullWorld } from './full-world.ts';
import type { Program } from './function-host.ts';
import type { FullNode } from './node.ts';

const WRITE_EVERY_MS = 7;
const OUTCOMES: ReadonlySet<string> = new Set([
  'instance.moved',
  'instance.move-failed',
  'instance.move-cancelled',
]);

/**
 * Clients of all functions, and what must hold of moves: nobody serves without all of its state, no two serve as the
 * same instance, each ordered move has one outcome in the manager's store.
 */
export class MovesWatch {
  readonly #world: FullWorld;
  /** Tokens of moves that were written down. */
  readonly #ordered = new Set<string>();
  /** Keys of events that tell how one ended. */
  readonly #outcomes = new Map<string, EventView>();
  /** Such events that people were told. A manager that dies before its store takes them does not tell them again. */
  readonly #told = new Set<string>();
  /** Moves that the manager said were done. */
  moved = 0;
  failed = 0;
  /** By Function ID, as the manager's store has them. */
  readonly #underWay = new Map<number, MoveRecord>();

  constructor(world: FullWorld) {
    this.#world = world;
  }

  start(): void {
    const again = (): void => {
      this.#write();
      this.#world.schedule.after(WRITE_EVERY_MS, again);
    };
    again();
  }

  /** A batch is in the manager's store. */
  stored(writes: readonly ManagerWrite[]): void {
    for (const write of writes) {
      if (write.table === 'moves') {
        if (write.value === null) this.#underWay.delete(Number(write.key));
        else {
          this.#ordered.add(write.value.token);
          this.#underWay.set(write.value.functionId, write.value);
        }
      } else if (write.table === 'events' && write.value !== null && OUTCOMES.has(write.value.type)) {
        if (!this.#outcomes.has(write.key)) {
          if (write.value.type === 'instance.moved') this.moved += 1;
          else this.failed += 1;
        }
        this.#outcomes.set(write.key, write.value);
      }
    }
  }

  /** The manager tells people something. */
  told({ type, message, at }: EventView): void {
    if (OUTCOMES.has(type)) this.#told.add(`${at} ${message}`);
    const [, name, from, to] = /^(\S+) moved from (\S+) to (\S+) in/.exec(message) ?? [];
    if (type !== 'instance.moved' || name === undefined) return;
    for (const node of this.#world.nodes)
      for (const program of node.life?.functions.programs.values() ?? []) {
        if (program.name !== name) continue;
        // One that stands still does not know yet that its lease ran out.
        if (node.name === from && !node.process.isPaused && slotsOf(node, program).length > 0)
          this.#world.fail(`${name} was counted to ${to} while ${from} held its slot`);
        if (node.name === to && program.counter.origin === null)
          this.#world.fail(`${name} was counted to ${to}, where it has not got its state`);
      }
  }

  /** A report of a slot as it would be if the destination of a move had it already: for a manager that errs. */
  early(slot: SlotState): SlotState {
    const to = this.#underWay.get(slot.holder?.functionId ?? 0)?.to;
    const node = this.#world.nodes.find(({ name }) => name === to)?.machine.disk.nodeId;
    return slot.holder && node !== undefined ? { ...slot, holder: { ...slot.holder, node } } : slot;
  }

  /** What is wrong with moves once all should be well. */
  missing(): string | undefined {
    const { manager, nodes } = this.#world;
    const views = manager.life?.core.views(manager.nowMs);
    if (!views) return 'the manager does not run';
    for (const { name, move } of views.instances) if (move) return `${name} still moves to ${move.to}`;
    for (const { name, drain, functions } of views.nodes) {
      const left = functions.filter((instance) => drain && !drain.staying.includes(instance));
      if (left.length > 0) return `${name} is drained, and ${left.join()} is still there`;
    }
    for (const node of nodes)
      for (const { name, counter } of node.life?.functions.programs.values() ?? []) {
        if (counter.isQuiesced) return `${name} on ${node.name} stands still`;
        if (counter.origin === null) return `${name} on ${node.name} waits for its state`;
      }
    return this.#missingOutcomes();
  }

  #missingOutcomes(): string | undefined {
    const stored = new Set([...this.#outcomes.values()].map(({ at, message }) => `${at} ${message}`));
    const all = new Set([...stored, ...this.#told]);
    const ordered = this.#ordered.size;
    if (stored.size <= ordered && ordered <= all.size) return undefined;
    return `${ordered} moves were ordered, and ${stored.size} had an outcome: ${[...all].join('; ')}`;
  }

  /** Every function that a client reaches acknowledges one write. */
  #write(): void {
    const { counters, nodes } = this.#world;
    const serving = new Map<number, string>();
    for (const node of nodes)
      for (const program of node.life?.functions.programs.values() ?? []) {
        if (!serves(node, program)) continue;
        const { counter, functionId, name } = program;
        const other = serving.get(functionId);
        if (other !== undefined) this.#world.fail(`${name} serves on ${other} and on ${node.name}`);
        serving.set(functionId, node.name);
        if (counter.origin === null) {
          this.#world.fail(`${name} serves on ${node.name} without its state`);
          continue;
        }
        const acknowledged = counters.acknowledged(counter.origin);
        if (counter.count !== acknowledged)
          this.#world.fail(
            `${name} serves on ${node.name} with ${counter.count} of ${acknowledged} acknowledged writes`,
          );
        counter.count += 1;
        counters.acknowledge(counter.origin, counter.count);
      }
  }
}

/** Whether a client that asks now is answered: the function is active, and lease and fence let it. */
function serves(node: FullNode, program: Program): boolean {
  const { counter } = program;
  if (!counter.isActive || counter.isQuiesced) return false;
  const { machine, process } = node;
  const slots = machine.disk.configuration?.slots ?? [];
  return slotsOf(node, program).some((held) => {
    const slot = slots.find(({ id }) => id === held.id);
    if (!slot) return false;
    // Where no fence stands in front it asks its agent, which may stand still.
    if (slot.addresses.length === 0) return !process.isPaused;
    return slot.addresses.some((address) => machine.lets(address.split('/')[0] ?? address));
  });
}

/** Slots that this copy of the function holds. */
function slotsOf({ life }: FullNode, { functionId }: Program): SlotState[] {
  return [...(life?.worker.held.values() ?? [])].filter(({ holder }) => holder?.functionId === functionId);
}

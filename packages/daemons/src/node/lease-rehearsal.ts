// SPDX-License-Identifier: Apache-2.0
import { type GateInput, type KeeperInput, LinkGate, SlotKeeper } from '@vnfpool/core/agent';
import { type LeaseDatagram, NodeLeases } from '@vnfpool/core/lease';
import type { Clocks } from '@vnfpool/platform';
import { createNoFence } from '@vnfpool/platform/fence';
import { systemRandom } from '@vnfpool/runtime/random';
import {
  batchLeaseMessages,
  decodeLeaseDatagram,
  encodeLeaseDatagram,
  type LeaseMessage,
} from '@vnfpool/wire/lease';
import type { CouncilDefinition, SlotDefinition } from '@vnfpool/wire/mobility';
import { LeaseHands } from './lease-hands.ts';
import { leaseRecordCodec } from './lease-journal.ts';

/*
 * A failover runs code that has never run in this process, and what runs for the first time takes some ten times as long:
 * it is read, compiled, and knows no types yet. So it is played through ahead, by the classes that will do it, with
 * nothing at their ends: no kernel, no disk, no network, a clock of its own.
 */

const NODES = [1, 2, 3];
const SLOT = '0000000000000001';
const LEASE_MS = 300;
const STEP_MS = 1;
/** Nothing here takes longer. A rehearsal that hangs is given up: it is nobody's loss. */
const STEPS_MAX = 4 * LEASE_MS;
const COUNCIL: CouncilDefinition = {
  id: 1,
  version: { generation: 1, number: 1, randomId: '0000000000000001' },
  members: NODES,
};
const functionOf = (node: number): number => node;

/** How its holder loses the slot. */
type Loss = 'handed over' | 'released' | 'inherited' | 'silent';
const LOSSES: readonly Loss[] = ['handed over', 'released', 'inherited', 'handed over', 'silent'];

/** @returns how many failovers came to their end, of as many as were asked for */
export function rehearse(failovers: number): number {
  const stage = new Stage();
  if (!stage.playUntil(() => stage.holder !== undefined)) return 0;
  for (let done = 0; done < failovers; done++)
    if (!stage.failOver(LOSSES[done % LOSSES.length] ?? 'released')) return done;
  return failovers;
}

/** Three nodes, one slot, and a time that passes when it is told to. */
class Stage {
  #nowMs = 1_000;
  readonly #players: ReadonlyMap<number, Player>;
  #mail: { readonly to: number; readonly input: GateInput }[] = [];
  #silent: number | undefined;
  #orders = 0;

  constructor() {
    const clocks = { boottimeMs: () => this.#nowMs, wallMs: () => this.#nowMs };
    const post = (from: number, to: number, datagram: LeaseDatagram): void => {
      if (from !== this.#silent && to !== this.#silent) this.#mail.push({ to, input: datagram });
    };
    this.#players = new Map(NODES.map((node) => [node, new Player(node, clocks, post)]));
    for (const player of this.#players.values()) player.enter();
  }

  get holder(): Player | undefined {
    return [...this.#players.values()].find((player) => player.isActing);
  }

  failOver(loss: Loss): boolean {
    const { holder } = this;
    const next = NODES.find((node) => node !== holder?.node);
    if (holder === undefined || next === undefined) return false;
    // Until then it has an heir.
    if (loss === 'inherited') this.playUntil(() => this.holder !== holder, LEASE_MS);
    if (loss === 'silent') this.#silent = holder.node;
    else if (loss !== 'handed over')
      holder.give({ type: 'release', slot: SLOT, reason: 'function-unhealthy' });
    else {
      const nonce = (++this.#orders).toString(16);
      holder.give({ type: 'hand-over', slot: SLOT, to: { node: next, functionId: functionOf(next) }, nonce });
    }
    const isOver = this.playUntil(() => this.holder !== undefined && this.holder !== holder);
    this.#silent = undefined;
    return isOver;
  }

  playUntil(isThere: () => boolean, stepsMax = STEPS_MAX): boolean {
    for (let step = 0; step < stepsMax; step++) {
      if (isThere()) return true;
      this.#nowMs += STEP_MS;
      const mail = this.#mail;
      this.#mail = [];
      for (const { to, input } of mail) this.#players.get(to)?.give(input);
      for (const player of this.#players.values()) player.wake();
    }
    return false;
  }
}

class Player {
  readonly node: number;
  readonly #clocks: Clocks;
  readonly #fence;
  readonly #gate: LinkGate;
  readonly #hands: LeaseHands;
  #later: KeeperInput[] = [];
  #sequence = 0n;

  constructor(
    node: number,
    clocks: Clocks,
    post: (from: number, to: number, datagram: LeaseDatagram) => void,
  ) {
    this.node = node;
    this.#clocks = clocks;
    this.#fence = createNoFence(clocks);
    const startedAtMs = clocks.boottimeMs();
    const leases = new NodeLeases({
      node,
      incarnation: 1n,
      startedAtMs,
      restored: [],
      random: systemRandom(),
      namesHeirs: true,
    });
    this.#gate = new LinkGate(new SlotKeeper(leases, node, undefined), node, '');
    this.#hands = new LeaseHands(this.#gate, {
      clocks,
      fence: this.#fence,
      addresses: null,
      journal: {
        restored: [],
        append: (records) => records.forEach((record) => void leaseRecordCodec.encode(record)),
        close: () => {},
      },
      send: (_council, to, messages) => {
        for (const batch of batchLeaseMessages(messages)) post(node, to, this.#written(to, batch));
      },
      tell: () => {},
      muteMs: () => 0,
      later: (input) => this.#later.push(input),
    });
  }

  get isActing(): boolean {
    return this.#fence.isOpen(SLOT);
  }

  /** Hears of the set, and has a function that may hold the slot. */
  enter(): void {
    this.give({ type: 'configure', councils: [COUNCIL], slots: [slotOf()] });
    this.give({
      type: 'candidate-state',
      slot: SLOT,
      functionId: functionOf(this.node),
      functionIncarnation: 1n,
      ready: true,
      rank: 0,
    });
  }

  give(input: GateInput): void {
    this.#hands.handle(input);
    const later = this.#later;
    this.#later = [];
    for (const each of later) this.#hands.handle(each);
  }

  wake(): void {
    const deadline = this.#gate.nextDeadline();
    if (deadline !== undefined && deadline <= this.#clocks.boottimeMs()) this.#hands.expire();
  }

  /** As it comes out of the wire. */
  #written(to: number, messages: readonly LeaseMessage[]): LeaseDatagram {
    const bytes = encodeLeaseDatagram(
      {
        sender: this.node,
        receiver: to,
        incarnation: 1n,
        sequence: ++this.#sequence,
        councilId: COUNCIL.id,
        council: COUNCIL.version,
        clockUs: BigInt(Math.round(this.#clocks.boottimeMs() * 1000)),
      },
      messages,
    );
    return { type: 'datagram', from: this.node, ...decodeLeaseDatagram(bytes) };
  }
}

function slotOf(): SlotDefinition {
  const candidates = NODES.map((node) => ({ node, functionId: functionOf(node) }));
  return {
    id: SLOT,
    pool: 'rehearsal',
    index: 0,
    leaseMs: LEASE_MS,
    addresses: ['192.0.2.1'],
    genesis: { randomId: '0000000000000001', candidates },
    candidates,
    lastResort: { rule: 'never' },
  };
}

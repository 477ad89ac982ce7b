// SPDX-License-Identifier: Apache-2.0
import { type KeeperInput, type KeeperOutput, SlotKeeper } from '@vnfpool/core/agent';
import {
  NodeLeases,
  type NodeLeasesInit,
  type NodeLeasesInput,
  type NodeLeasesOutput,
  ReplayWindow,
} from '@vnfpool/core/lease';
import { batchLeaseMessages, decodeLeaseDatagram, encodeLeaseDatagram } from '@vnfpool/wire/lease';
import {
  type CouncilReport,
  type FailoverRecord,
  type LeasePeer,
  type SetConfiguration,
  type SlotState,
} from '@vnfpool/wire/mobility';
import type { FenceWrite } from '../lease-world/fence-model.ts';
import type { Machine } from './machine.ts';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

export type ToWorker =
  | { readonly type: 'configure'; readonly configuration: SetConfiguration }
  | Extract<NodeLeasesInput, { type: 'candidate-state' | 'candidate-gone' | 'release' | 'hand-over' }>;

export type FromWorker =
  | { readonly type: 'slot'; readonly state: SlotState; readonly muteMs: number }
  | { readonly type: 'failover'; readonly record: FailoverRecord }
  | { readonly type: 'council'; readonly report: CouncilReport };

/** How long it takes to ask whether somebody has an address. */
const PROBE_MS = 300;

/** An output, or the second half of a fence write: between the halves the process may be paused. */
type Action = KeeperOutput | { readonly type: 'fence-write'; readonly write: FenceWrite };

export interface LeaseWorkerParts {
  readonly world: World;
  readonly process: SimProcess;
  readonly machine: Machine;
  readonly tell: (message: FromWorker) => void;
  /** Brings a datagram to the worker of this address, if there is one. */
  readonly deliver: (address: string, bytes: Uint8Array) => void;
  readonly checkFences: () => void;
  /** A fault may come between two effects. */
  readonly maybeFault: () => void;
}

/** The production leases, with their grants told to the invariants. */
class WatchedLeases extends NodeLeases {
  readonly #watch: (output: NodeLeasesOutput) => void;

  constructor(init: NodeLeasesInit, watch: (output: NodeLeasesOutput) => void) {
    super(init);
    this.#watch = watch;
  }

  override handle(input: NodeLeasesInput, nowMs: number): NodeLeasesOutput[] {
    const outputs = super.handle(input, nowMs);
    for (const output of outputs) this.#watch(output);
    return outputs;
  }

  override expire(nowMs: number): NodeLeasesOutput[] {
    const outputs = super.expire(nowMs);
    for (const output of outputs) this.#watch(output);
    return outputs;
  }
}

/** The lease worker of one life of an agent: its thread takes one thing at a time, and is paused anywhere. */
export class SimLeaseWorker {
  /** Slots that this node says it serves. */
  readonly held: Map<string, SlotState> = new Map();
  readonly #parts: LeaseWorkerParts;
  readonly #node: number;
  readonly #incarnation: bigint;
  readonly #leases: NodeLeases;
  readonly #keeper: SlotKeeper;
  readonly #windows = new Map<number, ReplayWindow>();
  readonly #sequences = new Map<number, bigint>();
  #peers = new Map<number, LeasePeer>();
  #followed: readonly string[] = [];
  #followedLinks: readonly string[] = [];
  /** Addresses that the kernel refused last. */
  readonly #refused = new Set<string>();
  #backlog: Action[] = [];
  #inbox: KeeperInput[] = [];
  #isBusy = false;
  #timer = 0;

  constructor(parts: LeaseWorkerParts) {
    const { machine, process, world } = parts;
    this.#parts = parts;
    this.#node = machine.disk.nodeId;
    machine.closeFence();
    machine.disk.incarnation += 1n;
    this.#incarnation = machine.disk.incarnation;
    this.#leases = new WatchedLeases(
      {
        node: this.#node,
        incarnation: this.#incarnation,
        startedAtMs: process.nowMs(),
        restored: [...machine.disk.leases],
        random: world.random,
      },
      (output) => this.#watch(output),
    );
    this.#keeper = new SlotKeeper(this.#leases, this.#node);
    process.onResume(() => this.#work());
  }

  get muteMs(): number {
    return this.#leases.muteMs(this.#parts.process.nowMs());
  }

  post(message: ToWorker): void {
    if (message.type !== 'configure') {
      this.#input(message);
      return;
    }
    const { configuration } = message;
    this.#peers = new Map(
      configuration.nodes.filter(({ node }) => node !== this.#node).map((peer) => [peer.node, peer]),
    );
    this.#input({ type: 'configure', councils: configuration.councils, slots: configuration.slots });
  }

  /** What the platform tells of addresses. */
  tell(input: Extract<KeeperInput, { type: 'address-vanished' | 'address-claimed' }>): void {
    this.#input(input);
  }

  /** The machine's link went, or came: with it went all addresses. */
  linkChanged(): void {
    const { hasLink } = this.#parts.machine;
    for (const address of this.#followed) {
      this.#input({ type: 'address-placed', address, missing: hasLink ? null : 'there is no link' });
      if (!hasLink) this.#input({ type: 'address-vanished', address });
    }
  }

  /** The machine's other link, into which it forwards, went or came. */
  outerLinkChanged(): void {
    const { outerTrouble } = this.#parts.machine;
    for (const link of this.#followedLinks) this.#input({ type: 'link-placed', link, missing: outerTrouble });
  }

  datagram(bytes: Uint8Array): void {
    const { header, messages } = decodeLeaseDatagram(bytes);
    if (header.receiver !== this.#node || !this.#peers.has(header.sender)) return;
    let window = this.#windows.get(header.sender);
    if (!window) this.#windows.set(header.sender, (window = new ReplayWindow()));
    if (window.accept(header.incarnation, header.sequence) !== 'fresh') return;
    this.#input({ type: 'datagram', from: header.sender, header, messages });
  }

  #watch(output: NodeLeasesOutput): void {
    if (output.type !== 'granted' && output.type !== 'renumbered') return;
    const { world, machine } = this.#parts;
    const { slot, epoch } = output;
    world.log(() => `${machine.name} ${output.type} ${slot} epoch ${epoch}`);
    if (output.type === 'granted') world.counts.taken += 1;
    world.invariants.granted(slot, epoch, `${this.#node}.${this.#incarnation}`);
  }

  #input(input: KeeperInput): void {
    this.#inbox.push(input);
    this.#work();
  }

  /** Carries out what is left of the last step, then takes the next input, until paused or done. */
  #work(): void {
    if (this.#isBusy) return;
    const { process, world } = this.#parts;
    const { life } = process;
    this.#isBusy = true;
    const mayRun = (): boolean => process.life === life && !process.isPaused && world.violation === undefined;
    while (mayRun()) {
      const action = this.#backlog.shift();
      if (action !== undefined) {
        this.#backlog.unshift(...this.#perform(action));
        this.#parts.maybeFault();
        continue;
      }
      const input = this.#inbox.shift();
      if (input === undefined) break;
      if (input.type === 'hand-over' || input.type === 'release') {
        world.log(() => `${this.#parts.machine.name} leases < ${input.type} ${input.slot}`);
      }
      this.#backlog.push(...this.#keeper.handle(input, process.nowMs()));
    }
    this.#isBusy = false;
    if (process.life === life) this.#arm();
  }

  #arm(): void {
    const deadline = this.#keeper.nextDeadline();
    const timer = ++this.#timer;
    if (deadline === undefined) return;
    const { process } = this.#parts;
    process.at(process.clock.trueMs(deadline) + 0.001, () => {
      if (timer !== this.#timer) return;
      if (this.#backlog.length === 0) this.#backlog.push(...this.#keeper.expire(process.nowMs()));
      this.#work();
    });
  }

  #perform(output: Action): readonly Action[] {
    const { machine, process, world, checkFences, tell } = this.#parts;
    const log = (text: () => string): void => world.log(() => `${machine.name} ${text()}`);
    switch (output.type) {
      case 'persist':
        machine.disk.leases.push(...output.records);
        world.invariants.persisted(this.#node, output.records);
        return [];
      case 'send':
        this.#send(output);
        return [];
      case 'guard':
        machine.guard(output.slots);
        checkFences();
        return [];
      case 'follow':
        this.#followed = output.places.map(({ address }) => address);
        this.#followedLinks = output.links;
        if (!machine.hasLink) this.linkChanged();
        if (machine.outerTrouble !== null) this.outerLinkChanged();
        return [];
      case 'probe': {
        const { slot, attempt, places } = output;
        process.at(world.nowMs + PROBE_MS, () => {
          const claims = places
            .filter(({ address }) => world.strangers.has(address))
            .map(({ address }) => ({ address, hardwareAddress: '02:00:00:00:99:01', link: 'eth0' }));
          this.#input({ type: 'probed', slot, attempt, claims });
        });
        return [];
      }
      case 'raise':
        for (const { address } of output.places) this.#raise(address);
        checkFences();
        return [];
      case 'withdraw':
        for (const address of output.addresses) machine.raised.delete(address);
        return [];
      case 'open': {
        // Epochs are not what this world looks at.
        const ends = new Map(
          [...output.ends].map(([slot, untilBootMs]) => [slot, { epoch: 0, untilBootMs }]),
        );
        this.#checkUnderFence(ends.keys());
        return [{ type: 'fence-write', write: machine.fence.compute(ends, world.nowMs) }];
      }
      case 'fence-write':
        this.#checkUnderFence(output.write.ends.keys());
        machine.fence.write(output.write, world.nowMs);
        checkFences();
        return [];
      case 'close':
        log(() => `closes ${output.slot} epoch ${output.epoch}`);
        machine.fence.close(output.slot);
        return this.#keeper.handle(
          { type: 'fence-closed', slot: output.slot, epoch: output.epoch },
          process.nowMs(),
        );
      case 'take-state':
      case 'listed':
      case 'leave-state':
        throw new Error(`no slot of this world shares its state: ${output.type}`);
      case 'fence-node':
        world.fail(`${machine.name} asks for a hook, and there is none`);
        return [];
      case 'announce':
      case 'expect':
        return [];
      case 'mark': {
        const { slots, step } = output;
        const wallMs = machine.clock.wallMs(world.nowMs);
        return this.#keeper.handle({ type: 'marked', slots, step, wallMs }, process.nowMs());
      }
      case 'slot': {
        const { state } = output;
        log(
          () => `slot ${state.id} ${state.state} epoch ${state.epoch} by ${state.holder?.functionId ?? '-'}`,
        );
        if (state.state === 'holding') this.held.set(state.id, state);
        else this.held.delete(state.id);
        tell({ type: 'slot', state, muteMs: this.muteMs });
        return [];
      }
      case 'failover':
        tell({ type: 'failover', record: output.record });
        return [];
      case 'council':
        tell({ type: 'council', report: output.report });
        return [];
      case 'event':
        log(() => output.message);
        return [];
    }
  }

  #raise(address: string): void {
    const { machine } = this.#parts;
    const reason = !machine.hasLink
      ? 'there is no link'
      : machine.refuses && !machine.raised.has(address)
        ? 'EACCES'
        : undefined;
    if (reason === undefined) {
      machine.raised.add(address);
      if (this.#refused.delete(address)) this.#input({ type: 'address-accepted', address });
    } else {
      this.#refused.add(address);
      this.#input({ type: 'address-refused', address, reason });
    }
  }

  /** The real fence refuses others. */
  #checkUnderFence(slots: Iterable<string>): void {
    const { machine, world } = this.#parts;
    const known = new Set(machine.guarded.values());
    for (const slot of slots)
      if (!known.has(slot)) world.fail(`${slot} is not under the fence of ${machine.name}`);
  }

  #send({ councilId, to, messages }: KeeperOutput & { type: 'send' }): void {
    const peer = this.#peers.get(to);
    const { process, world, deliver } = this.#parts;
    const council = this.#leases.council(councilId)?.version;
    if (!peer || !council) return;
    for (const message of messages) {
      world.invariants.sent({ node: this.#node, incarnation: this.#incarnation, council, to }, message);
    }
    for (const batch of batchLeaseMessages(messages)) {
      const sequence = (this.#sequences.get(to) ?? 0n) + 1n;
      this.#sequences.set(to, sequence);
      const header = {
        sender: this.#node,
        receiver: to,
        incarnation: this.#incarnation,
        sequence,
        councilId,
        council,
        clockUs: BigInt(Math.round(process.nowMs() * 1000)),
      };
      deliver(peer.address, encodeLeaseDatagram(header, batch));
    }
  }
}

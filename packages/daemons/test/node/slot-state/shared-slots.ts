// SPDX-License-Identifier: Apache-2.0
import type { AgentInput, StateOutput } from '@vnfpool/core/agent';
import { type Clock, systemClock } from '@vnfpool/runtime/driver';
import type { CopyContents } from '@vnfpool/runtime/flow-sharing';
import { createLogger } from '@vnfpool/runtime/logging';
import { CopyServer, replicationRule } from '@vnfpool/runtime/replication';
import { createSealKey, type SealKey } from '@vnfpool/runtime/state-seal';
import { TcpTransport } from '@vnfpool/transport/tcp';
import type { LeasePeer, OverrunReport, SlotDefinition, StandbySharing } from '@vnfpool/wire/mobility';
import type { ReplicaSecret } from '@vnfpool/wire/replication';
import { OpenStores } from '../../../src/node/slot-state/open-stores.ts';
import { SharedSlot } from '../../../src/node/slot-state/shared-slot.ts';
import type { StateEntry, StateSink, StateSource } from '../../../src/node/slot-state/state-source.ts';
import type { ToWorker } from '../../../src/node/worker-messages.ts';

export const SLOT = '00000000000000a1';
const transport = new TcpTransport({ rule: replicationRule });

/** A function that has what it was given, and tells what a test changes. */
export class FakeFunction implements StateSource {
  entries = new Map<string, Uint8Array>();
  /** Keys that are secret, or of which it has the name alone. */
  secrets = new Map<string, ReplicaSecret>();
  sink: StateSink | null = null;
  begun: { readonly isOwn: boolean; readonly epoch: string }[] = [];
  refusal: Error | null = null;
  /** How often it was asked to tell its state anew, and whether it does. */
  toldAnew = 0;
  tells = true;
  /** What it still says when the slot is left, and when it is done with that. */
  lastWord: (() => Promise<void>) | null = null;
  /** What it keeps ready of the copy of a standby; null: nothing. */
  ready: Map<string, Uint8Array> | null = null;
  /** Why it does not tell all. */
  fault = (): string | null => null;
  overruns = (): OverrunReport | null => null;
  /** It has begun without some of it. */
  hasLost = (): boolean => false;

  begin(
    entries: Iterable<StateEntry>,
    sink: StateSink,
    { isOwn, epoch }: { readonly isOwn: boolean; readonly epoch: string },
  ): Promise<void> {
    this.begun.push({ isOwn, epoch });
    if (this.refusal !== null) return Promise.reject(this.refusal);
    this.sink = sink;
    const all = [...entries];
    const given = new Map(all.map(([key, value]) => [key, value]));
    if (!isOwn) {
      this.entries = given;
      this.secrets = new Map(all.flatMap(([key, , secret]) => (secret ? [[key, secret]] : [])));
    } else {
      const changes = [...this.entries].filter(([key, value]) => !isSame(given.get(key), value));
      const told = sink.change(changes.map(([key, value]) => ({ key, value })));
      // The slot may be left before.
      told.catch(() => undefined);
    }
    return Promise.resolve();
  }

  follow(copy: CopyContents, keys: readonly string[] | null): void {
    if (keys === null) this.ready = new Map(copy.entries());
    for (const key of keys ?? []) {
      const value = copy.get(key);
      if (value === undefined) this.ready?.delete(key);
      else this.ready?.set(key, value);
    }
  }

  forget(): Promise<void> {
    this.ready = null;
    return Promise.resolve();
  }

  /** Values that it told were damaged at the agent: it says what it has otherwise. */
  tellAnew(): void {
    this.toldAnew += 1;
    const { sink } = this;
    if (sink === null || !this.tells) return;
    const given = new Map([...sink.entries()].map(([key, value]) => [key, value]));
    const changes = [...this.entries].filter(([key, value]) => !isSame(given.get(key), value));
    void sink.change(changes.map(([key, value]) => ({ key, value })));
  }

  async set(key: string, text: string, secret?: ReplicaSecret): Promise<void> {
    const value = new TextEncoder().encode(text);
    this.entries.set(key, value);
    if (secret) this.secrets.set(key, secret);
    await this.sink?.change([{ key, value, ...(secret && { secret }) }]);
  }

  get texts(): Record<string, string> {
    return Object.fromEntries(
      [...this.entries].map(([key, value]) => [key, new TextDecoder().decode(value)]),
    );
  }

  async end(): Promise<void> {
    await this.lastWord?.();
    this.sink = null;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}

/** One node's part in the slot. */
export class FakeNode {
  readonly id: number;
  readonly inputs: AgentInput[] = [];
  readonly posts: ToWorker[] = [];
  run: FakeFunction = new FakeFunction();
  readonly server: CopyServer;
  readonly sealKey: SealKey = createSealKey();
  /** What it has logged, one line each. */
  readonly log: Record<string, unknown>[] = [];
  slot: SharedSlot | null = null;
  clock: Clock = systemClock();
  /** Which node connects: there are no certificates here. */
  peerOf: () => number | null = () => null;
  onPost: (message: ToWorker) => void = () => undefined;
  #waiting: (() => void)[] = [];

  private constructor(id: number, server: CopyServer) {
    this.id = id;
    this.server = server;
  }

  static async start(id: number): Promise<FakeNode> {
    return new FakeNode(id, await CopyServer.listen({ transport, host: '127.0.0.1', port: 0 }));
  }

  open(definition: SlotDefinition, peers: readonly LeasePeer[]): void {
    this.slot = new SharedSlot(
      {
        self: this.id,
        setName: () => 'shop',
        peerOf: () => this.peerOf(),
        server: this.server,
        transport,
        stores: new OpenStores(),
        sealKey: this.sealKey,
        sourceOf: () => Promise.resolve(this.run),
        give: (input) => {
          this.inputs.push(input);
          this.wake();
        },
        post: (message) => {
          this.posts.push(message);
          this.onPost(message);
          this.wake();
        },
        clock: this.clock,
        logger: createLogger({
          component: 'node',
          to: { write: (line) => void this.log.push(JSON.parse(line) as Record<string, unknown>) },
        }),
        onFault: ({ error }) => {
          throw error;
        },
      },
      definition,
      peers,
    );
  }

  /** As soon as it is so; looked at whenever the node says something. */
  async until<Found>(look: () => Found | undefined | false): Promise<Found> {
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  get hasCopy(): boolean {
    return this.inputs.findLast((input) => input.type === 'copy')?.isWhole ?? false;
  }

  get answers(): { readonly epoch: number; readonly isTaken: boolean; readonly reason: string }[] {
    return this.posts.filter((post) => post.type === 'state-taken');
  }

  async close(): Promise<void> {
    await this.slot?.close();
    await this.server.close();
  }

  /** Something has happened. */
  wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Nodes with one slot, and what a council would do: it grants to whom a test says, and lists whom the holder says. */
export class FakeSlot {
  readonly nodes: readonly FakeNode[];
  readonly definition: SlotDefinition;
  readonly peers: readonly LeasePeer[];
  epoch = 0;
  listed: readonly number[];
  holder: FakeNode | null = null;

  private constructor(nodes: readonly FakeNode[], sharing: StandbySharing) {
    this.nodes = nodes;
    this.listed = nodes.map(({ id }) => id);
    const candidates = nodes.map(({ id }) => ({ node: id, functionId: id * 16 }));
    this.definition = {
      id: SLOT,
      pool: 'kv',
      index: 0,
      leaseMs: 300,
      addresses: [],
      genesis: { randomId: '00000000000000e5', candidates },
      candidates,
      lastResort: { rule: 'never' },
      sharing,
    };
    this.peers = nodes.map(({ id, server, sealKey }) => ({
      node: id,
      name: `node-${id}`,
      address: '127.0.0.1',
      port: 1,
      key: '',
      replicationPort: server.address.port,
      sealKey: sealKey.publicKey,
    }));
    for (const node of nodes) {
      node.peerOf = () => this.holder?.id ?? null;
      node.onPost = (message) => this.#posted(node, message);
      node.open(this.definition, this.peers);
    }
  }

  static async start(count: number, sharing: Partial<StandbySharing> = {}): Promise<FakeSlot> {
    const nodes = await Promise.all(Array.from({ length: count }, (_, index) => FakeNode.start(index + 1)));
    return new FakeSlot(nodes, {
      method: 'replicate',
      lossUpdates: 0,
      acknowledgedBy: 0,
      overload: 'block',
      ...sharing,
    });
  }

  /** An agent that was ended, in a new process: it has no copy. */
  reopen(node: FakeNode): void {
    node.inputs.length = 0;
    node.open(this.definition, this.peers);
  }

  /** The council grants the slot. Resolves with the node's answer. */
  async grant(
    node: FakeNode,
    options: Partial<Extract<StateOutput, { type: 'take-state' }>> = {},
  ): Promise<{ readonly isTaken: boolean; readonly reason: string }> {
    const previous = this.holder;
    const isFirst = this.epoch === 0;
    this.epoch += 1;
    const { epoch } = this;
    this.listed = [node.id, ...this.listed.filter((each) => each !== node.id && each !== previous?.id)];
    this.holder = node;
    node.slot?.take({
      type: 'take-state',
      slot: SLOT,
      epoch,
      functionId: node.id * 16,
      listed: this.#candidates(),
      previous: isFirst || previous === null ? null : { node: previous.id, functionId: previous.id * 16 },
      isReleased: false,
      isLossy: false,
      isResumed: false,
      ...options,
    });
    return await node.until(() => node.answers.find((answer) => answer.epoch === epoch));
  }

  /** A standby has it all, and is listed. */
  async followed(by: FakeNode): Promise<void> {
    await this.holder?.until(() => this.listed.includes(by.id) && by.hasCopy);
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }

  #posted(node: FakeNode, message: ToWorker): void {
    if (message.type !== 'list' || this.holder !== node) return;
    const wanted = [node.id, ...message.candidates.map((each) => each.node)];
    if (message.isAnew !== true && wanted.join() === this.listed.join()) return;
    // A round takes a while.
    setImmediate(() => {
      if (this.holder !== node) return;
      this.epoch += 1;
      this.listed = wanted;
      node.slot?.listed({
        type: 'listed',
        slot: SLOT,
        epoch: this.epoch,
        listed: this.#candidates(),
        serial: message.serial,
      });
      node.wake();
    });
  }

  #candidates(): SlotDefinition['candidates'] {
    return this.definition.candidates.filter(({ node }) => this.listed.includes(node));
  }
}

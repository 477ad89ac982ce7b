// SPDX-License-Identifier: Apache-2.0
import {
  GOSSIP_BYTES_MAX,
  type GossipDelta,
  type GossipDigest,
  type GossipMessage,
  type GossipPart,
  type GossipReplica,
  type GossipRequest,
} from '@vnfpool/wire/gossip';
import type { Core, Random } from '../core.ts';
import type { GossipBounds } from './bounds.ts';
import type { Vector } from './cell.ts';
import { FormerLives } from './former-lives.ts';
import { MemoryWatch } from './memory-watch.ts';
import { MergeableState, type Merged } from './mergeable-state.ts';
import { type Peer, Peers } from './peers.ts';
import { GossipRules } from './rules.ts';
import type { GossipEvent, GossipInput, GossipOutput, PeerLag } from './types.ts';
import { VectorAges } from './vector-ages.ts';
import { Walk } from './walk.ts';

export interface GossipOptions {
  /** Id of this instance, the same in every life. */
  readonly origin: number;
  /** Larger than in every life before: a durable count, or the time of the start. */
  readonly incarnation: bigint;
  readonly random: Random;
  /** Between two rounds, by a quarter more or less; default 200 ms. */
  readonly intervalMs?: number;
  /** Peers asked in a round; default 2. */
  readonly fanOut?: number;
  /** Longest message; at most 61,440 octets, which is the default, and at least 256: what does not fit follows. One cell always goes, so that
   * it can be longer than a small bound says. */
  readonly messageBytesMax?: number;
  /** Those behind are not spoken to; default 32. */
  readonly peersMax?: number;
  readonly bounds?: Partial<GossipBounds>;
  readonly rules?: GossipRules;
}

const INTERVAL_MS = 200;
const FAN_OUT = 2;
const PEERS_MAX = 32;
/** A message has room for one cell at least, whatever this says. */
const MESSAGE_BYTES_MIN = 256;
/** So many rounds apart it is looked whether something that is known here never comes by steps. */
const RETELL_ROUNDS = 10;
/** Rounds in which a part was asked for and did not come. */
const WALK_ROUNDS_MAX = 10;

/**
 * Keeps the state of one instance equal to those of its peers. In each round some peers are told what is known here; they
 * send what is missing, and say what they know, so that it flows both ways. Steps of a replica go in the order of their
 * versions; whoever lacks steps that are not kept any more is given everything, part by part.
 * @see van Renesse et al., Efficient Reconciliation and Flow Control for Anti-Entropy Protocols, 2008 (Scuttlebutt)
 */
export class GossipCore implements Core<GossipInput, GossipOutput> {
  readonly state: MergeableState;
  readonly #self: GossipReplica;
  readonly #random: Random;
  readonly #intervalMs: number;
  readonly #fanOut: number;
  readonly #messageBytesMax: number;
  readonly #rules: GossipRules;
  readonly #peers: Peers;
  readonly #formerLives: FormerLives;
  readonly #ages = new VectorAges();
  readonly #memory: MemoryWatch;
  #walk: Walk | null = null;
  #roundAtMs: number | undefined;
  #rounds = 0;
  #isRetired = false;
  #outputs: GossipOutput[] = [];
  /** Messages of nobody whom state is shared with, or of former lives. */
  strangers = 0;

  constructor(options: GossipOptions) {
    this.#self = { origin: options.origin, incarnation: options.incarnation };
    this.#random = options.random;
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS;
    this.#fanOut = options.fanOut ?? FAN_OUT;
    this.#messageBytesMax = Math.min(
      Math.max(options.messageBytesMax ?? GOSSIP_BYTES_MAX, MESSAGE_BYTES_MIN),
      GOSSIP_BYTES_MAX,
    );
    this.#rules = options.rules ?? new GossipRules();
    this.#formerLives = new FormerLives(this.#self);
    this.#peers = new Peers(options.peersMax ?? PEERS_MAX);
    this.state = new MergeableState({
      replica: this.#self,
      rules: this.#rules,
      ...(options.bounds && { bounds: options.bounds }),
    });
    this.#memory = new MemoryWatch(this.state, (event) => this.#tell(event));
  }

  /** How far each peer is. */
  lags(nowMs: number): readonly PeerLag[] {
    const octetsBehind = (known: Vector): number => this.state.octetsBehind(known);
    return this.#peers.lags(this.state.vector, octetsBehind, this.#ages, nowMs);
  }

  /** Whether every peer has said that it knows all that is known here. */
  get isSpread(): boolean {
    return this.#peers.know(this.state.vector);
  }

  handle(input: GossipInput, nowMs: number): GossipOutput[] {
    switch (input.type) {
      case 'peers':
        this.#meet(input.origins, nowMs);
        break;
      case 'update': {
        const reason = this.state.update(input.update, input.wallMs);
        if (reason === null) this.#outputs.push({ type: 'changed', keys: [input.update.key] });
        else this.#tell({ type: 'refused', reason });
        break;
      }
      case 'forget':
        this.#forget({ origin: input.origin, incarnation: input.incarnation });
        break;
      case 'message':
        this.#hear(input.from, input.message, nowMs);
        break;
    }
    this.#noteRetired();
    this.#memory.note();
    return this.#take();
  }

  expire(nowMs: number): GossipOutput[] {
    if (this.#roundAtMs !== undefined && nowMs >= this.#roundAtMs) {
      this.#roundAtMs = nowMs + this.#intervalMs * (0.75 + this.#random.fraction() / 2);
      this.#rounds += 1;
      this.#ages.note(this.state.vector, this.#peers.vectors, nowMs);
      const isTime = this.#walk === null && this.#rounds % RETELL_ROUNDS === 0;
      if (isTime && this.#rules.retells()) this.state.retell();
      const former = this.#walk === null ? this.#formerLives.due(this.state, this.#peers, this.#rules) : null;
      if (former !== null) this.#forget(former);
      this.state.forgetSteps((name) => this.#peers.stable(name));
      for (const { origin } of this.#peers.choose(this.#fanOut, this.#random)) this.#sendDigest(origin, true);
      this.#askOn();
      this.state.lookAtMemory();
      this.#memory.note();
      this.#askToMend();
    }
    return this.#take();
  }

  nextDeadline(): number | undefined {
    return this.#roundAtMs;
  }

  #forget(gone: GossipReplica): void {
    const reason = this.state.forget(gone);
    if (reason !== null) this.#tell({ type: 'not-forgotten', origin: gone.origin, reason });
  }

  #meet(origins: readonly number[], nowMs: number): void {
    if (!this.#peers.replace(origins, this.#self.origin))
      this.#tell({ type: 'too-many-peers', count: origins.length });
    if (this.#walk !== null && this.#peers.get(this.#walk.from) === undefined) this.#abandonWalk();
    // Not all at once when all are told at once. Also with no peers at all: steps are not kept for nobody.
    this.#roundAtMs ??= nowMs + this.#intervalMs * this.#random.fraction();
  }

  #hear(from: number, message: GossipMessage, nowMs: number): void {
    const heard = from === message.sender.origin ? this.#peers.heard(message.sender, nowMs) : null;
    if (heard === null) {
      this.strangers += 1;
      return;
    }
    const { peer, hasBegun } = heard;
    if (hasBegun) {
      this.#tell({ type: 'peer-began', origin: from, incarnation: message.sender.incarnation });
      if (this.#walk?.from === from) this.#abandonWalk();
    }
    switch (message.type) {
      case 'digest':
        this.#onDigest(peer, message, nowMs);
        break;
      case 'delta':
        this.#onDelta(peer, message, nowMs);
        break;
      case 'behind':
        this.#onBehind(peer, message.sender);
        break;
      case 'request':
        this.#onRequest(from, message);
        break;
      case 'part':
        this.#onPart(peer, message);
        break;
    }
  }

  #onDigest(peer: Peer, message: GossipDigest, nowMs: number): void {
    const known = this.#peers.knows(peer, message.replicas);
    this.#taken(peer.origin, this.state.mergeDelta({ ...message, cells: [], runs: [] }));
    this.#compare(peer, message, nowMs);
    const { origin } = peer;
    const delta = this.state.tellDelta(known, this.#messageBytesMax, this.#random.u32());
    if (delta === 'behind') this.#send(origin, { type: 'behind', sender: this.#self });
    else if (delta !== null) this.#send(origin, { type: 'delta', sender: this.#self, ...delta });
    if (!message.wantsAnswer) return;
    for (const [name, version] of known) {
      if (version <= (this.state.vector.get(name) ?? 0) || this.state.isForgotten(name)) continue;
      this.#sendDigest(origin, false);
      return;
    }
  }

  #onDelta(peer: Peer, message: GossipDelta, nowMs: number): void {
    this.#peers.knows(peer, message.replicas);
    const before = this.#versions();
    if (!this.#taken(peer.origin, this.state.mergeDelta(message))) return;
    this.#compare(peer, message, nowMs);
    if (message.hasMore && this.#versions() > before) this.#sendDigest(peer.origin, false);
  }

  /** Who knows the same has the same; else something is wrong at one of us. */
  #compare(peer: Peer, message: GossipDigest | GossipDelta, nowMs: number): void {
    peer.isWhole = message.digest !== null;
    if (message.digest === null || !this.#rules.compares(this.state.knowsAs(message))) return;
    const { digest } = this.state;
    if (digest === null) return;
    const isSame = digest === message.digest;
    if (peer.digests.compare(isSame, nowMs))
      this.#tell({ type: isSame ? 'agrees' : 'differs', from: peer.origin });
    if (!isSame) this.#memory.recount();
  }

  #onBehind(peer: Peer, sender: GossipReplica): void {
    if (this.#walk !== null) return;
    this.#walk = new Walk(peer.origin, sender.incarnation);
    this.#tell({ type: 'walk-began', from: peer.origin });
    this.#ask(this.#walk);
  }

  #onRequest(from: number, { after }: GossipRequest): void {
    const part = this.state.tellPart(after, this.#messageBytesMax);
    if (part !== null) this.#send(from, { type: 'part', sender: this.#self, ...part });
  }

  #onPart(peer: Peer, message: GossipPart): void {
    this.#peers.knows(peer, message.replicas);
    this.#changed(this.state.mend(message));
    const walk = this.#walk;
    if (walk === null || !walk.isNext(peer.origin, message)) return;
    if (!this.#taken(peer.origin, this.state.mergePart(message))) {
      this.#abandonWalk();
      return;
    }
    walk.take(message);
    if (this.#rules.endsWalk(message.until === null)) {
      this.#changed(this.state.finishWalk(walk.target, message.floors));
      this.#walk = null;
      this.#tell({ type: 'walk-ended', from: peer.origin });
    } else this.#ask(walk);
  }

  /** A request, or its answer, may be lost. */
  #askOn(): void {
    const walk = this.#walk;
    if (walk === null) return;
    walk.rounds += 1;
    if (walk.rounds > WALK_ROUNDS_MAX) this.#abandonWalk();
    else this.#ask(walk);
  }

  /** Each round by another cell and, as chance has it, another peer: not every one has all that we know. */
  #askToMend(): void {
    const after = this.#walk === null ? this.state.askToMend() : undefined;
    if (after === undefined) return;
    for (const { origin } of this.#peers.choose(1, this.#random))
      this.#send(origin, { type: 'request', sender: this.#self, after });
  }

  #abandonWalk(): void {
    if (this.#walk !== null) this.#tell({ type: 'walk-abandoned', from: this.#walk.from });
    this.#walk = null;
  }

  #ask({ from, after }: Walk): void {
    this.#send(from, { type: 'request', sender: this.#self, after });
  }

  #sendDigest(to: number, wantsAnswer: boolean): void {
    this.#send(to, {
      type: 'digest',
      sender: this.#self,
      ...this.state.tellKnowledge(),
      digest: this.state.digest,
      wantsAnswer,
    });
  }

  #taken(from: number, { isTaken, keys }: Merged): boolean {
    if (!isTaken) this.#tell({ type: 'overflow', from });
    this.#changed(keys);
    return isTaken;
  }

  #changed(keys: ReadonlyMap<string, Uint8Array>): void {
    if (keys.size > 0) this.#outputs.push({ type: 'changed', keys: [...keys.values()] });
  }

  #noteRetired(): void {
    const reason = this.state.retired;
    if (reason === null || this.#isRetired) return;
    this.#isRetired = true;
    this.#tell({ type: 'retired', reason });
  }

  /** Grows with whatever becomes known. */
  #versions(): number {
    let sum = 0;
    for (const version of this.state.vector.values()) sum += version;
    return sum;
  }

  #send(to: number, message: GossipMessage): void {
    this.#outputs.push({ type: 'send', to, message });
  }

  #tell(event: GossipEvent): void {
    this.#outputs.push({ type: 'event', event });
  }

  #take(): GossipOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { FunctionId, Random } from '@vnfpool/core';
import type { AgentInput } from '@vnfpool/core/agent';
import type { Clock, DriverFault } from '@vnfpool/runtime/driver';
import { GossipLinks, type GossipPlace, PoolReplica } from '@vnfpool/runtime/gossip';
import type { Logger } from '@vnfpool/runtime/logging';
import type { Connection, StreamTransport } from '@vnfpool/transport';
import type { SetConfiguration } from '@vnfpool/wire/mobility';

export interface PoolStatesParts {
  readonly self: number;
  /** For each replica another one, see `nextIncarnation`. */
  readonly incarnation: () => bigint;
  /** With `replicationRule`. */
  readonly transport: StreamTransport;
  readonly nodeOf: (connection: Connection) => number | null;
  readonly random: Random;
  readonly clock: Clock;
  readonly wallMs: () => number;
  readonly give: (input: AgentInput) => void;
  /** Which replica is for which function may have changed. */
  readonly onChanged: () => void;
  readonly logger: Logger;
  readonly onFault: (fault: DriverFault) => void;
}

interface Kept {
  readonly replica: PoolReplica;
  /** Nodes with an instance of the pool, and until when those are spoken with that have none any more. */
  readonly peers: Map<number, { readonly place: GossipPlace; untilMs: number }>;
  /** Until when it goes on though no instance is here any more; infinity: one is. */
  untilMs: number;
}

/** What is to be looked at. */
const LOUD: ReadonlySet<string> = new Set(['overflow', 'retired', 'differs', 'damaged']);

const REPORT_MS = 1_000;
/** For what a node has changed to come to the others after its last instance of the pool is gone. */
const LEAVING_MS = 30_000;
/** The same when the agent ends. */
const SPREAD_MS = 1_500;

/** Mergeable state of pools that this node has an instance of: one replica a pool, which all instances here share. */
export class PoolStates {
  readonly #parts: PoolStatesParts;
  readonly #links: GossipLinks;
  readonly #pools = new Map<string, Kept>();
  readonly #poolOf = new Map<FunctionId, string>();
  readonly #looking: NodeJS.Timeout;
  #told = '[]';

  constructor(parts: PoolStatesParts) {
    this.#parts = parts;
    this.#links = new GossipLinks({
      transport: parts.transport,
      clock: parts.clock,
      nodeOf: parts.nodeOf,
      // Of a pool that is not here, or a node that has no instance of it, nothing is heard.
      onMessage: (from, pool, message) => this.#pools.get(pool)?.replica.hear(from, message),
      onRefused: (reason) => parts.logger.warn({ reason }, 'a connection for mergeable state'),
    });
    this.#looking = setInterval(() => this.#look(), REPORT_MS).unref();
  }

  /** The replica that a function of this node takes part in; null: none. */
  of(functionId: FunctionId): PoolReplica | null {
    const kept = this.#pools.get(this.#poolOf.get(functionId) ?? '');
    return kept?.replica ?? null;
  }

  /** A frame of gossip that a peer sent. */
  read(connection: Connection, frame: Uint8Array): void {
    this.#links.read(connection, frame);
  }

  /** The set as the manager says it. */
  configure({ mergeable = [], nodes }: SetConfiguration): void {
    const { self, clock } = this.#parts;
    const leavingMs = clock.nowMs() + LEAVING_MS;
    const places = new Map(
      nodes.flatMap(({ node, address: host, replicationPort: port }) =>
        port === undefined ? [] : [[node, { node, host, port }] as const],
      ),
    );
    this.#poolOf.clear();
    const here = new Set<string>();
    for (const { pool, instances } of mergeable) {
      const own = instances.filter(({ node }) => node === self);
      if (own.length === 0) continue;
      here.add(pool);
      for (const { functionId } of own) this.#poolOf.set(functionId as FunctionId, pool);
      const kept = this.#kept(pool);
      kept.untilMs = Number.POSITIVE_INFINITY;
      const now = new Set(instances.map(({ node }) => node));
      for (const [node, peer] of kept.peers)
        if (!now.has(node)) peer.untilMs = Math.min(peer.untilMs, leavingMs);
      for (const node of now) {
        const place = places.get(node);
        if (node !== self && place !== undefined)
          kept.peers.set(node, { place, untilMs: Number.POSITIVE_INFINITY });
      }
    }
    for (const [pool, kept] of this.#pools)
      if (!here.has(pool)) kept.untilMs = Math.min(kept.untilMs, leavingMs);
    this.#meet();
    this.#parts.onChanged();
  }

  /** Tells the others what they do not know, for a moment, and ends. */
  async close(): Promise<void> {
    clearInterval(this.#looking);
    await Promise.all([...this.#pools.values()].map(({ replica }) => replica.spread(SPREAD_MS)));
    for (const { replica } of this.#pools.values()) replica.close();
    this.#pools.clear();
    this.#links.close();
  }

  #kept(pool: string): Kept {
    const known = this.#pools.get(pool);
    if (known !== undefined) return known;
    const { self: origin, incarnation, random, clock, wallMs, logger, onFault } = this.#parts;
    const replica = new PoolReplica({
      pool,
      origin,
      // One that was closed and comes again in this process must not number its steps as before.
      incarnation: incarnation(),
      random,
      clock,
      wallMs,
      send: (to, message) => void this.#links.send(to, pool, message),
      onEvent: (event) => {
        const level = LOUD.has(event.type) ? 'warn' : 'debug';
        logger[level](
          {
            pool,
            event: { ...event, ...('incarnation' in event && { incarnation: `${event.incarnation}` }) },
          },
          'mergeable state',
        );
      },
      onFault,
    });
    const kept: Kept = { replica, peers: new Map(), untilMs: Number.POSITIVE_INFINITY };
    this.#pools.set(pool, kept);
    return kept;
  }

  #look(): void {
    const nowMs = this.#parts.clock.nowMs();
    let hasChanged = false;
    for (const [pool, kept] of this.#pools) {
      const { isSpread } = kept.replica;
      if (kept.untilMs !== Number.POSITIVE_INFINITY && (isSpread || nowMs >= kept.untilMs)) {
        if (!isSpread)
          this.#parts.logger.warn({ pool }, 'changes of mergeable state may be lost: peers do not know them');
        kept.replica.close();
        this.#pools.delete(pool);
        hasChanged = true;
        continue;
      }
      for (const [node, { untilMs }] of kept.peers) {
        if (nowMs < untilMs) continue;
        kept.peers.delete(node);
        hasChanged = true;
      }
    }
    if (hasChanged) this.#meet();
    this.#report();
  }

  #meet(): void {
    const places = new Map<number, GossipPlace>();
    for (const { replica, peers } of this.#pools.values()) {
      for (const [node, { place }] of peers) places.set(node, place);
      replica.meet([...peers.keys()].sort((a, b) => a - b));
    }
    this.#links.meet([...places.values()]);
  }

  #report(): void {
    const reports = [...this.#pools.values()]
      .filter(({ untilMs }) => untilMs === Number.POSITIVE_INFINITY)
      .map(({ replica, peers }) => {
        const { report } = replica;
        // Who has left is not waited for.
        const isThere = ({ node }: { readonly node: number }): boolean =>
          peers.get(node)?.untilMs === Number.POSITIVE_INFINITY;
        return { ...report, peers: report.peers.filter(isThere) };
      });
    const text = JSON.stringify(reports);
    if (text === this.#told) return;
    this.#told = text;
    this.#parts.give({ type: 'mergeable', reports });
  }
}

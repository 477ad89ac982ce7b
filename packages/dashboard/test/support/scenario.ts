// SPDX-License-Identifier: Apache-2.0
import type {
  EventView,
  ExplainView,
  FailoverView,
  InstanceView,
  LabProcessView,
  LabRequest,
  LabView,
  MoveView,
  NodeView,
  Outage,
  PoolView,
  SlotSharingView,
  SlotView,
  StateView,
  TrafficView,
  UpgradeView,
} from '@vnfpool/core/management';

/** A duration with a fraction, so that a page that shows another number is caught. */
export const outageMs = 214;
const bucketMs = 100;
const perBucket = 10;

type Place = { readonly name: string; readonly pool: string; readonly node: string; readonly id: number };

const places: readonly Place[] = [
  { name: 'web#1', pool: 'web', node: 'node-a', id: 17 },
  { name: 'web#2', pool: 'web', node: 'node-b', id: 18 },
  { name: 'web#3', pool: 'web', node: 'node-c', id: 19 },
  { name: 'calc#1', pool: 'calc', node: 'node-b', id: 33 },
  { name: 'calc#2', pool: 'calc', node: 'node-c', id: 34 },
];

/** Three nodes, the pools web (1+1 and a spare) and calc (1+1), and what faults do to them. */
export class Scenario {
  /** By name of the instance. */
  readonly moves = new Map<string, MoveView>();
  readonly drained = new Set<string>();
  readonly maintained = new Set<string>();
  /** By name of the pool. */
  readonly upgrades = new Map<string, UpgradeView>();
  readonly #nodes = new Map<string, LabProcessView['state']>([
    ['node-a', 'running'],
    ['node-b', 'running'],
    ['node-c', 'running'],
  ]);
  #manager: LabProcessView['state'] = 'running';
  readonly #dead = new Set<string>();
  readonly #holders = new Map([
    ['web', 'web#1'],
    ['calc', 'calc#1'],
  ]);
  readonly #epochs = new Map([
    ['web', 7],
    ['calc', 3],
  ]);
  readonly #since = new Map<string, number>();
  #failovers: FailoverView[] = [];
  #events: EventView[] = [];
  #outages: Outage[] = [];
  #failingSince: number | null = null;
  readonly #sharing = new Map<string, SlotSharingView>();
  #frozen: string | null = null;
  /** What the council does not survive. */
  weakness: string | null = null;
  #startedAt: number;

  constructor(now: number) {
    this.#startedAt = now - 184_000;
    for (const pool of this.#holders.keys()) this.#since.set(pool, this.#startedAt);
    this.#tell(
      this.#startedAt,
      'declaration.applied',
      'info',
      'set edge',
      'generation 2 applied: 2 pools, 5 instances',
    );
    this.#tell(
      this.#startedAt + 900,
      'slot.taken',
      'info',
      'slot web/0',
      'taken by web#1 for the first time, epoch 7',
    );
    this.#tell(
      this.#startedAt + 2100,
      'join.refused',
      'warning',
      'node node-d',
      'token was used before; make a new one',
    );
  }

  /** What POST /v1/lab does; a sentence is a refusal. */
  fault(request: LabRequest, now: number): string | null {
    const { action, target } = request;
    if (target === 'manager') {
      this.#manager = action === 'kill' ? 'stopped' : action === 'pause' ? 'paused' : 'running';
      return null;
    }
    const node = this.#nodes.get(target);
    if (node === undefined && !places.some((place) => place.name === target))
      return `no process is called ${target}`;
    if (node === undefined) this.#dead.add(target);
    else if (action === 'kill') this.#nodes.set(target, 'stopped');
    else if (action === 'pause') this.#nodes.set(target, 'paused');
    else this.#nodes.set(target, 'running');
    if (action === 'start' || action === 'resume') {
      this.#tell(
        now,
        'node.registered',
        'info',
        `node ${target}`,
        'registered again, mute until old leases have ended',
      );
    } else if (node !== undefined) {
      this.#tell(now, 'node.lost', 'error', `node ${target}`, 'nothing heard for 600 ms');
    }
    for (const [pool, holder] of this.#holders) {
      if (!this.#lives(holder))
        this.failOver(pool, now, node === undefined ? 'function-exit' : 'lease-expired');
    }
    return null;
  }

  /** The first standby that lives takes the slot of a pool. */
  failOver(pool: string, now: number, cause: string): void {
    const from = this.#holders.get(pool) ?? null;
    const to = this.#standbys(pool)[0];
    if (to === undefined) return;
    const epoch = (this.#epochs.get(pool) ?? 0) + 1;
    this.#epochs.set(pool, epoch);
    this.#holders.set(pool, to);
    this.#since.set(pool, now);
    const offsets = {
      detected: 0,
      fenced: 1.8,
      decided: 1.8,
      committed: 14.2,
      switched: 21.5,
      serving: 24.1,
      'first-served': 32.6,
    };
    const node = this.#nodeOf(to);
    this.#failovers.unshift({
      id: `${pool}/0/${epoch}`,
      pool,
      slot: 0,
      epoch: 2 ** 40 + epoch,
      from,
      to,
      fromNode: from === null ? null : this.#nodeOf(from),
      toNode: node ?? '',
      cause,
      fencedBy: cause === 'lease-expired' ? 'timeout' : 'release',
      steps: Object.entries(offsets).map(([name, offset]) => ({
        name,
        at: now + offset,
        source: name === 'first-served' ? 'traffic' : (node ?? ''),
      })),
      class: cause === 'lease-expired' ? 'node' : 'function',
      evidence:
        cause === 'lease-expired'
          ? `${from === null ? '' : this.#nodeOf(from)} does not answer the manager either`
          : 'its own agent saw it end',
      outageMs,
      failedRequests: 11,
    });
    if (pool === 'web')
      this.#outages.push({ lastOkAt: now + 32.6 - outageMs, firstOkAt: now + 32.6, failed: 11 });
    this.#tell(now, 'slot.taken', 'warning', `slot ${pool}/0`, `taken by ${to} from ${from}, epoch ${epoch}`);
  }

  /** As after many nodes were lost at once. */
  /** The state of the pool's slot goes to its standbys. */
  share(pool: string, sharing: SlotSharingView): void {
    this.#sharing.set(pool, sharing);
  }

  freeze(reason: string): void {
    this.#frozen = reason;
  }

  startFailing(now: number): void {
    this.#failingSince = now;
  }

  managerRuns(): boolean {
    return this.#manager === 'running';
  }

  lab(): LabView {
    const nodes = [...this.#nodes].map(([name, state]) => ({
      name,
      kind: 'node' as const,
      state,
      pid: state === 'stopped' ? null : 4_001,
    }));
    const others = (['manager', 'registrar', 'traffic'] as const).map((name) => {
      const state = name === 'manager' ? this.#manager : 'running';
      return { name, kind: name, state, pid: state === 'stopped' ? null : 4_000 };
    });
    return { available: true, mode: 'namespaces', processes: [...nodes, ...others] };
  }

  explain(pool: string): ExplainView {
    const holder = this.#holders.get(pool) ?? null;
    return {
      pool,
      lines: [
        'one slot, one standby and a spare are declared, on nodes that share no failure domain',
        'every instance is where the planner wants it',
      ],
      slots: [
        {
          index: 0,
          holder,
          why: `${holder} holds the lease of epoch ${this.#epochs.get(pool)}`,
          candidates: places
            .filter((place) => place.pool === pool)
            .map(({ name }, index) => ({
              name,
              rank: index + 1,
              verdict:
                name === holder ? 'holds the slot' : this.#lives(name) ? 'ready to take it' : 'not running',
            })),
        },
      ],
    };
  }

  state(now: number): StateView {
    const pools = ['web', 'calc'].map((name) => this.#pool(name));
    const worst = pools.some((pool) => pool.health !== 'whole') ? 'degraded' : 'whole';
    return {
      at: now,
      sets: [
        {
          name: 'edge',
          mode: 'namespaces',
          generation: 2,
          appliedAt: this.#startedAt,
          pools: ['web', 'calc'],
          nodes: [...this.#nodes.keys()],
          councils: [
            {
              name: 'main',
              version: '1.1',
              members: [...this.#nodes.keys()],
              reachable: [...this.#nodes.values()].filter((state) => state === 'running').length,
              next: null,
              voiceless: [],
              forced: null,
              weakness: this.weakness,
            },
          ],
          health: worst,
          frozen: this.#frozen === null ? null : { since: this.#startedAt, reason: this.#frozen },
        },
      ],
      pools,
      instances: places.map((place) => this.#instance(place)),
      nodes: [...this.#nodes.keys()].map((name, index) => this.#node(name, index, now)),
      slots: pools.map((pool) => this.#slot(pool.name)),
      failovers: this.#failovers,
      traffic: this.traffic(now),
      events: this.#events,
    };
  }

  traffic(now: number): readonly TrafficView[] {
    const last = Math.floor(now / bucketMs) * bucketMs;
    const series = Array.from({ length: 100 }, (_, index) => this.#bucket(last - (99 - index) * bucketMs));
    return [
      {
        source: 'traffic',
        pool: 'web',
        target: '10.77.0.80:8080',
        intervalMs: 10,
        deadlineMs: 100,
        sent: 100,
        ok: 100,
        failed: 0,
        latencyMsP50: 0.7,
        latencyMsP99: 2.4,
        outages: [],
        failingSince: this.#failingSince,
        series,
        updatedAt: now,
        history: this.#outages,
      },
    ];
  }

  #bucket(at: number): TrafficView['series'][number] {
    const broken = this.#outages.some((outage) => at + bucketMs > outage.lastOkAt && at < outage.firstOkAt);
    const failing = broken || (this.#failingSince !== null && at >= this.#failingSince);
    return failing ? { at, ok: broken ? 3 : 0, failed: 4 } : { at, ok: perBucket, failed: 0 };
  }

  #pool(name: string): PoolView {
    const ready = this.#standbys(name).length;
    const spares = name === 'web' ? 1 : 0;
    const missing = 1 + spares - ready;
    return {
      name,
      set: 'edge',
      health: missing > 0 ? 'degraded' : 'whole',
      reason:
        missing > 0
          ? `the slot is served, ${missing} of ${1 + spares} instances behind it ${missing > 1 ? 'are' : 'is'} missing`
          : 'the slot is held and every instance behind it is ready',
      slots: 1,
      slotsHeld: 1,
      standbys: 1,
      standbysReady: Math.min(1, ready),
      spares,
      sparesReady: Math.max(0, ready - 1),
      policy: 'round-robin',
      addresses: [name === 'web' ? '10.77.0.80' : '10.77.0.81'],
      port: name === 'web' ? 8080 : 9000,
      leaseMs: 150,
      upgrade: this.upgrades.get(name) ?? null,
    };
  }

  #slot(pool: string): SlotView {
    const holder = this.#holders.get(pool) ?? null;
    const epoch = this.#epochs.get(pool) ?? 0;
    const moved = this.#failovers.find((failover) => failover.pool === pool);
    return {
      pool,
      index: 0,
      id: pool === 'web' ? '00000000000000a1' : '00000000000000a2',
      epoch: 2 ** 40 + epoch,
      holder,
      node: holder === null ? null : this.#nodeOf(holder),
      addresses: [pool === 'web' ? '10.77.0.80/24' : '10.77.0.81/24'],
      standbys: this.#standbys(pool),
      leaseMs: 150,
      since: this.#since.get(pool) ?? null,
      reason:
        moved === undefined
          ? 'first candidate when the slot was taken, and its lease was renewed ever since'
          : `first standby when the lease of ${moved.from} ended; the council granted epoch 1.${epoch}`,
      sharing: this.#sharing.get(pool) ?? null,
    };
  }

  #instance({ name, pool, node, id }: Place): InstanceView {
    const lives = this.#lives(name);
    const holds = this.#holders.get(pool) === name;
    const rank = this.#standbys(pool).indexOf(name);
    return {
      name,
      pool,
      functionId: id,
      node,
      role: holds ? 'active' : rank === 0 ? 'standby' : rank > 0 ? 'spare' : 'none',
      slot: holds ? 0 : null,
      status: lives ? 'running' : 'unknown',
      healthy: lives,
      address: `10.77.0.${id}`,
      port: 8080,
      pid: lives ? 4000 + id : null,
      restarts: 0,
      reason: lives ? 'answers its health check' : `${node} was not heard of`,
      output: [],
      sessions: null,
      move: this.moves.get(name) ?? null,
    };
  }

  #node(name: string, index: number, now: number): NodeView {
    const runs = this.#nodes.get(name) === 'running';
    return {
      name,
      nodeId: index + 1,
      status: runs ? 'registered' : 'lost',
      reason: runs ? '' : 'nothing heard for 600 ms',
      address: `10.77.0.${index + 11}`,
      council: true,
      fence: 'nft',
      muteMs: 0,
      functions: ['web', 'calc'],
      version: '0.1.0',
      lastHeardAt: runs ? now - 80 : now - 2400,
      drain: this.drained.has(name) ? { since: now, isOver: false, staying: [] } : null,
      maintenance: this.maintained.has(name) ? { since: now, until: now + 7_200_000 } : null,
    };
  }

  #standbys(pool: string): string[] {
    return places
      .filter(
        ({ name, ...place }) => place.pool === pool && this.#holders.get(pool) !== name && this.#lives(name),
      )
      .map(({ name }) => name);
  }

  #lives(name: string): boolean {
    const node = this.#nodeOf(name);
    return !this.#dead.has(name) && node !== null && this.#nodes.get(node) === 'running';
  }

  #nodeOf(name: string): string | null {
    return places.find((place) => place.name === name)?.node ?? null;
  }

  #tell(at: number, type: string, severity: EventView['severity'], subject: string, message: string): void {
    this.#events = [{ id: this.#events.length + 1, at, type, severity, subject, message }, ...this.#events];
  }
}

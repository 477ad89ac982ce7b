// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import { nodeId } from '@vnfpool/core';
import type { DeclaredSet } from '@vnfpool/core/declared';
import type { EventView } from '@vnfpool/core/management';
import {
  ManagerCore,
  type ManagerCoreInput,
  type ManagerCoreOutput,
  type ManagerReply,
  type ManagerTables,
  type ManagerWrite,
  numbersWrite,
  ROWS_MAX,
  restoreNumbers,
  restoreState,
} from '@vnfpool/core/manager';
import {
  MobilityManager,
  type MobilityManagerInput,
  type MobilityManagerOutput,
} from '@vnfpool/core/mobility';
import { CoreDriver } from '@vnfpool/runtime/driver';
import { type MemoryDisk, MemoryStore, raiseTerm, StoreFullError } from '@vnfpool/store';
import { decodeMobility, encodeMobility, type SlotReport } from '@vnfpool/wire/mobility';
import { NodeClock } from '../lease-world/node-clock.ts';
import { withFaults } from './effects.ts';
import { SimProcess } from './process.ts';
import type { StreamEnd } from './streams.ts';
import type { World } from './world.ts';

export const MANAGER_HOST = 10;

/** How soon the one who watches it starts it again where it could not start. */
const START_AGAIN_MS = 300;

interface Life {
  readonly core: ManagerCore;
  readonly manager: CoreDriver<ManagerCoreInput, ManagerCoreOutput>;
}

/** What a person applied, and was told that it stands. */
interface Acknowledged {
  readonly generation: number;
  readonly declared: DeclaredSet;
}

/** The pool manager: its process over a disk that outlives it, wired as the manager daemon wires it. */
export class FullManager {
  readonly process: SimProcess;
  /** A batch is in the store. */
  onStored: (writes: readonly ManagerWrite[]) => void = () => {};
  onEvent: (event: EventView) => void = () => {};
  /** What it hears of slots may be changed on the way. */
  hears: (report: SlotReport) => SlotReport = (report) => report;
  readonly #world: World;
  readonly #disk: MemoryDisk = new Map();
  readonly #names = new Map<number, { readonly id: number; readonly name: string }>();
  readonly #replies = new Map<number, (reply: ManagerReply) => void>();
  #isFull = false;
  #store: MemoryStore<ManagerTables> | undefined;
  #alive: Life | undefined;
  #acknowledged: Acknowledged | undefined;
  #lastRequest = 0;

  constructor(world: World) {
    this.#world = world;
    this.process = new SimProcess(
      world,
      'manager',
      MANAGER_HOST,
      new NodeClock(1, world.random.between(1, 1e6), 1.7e12),
    );
  }

  get life(): Life | undefined {
    return this.#alive;
  }

  get nowMs(): number {
    return this.process.nowMs();
  }

  setFull(isFull: boolean): void {
    this.#world.log(() => `the manager's disk is ${isFull ? 'full' : 'free again'}`);
    this.#isFull = isFull;
    if (this.#store) this.#store.full = isFull;
  }

  start(): void {
    if (this.process.isAlive) return;
    this.process.begin();
    const { life } = this.process;
    this.process.onEnd(() => {
      this.#alive = undefined;
      this.#replies.clear();
      this.#world.streams.processEnded(this.process, true);
    });
    this.#world.await(
      this.#run(life).catch((error: unknown) => {
        if (!(error instanceof StoreFullError)) throw error;
        this.process.kill();
        this.#world.schedule.after(START_AGAIN_MS, () => this.start());
      }),
    );
  }

  kill(): void {
    this.process.kill();
  }

  /** The number of a node that joins; its row is on disk before anybody hears of it. */
  join(host: number, name: string): number | undefined {
    const known = this.#names.get(host);
    if (known) return known.id;
    const store = this.#store;
    const manager = this.#alive?.manager;
    if (!store || !manager || this.#isFull || this.process.isPaused) return undefined;
    if (this.#world.streams.isCut(host, MANAGER_HOST)) return undefined;
    const id = this.#names.size + 1;
    this.#names.set(host, { id, name });
    const row = { id, name, certificateSerial: null, endpoint: null, bootTime: '', configuration: null };
    this.#world.await(
      store
        .write([
          { table: 'counters', key: 'node', value: id },
          { table: 'nodes', key: name, value: row },
        ])
        .then(() => void manager.submit({ type: 'joined', node: nodeId(id), name, certificateSerial: '' })),
    );
    return id;
  }

  /** A registrar tells where it is; false: not heard. */
  announce(registrar: { readonly address: string; readonly port: number }): boolean {
    if (this.process.isPaused) return false;
    return this.#alive?.manager.submit({ type: 'registrar', ...registrar }) ?? false;
  }

  /** False: nobody is there to be asked. `onReply` may never come. */
  apply(declared: DeclaredSet, onReply: (reply: ManagerReply) => void): boolean {
    const manager = this.#alive?.manager;
    if (!manager) return false;
    const requestId = ++this.#lastRequest;
    this.#replies.set(requestId, (reply) => {
      if (reply.ok && reply.applied) this.#acknowledged = { generation: reply.applied.generation, declared };
      onReply(reply);
    });
    return manager.submit({ type: 'apply', requestId, declared, text: '', file: 'set.yaml' });
  }

  handover(pool: string, index: number): void {
    const requestId = ++this.#lastRequest;
    this.#alive?.manager.submit({ type: 'handover', requestId, pool, index });
  }

  move(request: { readonly instance: string; readonly to?: string; readonly cancel?: boolean }): void {
    this.#alive?.manager.submit({ type: 'move', requestId: ++this.#lastRequest, ...request });
  }

  drain(node: string, cancel: boolean): void {
    this.#world.log(() => `somebody ${cancel ? 'takes back the drain of' : 'drains'} ${node}`);
    this.#alive?.manager.submit({ type: 'drain', requestId: ++this.#lastRequest, node, cancel });
  }

  /** What was acknowledged must stand, whatever happened since. */
  checkDeclaration(): void {
    const known = this.#acknowledged;
    const core = this.#alive?.core;
    if (!known || !core) return;
    const set = core.views(this.nowMs).sets[0];
    const declared = core.declaration()?.declared;
    const isLost =
      set === undefined ||
      set.generation < known.generation ||
      (set.generation === known.generation && !isDeepStrictEqual(declared, known.declared));
    if (isLost)
      this.#world.fail(
        `declaration ${known.generation} was acknowledged and is lost; there is ${set?.generation ?? 'none'}`,
      );
  }

  async #run(life: number): Promise<void> {
    const world = this.#world;
    const { process } = this;
    const { random } = world;
    const store = new MemoryStore<ManagerTables>({ rowsMax: ROWS_MAX }, this.#disk);
    store.full = this.#isFull;
    const term = await raiseTerm(store);
    const restored = await restoreState((table) => store.list(table));
    const plainNumbers = restoreNumbers(await store.list('numbers'));
    if (process.life !== life) return;
    this.#store = store;
    const clock = process.driverClock;
    const onFault = ({ error }: { readonly error: unknown }): void =>
      world.fail(`manager: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    const maybeFault = (): void => this.#maybeFault();
    const wallMs = (nowMs: number): number => process.clock.wallMs(process.clock.trueMs(nowMs));
    const core = new ManagerCore({ random, wallMs, mode: 'hosts' }, restored);

    // Batches land one after the other.
    let diskFreeAtMs = 0;
    const persist = ({ id, writes }: ManagerCoreOutput & { type: 'persist' }): void => {
      diskFreeAtMs = Math.max(diskFreeAtMs, world.nowMs) + random.between(0.1, 4);
      process.at(diskFreeAtMs, () => {
        world.counts.writes += 1;
        world.await(
          store.write(writes).then(
            () => {
              this.onStored(writes);
              process.after(random.between(0, 1), () => manager.submit({ type: 'persisted', id }));
            },
            (error: Error) =>
              manager.submit({
                type: 'persist-failed',
                id,
                full: error instanceof StoreFullError,
                reason: error.message,
              }),
          ),
        );
      });
    };
    const manager: CoreDriver<ManagerCoreInput, ManagerCoreOutput> = new CoreDriver<
      ManagerCoreInput,
      ManagerCoreOutput
    >({
      core,
      clock,
      onFault,
      effects: withFaults<ManagerCoreOutput>(
        {
          mobility: ({ input, reason }) => {
            world.counts.orders += 1;
            world.log(
              () =>
                `order ${input.type} ${'functionId' in input ? input.functionId : ''} at node ${input.node}: ${reason}`,
            );
            mobility.submit(input);
          },
          persist,
          event: ({ event }) => {
            world.counts.events += 1;
            world.log(() => `event ${event.type}: ${event.message}`);
            this.onEvent(event);
          },
          reply: ({ requestId, reply }) => {
            world.log(() => `reply ${requestId}: ${reply.ok ? 'ok' : `${reply.code} ${reply.message}`}`);
            this.#replies.get(requestId)?.(reply);
            this.#replies.delete(requestId);
          },
          changed: () => {},
        },
        maybeFault,
      ),
    });
    const tell = (
      output: Exclude<MobilityManagerOutput, { type: 'send' | 'close' | 'reserve-numbers' }>,
    ): void => {
      manager.submit(output);
    };
    const connections = new Map<number, StreamEnd>();
    const mobility: CoreDriver<MobilityManagerInput, MobilityManagerOutput> = new CoreDriver<
      MobilityManagerInput,
      MobilityManagerOutput
    >({
      core: new MobilityManager({ random, instance: random.u64(), term, plainNumbers }),
      clock,
      onFault,
      effects: withFaults<MobilityManagerOutput>(
        {
          send: ({ connection, message }) => connections.get(connection)?.send(encodeMobility(message)),
          close: ({ connection, reason }) => connections.get(connection)?.close(reason),
          'reserve-numbers': (output) => store.write([numbersWrite(output)]).catch(() => {}),
          'node-registered': tell,
          'node-functions': tell,
          'node-suspect': tell,
          'node-lost': tell,
          'node-back': tell,
          'node-left': tell,
          'node-moved': tell,
          'node-information': tell,
          'function-status': tell,
          'slot-report': (output) => tell({ ...output, report: this.hears(output.report) }),
          'operation-result': (output) => {
            if (output.code !== 0) world.log(() => `order failed: ${output.code} ${output.text}`);
            tell(output);
          },
          event: (output) => {
            world.log(() => `manager mobility ${output.event}: ${output.reason}`);
            tell(output);
          },
        },
        maybeFault,
      ),
    });
    let lastConnection = 0;
    world.streams.listen(process, (end, fromHost) => {
      const who = this.#names.get(fromHost);
      if (!who) {
        end.close('not a node of this set');
        return;
      }
      const connection = ++lastConnection;
      connections.set(connection, end);
      end.onClose = () => {
        connections.delete(connection);
        mobility.submit({ type: 'disconnected', connection });
      };
      end.onFrame = (frame) =>
        void mobility.submit({ type: 'message', connection, message: decodeMobility(frame) });
      mobility.submit({ type: 'connected', connection, identity: { node: nodeId(who.id), name: who.name } });
    });
    process.onEnd(() => {
      manager.stop();
      mobility.stop();
    });
    this.#alive = { core, manager };
    this.checkDeclaration();
  }

  #maybeFault(): void {
    const { isCalm, plan, random, schedule } = this.#world;
    if (isCalm || plan.stepFault === 0 || !this.process.isAlive || !random.chance(plan.stepFault / 2)) return;
    this.kill();
    schedule.after(random.between(1, 1_000), () => this.start());
  }
}

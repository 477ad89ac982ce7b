// SPDX-License-Identifier: Apache-2.0
import { PoolUserCore, type PoolUserInput, type PoolUserOutput } from '@vnfpool/core/pool-user';
import type { ServerAnnounce } from '@vnfpool/wire/asap';
import type { IpText } from '@vnfpool/wire/parameters';
import { CoreRunner } from './core-runner.ts';
import { HuntLinks } from './hunt-links.ts';
import { huntOptions } from './hunt-options.ts';
import { keyOf } from './ledger.ts';
import type { Process } from './process.ts';
import type { RegistrarHost } from './registrar-host.ts';
import type { World } from './world.ts';

const OUTPUTS_MAX = 200;
/** How soon a user notices that an element does not serve. */
const NOTICE_MS = 500;

/** What a user sees of the world. */
export interface UserSurroundings {
  /** Whether something sent to this element is answered. */
  serves(user: Process, key: string): boolean;
  /** Called with everything a user was told to use. */
  used(user: UserHost, key: string): void;
}

/** Asks again and again who serves one pool, and reports who does not; a liar reports everybody. */
export class UserHost {
  readonly process: Process;
  readonly poolHandle: Uint8Array;
  isLiar = false;
  readonly #world: World;
  readonly #around: UserSurroundings;
  readonly #registrars: readonly RegistrarHost[];
  #runner: CoreRunner<PoolUserInput, PoolUserOutput> | undefined;
  #links: HuntLinks | undefined;
  #request = 0;

  constructor(
    world: World,
    around: UserSurroundings,
    registrars: readonly RegistrarHost[],
    index: number,
    poolHandle: Uint8Array,
  ) {
    this.#world = world;
    this.#around = around;
    this.#registrars = registrars;
    this.poolHandle = poolHandle;
    this.process = world.process(`user ${index + 1}`);
  }

  start(): void {
    if (this.process.isAlive) return;
    const world = this.#world;
    const { process } = this;
    process.begin();
    const { endpoint: timers } = world.profile;
    const core = new PoolUserCore(
      {
        ...huntOptions(world, this.#registrars, process.id),
        requestTimeoutMs: timers.requestTimeoutMs,
        retransmitsMax: timers.retransmitsMax,
        staleMs: world.plan.staleMs,
        updates: process.id % 4 === 0,
        answerStale: false,
      },
      world.random,
    );
    const runner = new CoreRunner<PoolUserInput, PoolUserOutput>(
      world,
      process,
      core,
      OUTPUTS_MAX,
      (output) => this.#perform(output),
    );
    this.#runner = runner;
    this.#links = new HuntLinks(world, process, (input) => runner.submit(input));
    process.onEnd(() => {
      this.#runner = undefined;
      this.#links = undefined;
    });
    this.#ask();
  }

  announced(message: ServerAnnounce, source: IpText): void {
    this.#runner?.submit({ type: 'announcement', message, source });
  }

  #ask(): void {
    const { poolHandle } = this;
    this.#runner?.submit({ type: 'resolve', request: ++this.#request, poolHandle });
    this.process.after(this.#world.plan.resolveEveryMs, () => this.#ask());
  }

  #perform(output: PoolUserOutput): void {
    const world = this.#world;
    switch (output.type) {
      case 'send':
        this.#links?.send(output.association, output.message);
        break;
      case 'connect':
      case 'disconnect':
        this.#links?.perform(output);
        break;
      case 'resolved':
        world.counts.resolved += 1;
        this.#use(output.element.id);
        break;
      case 'unresolved':
        world.counts.unresolved += 1;
        break;
      case 'pool-changed':
        break;
    }
  }

  #use(elementId: number): void {
    const key = keyOf(this.poolHandle, elementId);
    this.#around.used(this, key);
    if (!this.isLiar && this.#around.serves(this.process, key)) return;
    this.process.after(NOTICE_MS, () => {
      const { poolHandle } = this;
      this.#runner?.submit({ type: 'unreachable', poolHandle, elementId });
    });
  }
}
